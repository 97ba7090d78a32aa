"""The whole proof, one family of checks after the other."""

from collections.abc import Callable
from pathlib import Path

from payrail.cli.verification.actions import judge_actions
from payrail.cli.verification.chain import Chain
from payrail.cli.verification.documents import judge_documents
from payrail.cli.verification.findings import Report
from payrail.cli.verification.folds import Folds
from payrail.cli.verification.outbox import OutboxProof, StoredSecrets
from payrail.cli.verification.settled_books import SettledBooks
from payrail.cli.verification.settlement_files import read_settled_days
from payrail.cli.verification.stored_card_numbers import files_below, search_files
from payrail.runtime.journal.ledger_snapshot import take_snapshot

#: Called with the bytes that were just dealt with, out of the bytes that there are.
Progress = Callable[[int], None]


def verify_data_dir(data_dir: Path, advance: Progress = lambda _bytes: None) -> Report:
    """Prove a data directory from its files alone; nothing is written, a stack may run meanwhile.

    Raises `LedgerBusy` when a writer holds the ledger's lock and does not let go.
    """
    report = Report()
    outbox = OutboxProof(data_dir, report)
    settled = SettledBooks(report, read_settled_days(data_dir, report))
    _prove_ledger(data_dir / "ledger", report, settled, outbox, advance)
    judge_documents(data_dir, report)
    judge_actions(data_dir, report)
    search_files(data_dir, report, StoredSecrets(data_dir), advance)
    return report


def bytes_to_prove(data_dir: Path) -> int:
    """What `advance` will add up to: every file is searched, the books are read as a chain before that."""
    total = 0
    for path in files_below(data_dir):
        size = path.stat().st_size
        total += 2 * size if path.parent == data_dir / "ledger" and path.suffix == ".jsonl" else size
    return total


def _prove_ledger(
    directory: Path, report: Report, settled: SettledBooks, outbox: OutboxProof, advance: Progress
) -> None:
    chain = Chain(take_snapshot(directory), report, advance)
    folds = Folds(report, settled, tell=outbox.expect)
    for placed in chain.entries():
        folds.fold(placed, incomplete=chain.incomplete)
    folds.finish()
    outbox.finish(whole=folds.judged_all and not chain.incomplete)
    report.summary.last_seq = chain.seq
    report.summary.last_hash = chain.last_hash
