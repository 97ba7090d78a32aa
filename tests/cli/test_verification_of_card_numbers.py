"""A card number in any file is found, and what PayRail makes of many digits is not taken for one."""

import json
import random
from hashlib import sha256
from pathlib import Path

import pytest

from payrail.cli.verification import verify_data_dir
from payrail.cli.verification.stored_card_numbers import holds_card_number
from payrail.runtime.clock import FrozenClock
from payrail.runtime.ids import IdSource

CARD = "4242424242424242"


@pytest.mark.parametrize(
    "line",
    [
        CARD,
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242\t4242\t4242\t4242",
        f'{{"note":"card {CARD}."}}',
        f'{{"number":{CARD}}}',
        f"pan={CARD}&cvc=1",
        f"card_{CARD}",
        f"x{CARD}x",
        '{"note":"4242\\t4242\\t4242\\t4242"}',
        '{"note":"\\u0034242424242424242"}',
        "378282246310005",
        "2025-01-01,4000000000000002,USD",
        f'{{"hash":"{CARD}"}}',
        f'{{"offset_us":"{CARD}"}}',
        "".join(chr(0xFF10 + int(digit)) for digit in CARD),
    ],
)
def test_a_card_number_is_found_in_every_disguise(line: str) -> None:
    assert holds_card_number(line)


@pytest.mark.parametrize(
    "line",
    [
        "4242424242424243",
        '{"at":"2025-01-01T00:00:00.000Z","amount":99999999999}',
        "2025-01-01,123456,2025-01-02,1234567",
        '{"time":1735689600002,"b":1}',
        '{"rate":0.4242424242424242,"p50":12.5}',
        "00-42424242424242424242424242424242-4242424242424242-01",
        '{"offset_us":4242424242424242,"moved_by":null}',
        '{"offset_us":-4242424242424242}',
        "process 4242",
    ],
)
def test_other_digits_are_not_taken_for_one(line: str) -> None:
    assert not holds_card_number(line)


def test_ids_and_hashes_raise_no_false_alarm() -> None:
    """Hashes of all digits would: one in some thousand hashes holds 13 to 19 digits that pass the check."""
    rng = random.Random(42)
    ids = IdSource(FrozenClock(), rng)
    suspicious = 0
    for number in range(20_000):
        digest = sha256(b"%d" % number).hexdigest()
        suspicious += holds_card_number(f"x{digest}")
        assert not holds_card_number(f'{{"id":"{ids.new("pay")}","prev":"{digest}","hash":"{digest}"}}')
        assert not holds_card_number(f'{{"prev":"{digest}","hash":"{digest[: number % 64]}')
    assert suspicious > 0, "the test proves nothing if no hash looks like a card number"


@pytest.mark.parametrize(
    "name",
    [
        "ledger/payments.jsonl.quarantine",
        "vault/access_log.jsonl",
        "vault/encrypted_cards.json",
        "providers/providerA_records.jsonl",
        "providers/providerA_records.jsonl.lock",
        "settlement/settlement_2025-01-01.csv",
        "metrics/service_metrics.jsonl",
        "service.log",
        ".hidden",
        "deep/er/still/a.tmp",
    ],
)
def test_every_file_is_searched_and_the_line_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n{}\n" + json.dumps({"note": f"card {CARD}"}) + "\n{}\n")
    found = [finding for finding in verify_data_dir(tmp_path).findings if finding.check == "card_number"]
    assert [(finding.file, finding.line) for finding in found] == [(name, 3)]
    assert CARD not in str(found)


def test_a_card_number_in_a_file_name_is_found(tmp_path: Path) -> None:
    (tmp_path / f"{CARD}.txt").write_text("x")
    assert [finding.check for finding in verify_data_dir(tmp_path).findings] == ["card_number"]


def test_a_card_number_that_straddles_two_pieces_of_a_very_long_line_is_found(tmp_path: Path) -> None:
    for offset in (-16, -8, -1, 0):
        text = "x" * ((1 << 20) + offset) + CARD + "x" * 100
        (tmp_path / "long.txt").write_text(f"first\n{text}\n")
        found = verify_data_dir(tmp_path).findings
        assert {(finding.check, finding.line) for finding in found} == {("card_number", 2)}
