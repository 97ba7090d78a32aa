"""Each contract holds on the real stack against what Schemathesis makes up: examples, coverage, fuzzing, stateful.

`make fuzz` does the same for as long as one likes.
"""

from pathlib import Path

import bundles
import pytest
from fuzz import fuzz

SEED = 42
EXAMPLES = 20  # Per operation, so that the whole suite stays a matter of minutes; `make fuzz` is for more.
SEEDS_MAX = 6
LIFE = ["--include-tag", "payments", "--include-tag", "refunds", "--include-tag", "disputes"]
CLOCK = ["--include-tag", "clock", "--include-tag", "payments", "--include-tag", "customers"]


@pytest.mark.parametrize("service", bundles.SERVICES)
def test_contract_holds_in_every_phase(service: str, tmp_path: Path) -> None:
    """No failure of a check, no 500 and no error logged, sound files, and nothing in them that must not be."""
    report = tmp_path / "junit.xml"
    outcome = fuzz(service, seed=SEED, examples=EXAMPLES, folder=tmp_path, past=True, junit=report)
    assert outcome.faults == []
    assert "<testsuite " in report.read_text()
    asked = {operation for operation, _ in outcome.requests()}
    assert asked >= {operation.name for operation in bundles.operations() if operation.service == service}


def test_links_lead_to_captured_refunded_and_disputed_payments(tmp_path: Path) -> None:
    """The stateful phase alone, told nothing but the contract: the ledger shows how far it came. How far one seed comes
    is a matter of luck, and changes with the contract; several together come all the way."""
    missing = {"payment.captured", "payment.canceled", "refund.succeeded", "dispute.opened"}
    for seed in range(SEED, SEED + SEEDS_MAX):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcome = fuzz(
            "gateway", seed=seed, examples=3 * EXAMPLES, folder=folder, phases="stateful", only=LIFE
        )
        assert outcome.faults == []
        missing -= {entry["type"] for entry in outcome.entries()}
        if not missing:
            return
    assert missing == set()


def test_clock_may_be_moved_to_any_time(tmp_path: Path) -> None:
    """Where the other runs move it by days, this one moves it by centuries."""
    outcome = fuzz("gateway", seed=SEED, examples=EXAMPLES, folder=tmp_path, only=CLOCK, clock_unbounded=True)
    assert outcome.faults == []
    assert outcome.requests()["move_clock", 200] > 0
