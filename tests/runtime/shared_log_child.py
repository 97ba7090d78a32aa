"""Run as a program by the shared log's tests: appends numbered lines, each after the highest number it knows."""

import asyncio
import sys
from pathlib import Path

from payrail.runtime.shared_log import SharedLog


async def main(path: Path, rounds: int) -> None:
    numbers = [0]
    log = SharedLog(path, lambda _offset, line: numbers.append(int(line)), name="test.shared")
    print("ready", flush=True)  # noqa: T201 - the parent reads what happened
    for _ in range(rounds):
        await log.append(lambda: b"%d" % (numbers[-1] + 1))
        print(numbers[-1], flush=True)  # noqa: T201
    log.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
