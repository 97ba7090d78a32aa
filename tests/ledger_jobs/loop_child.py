"""A process that has the settlement job of a directory: each run adds a dot to the file `work`. Killed by its test."""

import asyncio
import random
import sys
from pathlib import Path
from typing import Any

from payrail.ledger_jobs.loops import Job, Loops, Run, Surroundings
from payrail.ledger_jobs.runs import RunHistory
from payrail.runtime.clock import SystemClock
from payrail.runtime.ids import IdSource
from payrail.runtime.leases import Leases


async def main(data_dir: Path) -> None:
    async def work(_run: Run) -> dict[str, Any]:
        with (data_dir / "work").open("a") as file:
            file.write(".")
        return {}

    clock = SystemClock()
    leases = Leases(data_dir / "run" / "jobs.lock")
    history = RunHistory(data_dir / "jobs" / "runs.jsonl")
    around = Surroundings(clock, leases, history, IdSource(clock, random.SystemRandom()).new)
    await Loops([Job("settlement", 0.005, work)], around).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
