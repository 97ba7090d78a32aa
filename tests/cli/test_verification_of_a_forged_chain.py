"""The hashes of a chain that was made anew prove nothing: what its lines may not say is found all the same."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from payrail.cli.verification import Report, verify_data_dir
from payrail.ledger.entry import Actor, Claim
from stand_ins.forged_ledger import draft_of, rechain, write_ledger
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import Desk, pay


@pytest.fixture
def journal() -> MemoryJournal:
    """Two captured payments."""
    made = MemoryJournal()
    for number in (1, 2):
        Desk(made).captured(pay(number))
    return made


@pytest.fixture
def data_dir(tmp_path: Path, journal: MemoryJournal) -> Path:
    write_ledger(tmp_path, [draft_of(entry) for entry in journal.entries])
    return tmp_path


def _found(report: Report) -> list[tuple[str, str, int | None]]:
    return [(finding.check, finding.file, finding.line) for finding in report.findings]


def _in_line(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda line: change(line) if line.startswith(b'{"seq":%d,' % number) else line


def test_a_chain_made_anew_without_a_change_is_sound(data_dir: Path, journal: MemoryJournal) -> None:
    before = (data_dir / "ledger" / "payments.jsonl").read_bytes()
    rechain(data_dir, lambda line: line)
    assert (data_dir / "ledger" / "payments.jsonl").read_bytes() == before
    assert verify_data_dir(data_dir).sound


@pytest.mark.parametrize(
    ("number", "change", "named"),
    [
        pytest.param(3, lambda line: line + b',"note":"x"', "note", id="in the entry"),
        pytest.param(
            1, lambda line: line.replace(b'"data":{', b'"data":{"state":"CAPTURED",'), "data.state",
            id="in its data",
        ),
        pytest.param(
            1, lambda line: line.replace(b'"bin":', b'"cvc":"1","bin":'), "data.payment_method.cvc",
            id="deep in its data",
        ),
        pytest.param(
            5, lambda line: line.replace(b'"side":"debit"', b'"side":"debit","fx":1'), "postings[0].fx",
            id="in a posting",
        ),
        pytest.param(
            1, lambda line: line.replace(b'"actor":{', b'"actor":{"name":"x",'), "actor.name", id="in the actor"
        ),
        pytest.param(
            1, lambda line: line.replace(b'"idempotency":{', b'"idempotency":{"ttl":1,'), "idempotency.ttl",
            id="in the claim",
        ),
    ],
)  # fmt: skip
def test_a_member_that_no_such_entry_has_is_found(
    data_dir: Path, number: int, change: Callable[[bytes], bytes], named: str
) -> None:
    rechain(data_dir, _in_line(number, change))
    report = verify_data_dir(data_dir)
    assert _found(report) == [("wording", "ledger/payments.jsonl", number)]
    assert named in report.findings[0].reason.removeprefix("members that no such entry has: ").split(", ")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda line: line.replace(b'"version":1', b'"version":9,"version":1'), id="a member twice"
        ),
        pytest.param(lambda line: line.replace(b'"version":1', b'"version": 1'), id="a space"),
        pytest.param(lambda line: line.replace(b'"payments"', b'"p\\u0061yments"'), id="an escape"),
    ],
)
def test_a_line_that_says_its_entry_in_other_words_is_found(
    data_dir: Path, change: Callable[[bytes], bytes]
) -> None:
    rechain(data_dir, _in_line(1, change))
    report = verify_data_dir(data_dir)
    assert _found(report) == [("wording", "ledger/payments.jsonl", 1)]
    assert report.findings[0].reason == "it is not written as PayRail writes what it says"


def test_an_id_that_two_entries_have_is_found_at_the_second_one(data_dir: Path) -> None:
    first, seventh = (f'"id":"le_01JD{seq:A>22}"'.encode() for seq in (1, 7))
    rechain(data_dir, lambda line: line.replace(seventh, first))
    assert _found(verify_data_dir(data_dir)) == [("entry_id", "ledger/payments.jsonl", 7)]


def _unclaimed(journal: MemoryJournal, data_dir: Path, *types: str, actor: Actor | None = None) -> Report:
    """The second payment without the key of what these entries began."""
    scopes = {e.idempotency.scope for e in journal.entries[5:] if e.type in types and e.idempotency}
    assert scopes

    def kept(claim: Claim | None) -> Claim | None:
        return None if claim and claim.scope in scopes else claim

    drafts = [draft_of(entry, idempotency=kept(entry.idempotency)) for entry in journal.entries]
    if actor is not None:
        drafts = [replace(draft, actor=actor) if draft.idempotency is None else draft for draft in drafts]
    write_ledger(data_dir, drafts)
    return verify_data_dir(data_dir)


@pytest.mark.parametrize(
    ("begun", "line"),
    [("payment.created", 6), ("payment.authorization_started", 7), ("payment.capture_started", 9)],
)
def test_what_somebody_asked_for_without_claiming_a_key_is_found(
    data_dir: Path, journal: MemoryJournal, begun: str, line: int
) -> None:
    found = [("idempotency", "ledger/payments.jsonl", line)]
    assert _found(_unclaimed(journal, data_dir, begun)) == found
    report = _unclaimed(journal, data_dir, begun, actor=Actor("resolver", "system"))
    assert _found(report) == found, "PayRail itself never begins it"
    assert report.findings[0].reason == f"{begun} was asked for, but claims no idempotency key"
