"""The ledger among processes: several writers on one directory, and a writer that dies at any step."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from journal_contract import require_unbroken

from payrail.cli.verification import verify_data_dir
from payrail.ledger.entry import BOOKS
from payrail.ledger.state import Committed
from payrail.runtime.journal import FileJournal
from payrail.runtime.journal.ledger_files import AFTER_SYNC, BEFORE_SYNC, BEFORE_WRITE, HALF_WRITTEN
from stand_ins.payments import created
from waiting import LIMIT_S

CHILD = Path(__file__).with_name("journal_child.py")
TESTS = CHILD.parents[2]


def _start(data_dir: Path, rounds: int, *arguments: str, fault: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(data_dir / "ledger"), str(rounds), *arguments],
        env={**os.environ, "PYTHONPATH": str(TESTS), "PAYRAIL_FAULT": fault},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _finish(child: subprocess.Popen[str]) -> list[str]:
    """What the child acknowledged; it is killed if it does not end."""
    try:
        output, _ = child.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    return [line for line in output.split() if line != "ready"]


@pytest.fixture
def entry_ids() -> Iterator[str]:
    return (f"le_{number}" for number in range(1, 1_000))


async def _reopened(data_dir: Path, entry_ids: Iterator[str]) -> FileJournal:
    journal = await FileJournal.open(data_dir / "ledger", lambda: next(entry_ids))
    require_unbroken(list(journal.tail(0)))
    return journal


async def test_two_processes_make_one_sequence_and_lose_nothing(
    tmp_path: Path, entry_ids: Iterator[str]
) -> None:
    children = [_start(tmp_path, 40) for _ in range(2)]
    acknowledged = [payment_id for child in children for payment_id in _finish(child)]
    assert [child.returncode for child in children] == [0, 0]
    assert len(acknowledged) == 2 * (40 * 9 + 1)
    journal = await _reopened(tmp_path, entry_ids)
    entities = [entry.entity for entry in journal.tail(0)]
    assert sorted(entities) == sorted(acknowledged)
    await journal.close()
    assert verify_data_dir(tmp_path).sound


@pytest.mark.parametrize("nth", [1, 2, 5])
@pytest.mark.parametrize("point", [BEFORE_WRITE, HALF_WRITTEN, BEFORE_SYNC, AFTER_SYNC])
async def test_after_a_kill_at_any_step_what_was_acknowledged_is_there_and_the_books_are_a_prefix(
    tmp_path: Path, entry_ids: Iterator[str], point: str, nth: int
) -> None:
    child = _start(tmp_path, 10, fault=f"{point}:{nth}")
    acknowledged = _finish(child)
    assert child.returncode == -signal.SIGKILL
    report = verify_data_dir(tmp_path)
    assert report.sound, report.findings
    journal = await _reopened(tmp_path, entry_ids)
    assert set(acknowledged) <= set(journal.state.payments)
    books = [(tmp_path / "ledger" / f"{book}.jsonl").read_bytes() for book in BOOKS]
    assert all(not book or book.endswith(b"\n") for book in books)
    if point == HALF_WRITTEN:
        assert len(list((tmp_path / "ledger").glob("*.quarantine"))) == 1
    result = await journal.append("payments", created("pay_after"))
    assert isinstance(result, Committed)
    await journal.close()
    assert verify_data_dir(tmp_path).sound


async def test_a_survivor_goes_on_over_the_torn_line_of_a_sibling_that_died(tmp_path: Path) -> None:
    survivor = _start(tmp_path, 60)
    victim = _start(tmp_path, 60, fault=f"{HALF_WRITTEN}:4")
    acknowledged = _finish(victim) + _finish(survivor)
    assert (victim.returncode, survivor.returncode) == (-signal.SIGKILL, 0)
    report = verify_data_dir(tmp_path)
    assert report.sound, report.findings
    journal = await _reopened(tmp_path, iter(()))
    assert set(acknowledged) <= set(journal.state.payments)
    await journal.close()


async def test_a_disk_that_fills_up_refuses_and_loses_nothing(
    tmp_path: Path, entry_ids: Iterator[str]
) -> None:
    """The kernel writes what fits and refuses the rest, in the middle of a line; then there is room again."""
    child = _start(tmp_path, 10, "9000")
    printed = _finish(child)
    assert child.returncode == 0
    acknowledged = [line for line in printed if line != "unavailable"]
    assert "unavailable" in printed
    assert printed[-1] != "unavailable", "with room again, the next append succeeds"
    report = verify_data_dir(tmp_path)
    assert report.sound, report.findings
    assert report.notes == []
    journal = await _reopened(tmp_path, entry_ids)
    assert set(journal.state.payments) == set(acknowledged), "what was refused is not there"
    await journal.close()
