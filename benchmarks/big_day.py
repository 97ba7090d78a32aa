"""One big day: how long the jobs take over a million payments, and how much memory.

The books are made first, which is not measured. Seconds are wall time of the command a person would type, memory is the
largest of its processes. With `--ledger DIR` books that were made before are used.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.big_day_books import DATE, write_big_day
from benchmarks.big_day_provider_files import write_provider_files

_PAYMENTS = 1_000_000
_LIMIT_S, _LIMIT_MB = 20.0, 2_048.0
_POLL_S = 0.05


def main() -> None:
    """Print the figures, and whether they keep what is promised of a million payments."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="payrail-big-day-") as directory:
        data_dir = arguments.ledger or Path(directory)
        if arguments.ledger is None:
            began = time.perf_counter()
            lines = write_big_day(data_dir / "ledger", arguments.payments, seed=arguments.seed)
            print(f"books: {lines} lines in {time.perf_counter() - began:.1f} s")
        size = sum(path.stat().st_size for path in (data_dir / "ledger").glob("*.jsonl"))
        print(f"ledger: {size / 1e9:.2f} GB")
        _settle(data_dir)
        _reconcile(data_dir)


def _reconcile(data_dir: Path) -> None:
    """Books, settlement file and providers' files; the run finds what is wrong in them, and nothing else."""
    shutil.rmtree(data_dir / "reconciliation", ignore_errors=True)
    expected = write_provider_files(data_dir, DATE)
    command = ["reconcile", "--date", DATE, "--data-dir", str(data_dir)]
    first_s, first_mb = _measured(command, open_breaks=True)
    report = (data_dir / "reconciliation" / f"reconciliation_report_{DATE}.json").read_bytes()
    again_s, again_mb = _measured(command, open_breaks=True)
    assert report == (data_dir / "reconciliation" / f"reconciliation_report_{DATE}.json").read_bytes()
    found = Counter(one["class"] for one in json.loads(report)["breaks"])
    assert found == expected, (found, expected)
    print(f"reconcile: {first_s:.1f} s (limit {_LIMIT_S:.0f}), {first_mb:.0f} MB (limit {_LIMIT_MB:.0f})")
    print(f"reconcile again, nothing new: {again_s:.1f} s, {again_mb:.0f} MB; found {dict(found)}")


def _settle(data_dir: Path) -> None:
    shutil.rmtree(data_dir / "settlement", ignore_errors=True)
    first_s, first_mb = _measured(["settle", "--date", DATE, "--data-dir", str(data_dir)])
    again_s, again_mb = _measured(["settle", "--date", DATE, "--data-dir", str(data_dir)])
    print(f"settle: {first_s:.1f} s (limit {_LIMIT_S:.0f}), {first_mb:.0f} MB (limit {_LIMIT_MB:.0f})")
    print(f"settle again, nothing new: {again_s:.1f} s, {again_mb:.0f} MB")


def _measured(command: list[str], *, open_breaks: bool = False) -> tuple[float, float]:
    """Wall seconds, and the most memory that the command and its children had at one time, in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - a command of our own
        [sys.executable, "-m", "payrail.cli.main", *command], stdout=subprocess.DEVNULL
    )
    most_kb = 0
    while process.poll() is None:
        most_kb = max(most_kb, sum(_resident_kb(pid) for pid in _family(process.pid)))
        time.sleep(_POLL_S)
    if process.returncode != int(open_breaks):
        raise SystemExit(f"payrail {' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - began, most_kb / 1_024


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        except OSError:
            continue  # It ended meanwhile.
        found.extend(int(child) for child in children.split())
    return found


def _resident_kb(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=_PAYMENTS, help="how many (for a quick look: 20000)")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--ledger", type=Path, help="a data directory with a big day's books")
    return parser.parse_args()


if __name__ == "__main__":
    main()
