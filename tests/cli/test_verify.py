"""`payrail verify` as a person or a script meets it: output, exit status, and a stack that runs meanwhile."""

import asyncio
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from payrail.cli.verification import LedgerBusy, verify_data_dir
from payrail.cli.verify import verify
from payrail.ledger.entry import BOOKS
from payrail.runtime.journal import FileJournal, ledger_snapshot
from payrail.runtime.leases import Leases
from payrail.runtime.shared_lock import SharedLock
from stand_ins.forged_ledger import draft_of, write_ledger
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import Desk, created, in_book, pay
from waiting import LIMIT_S, until

ACQUIRE = """
import sys
from pathlib import Path
from payrail.runtime.leases import Leases
print(Leases(Path(sys.argv[1])).acquire(sys.argv[2]))
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    journal = MemoryJournal()
    desk = Desk(journal)
    desk.captured(pay(1))
    desk.captured(pay(2), currency="JPY", amount=5000)
    desk.create(pay(3))
    desk.begin_authorization(pay(3))
    write_ledger(tmp_path, [draft_of(entry) for entry in journal.entries])
    return tmp_path


def _contents(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_sound_directory_is_summed_up_and_exits_with_0(data_dir: Path) -> None:
    result = CliRunner().invoke(verify, ["--data-dir", str(data_dir)])
    assert result.exit_code == 0
    assert "12 entries, 3 payments (1 AUTHORIZING, 2 CAPTURED)" in result.stdout
    assert "JPY: 1 payments, authorized 5000 JPY, captured 5000 JPY" in result.stdout
    assert "USD: 2 payments, authorized 10.00 USD, captured 10.00 USD" in result.stdout
    assert "1 open intents" in result.stdout
    assert "OK" in result.stdout


def test_a_finding_is_printed_with_file_line_and_reason_and_exits_with_1(data_dir: Path) -> None:
    book = data_dir / "ledger" / "payments.jsonl"
    book.write_bytes(book.read_bytes().replace(b'"amount":5000', b'"amount":4000', 1))
    result = CliRunner().invoke(verify, ["--data-dir", str(data_dir)])
    assert result.exit_code == 1
    assert "ledger/payments.jsonl line 6: hash_chain: the hash does not match the line" in result.stdout
    assert "NOT SOUND: 1 finding." in result.stdout


def test_json_says_the_same(data_dir: Path) -> None:
    sound = CliRunner().invoke(verify, ["--data-dir", str(data_dir), "--json"])
    report = json.loads(sound.stdout)
    assert sound.exit_code == 0
    assert report["sound"] is True
    assert report["findings"] == []
    assert report["summary"]["entries"] == 12
    assert report["summary"]["currencies"]["USD"]["captured"] == 1000
    assert report["summary"]["currencies"]["USD"]["balance"] == 0
    assert [note["kind"] for note in report["notes"]] == ["open_intent"]
    (data_dir / "note.txt").write_text("4242 4242 4242 4242")
    unsound = CliRunner().invoke(verify, ["--data-dir", str(data_dir), "--json"])
    assert unsound.exit_code == 1
    assert json.loads(unsound.stdout)["findings"] == [
        {"check": "card_number", "file": "note.txt", "line": 1, "reason": "a card number stands here"}
    ]


def test_no_such_directory_and_wrong_options_exit_with_2(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(verify, ["--data-dir", str(tmp_path / "none")]).exit_code == 2
    assert runner.invoke(verify, ["--nonsense"]).exit_code == 2
    result = runner.invoke(verify, [], env={"PAYRAIL_DATA_DIR": str(tmp_path / "none")})
    assert result.exit_code == 2
    assert "none is no directory" in result.stderr


def test_the_directory_comes_from_the_settings_if_not_given(data_dir: Path) -> None:
    result = CliRunner().invoke(verify, [], env={"PAYRAIL_DATA_DIR": str(data_dir)})
    assert result.exit_code == 0
    assert "12 entries" in result.stdout


def test_nothing_is_written(data_dir: Path) -> None:
    with (data_dir / "ledger" / "payments.jsonl").open("ab") as book:
        book.write(b'{"seq":13,"torn')
    (data_dir / "ledger" / ".lock").touch()
    before = _contents(data_dir)
    CliRunner().invoke(verify, ["--data-dir", str(data_dir)])
    assert _contents(data_dir) == before
    assert not list(data_dir.rglob("*.quarantine"))


def test_a_read_only_directory_can_be_proved(data_dir: Path) -> None:
    (data_dir / "ledger" / ".lock").touch()
    for path in (*data_dir.rglob("*"), data_dir):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert verify_data_dir(data_dir).sound
    finally:
        for path in (data_dir, *data_dir.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_writer_that_never_lets_go_is_waited_for_and_then_named(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_snapshot, "_LOCK_WAIT_S", 0.0)
    lock = SharedLock(data_dir / "ledger" / ".lock")
    assert lock.try_acquire()
    with pytest.raises(LedgerBusy):
        verify_data_dir(data_dir)
    assert CliRunner().invoke(verify, ["--data-dir", str(data_dir)]).exit_code == 2
    lock.release()
    assert verify_data_dir(data_dir).sound
    lock.close()


async def test_beside_a_ledger_that_is_written_to_there_are_no_false_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of batches go to all three books while the directory is proved again and again."""
    monkeypatch.setattr(ledger_snapshot, "_LOCK_WAIT_S", LIMIT_S)
    numbers = itertools.count(1)
    ids = itertools.count(1)
    journal = await FileJournal.open(tmp_path / "ledger", lambda: f"le_01JD{next(ids):A>22}")
    running = True

    async def write() -> None:
        while running:
            number = next(numbers)
            book = BOOKS[number % 3]
            await journal.append(book, in_book(book, created(pay(number))))

    writers = [asyncio.create_task(write()) for _ in range(12)]
    seen = []
    for _ in range(15):
        report = await asyncio.to_thread(verify_data_dir, tmp_path)
        assert report.findings == []
        assert report.notes == []
        seen.append(report.summary.entries)
        await until(lambda: journal.seq > seen[-1])
    running = False
    await asyncio.gather(*writers)
    assert seen == sorted(set(seen))
    await journal.close()
    assert verify_data_dir(tmp_path).summary.entries == next(ids) - 1


def test_verifying_in_a_process_that_holds_leases_does_not_free_them(tmp_path: Path) -> None:
    """POSIX locks go when any descriptor of their file is closed; so lock files are never opened."""
    leases = Leases(tmp_path / "run" / "leases.lock")
    assert leases.acquire("att_1")
    verify_data_dir(tmp_path)
    another = [sys.executable, "-c", ACQUIRE, str(tmp_path / "run" / "leases.lock"), "att_1"]
    assert subprocess.run(another, stdout=subprocess.PIPE, text=True, check=True).stdout == "False\n"
    leases.close()
