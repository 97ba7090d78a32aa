"""Run as a program by the crash tests: changes a store and prints each change once it was acknowledged."""

import asyncio
import sys
from pathlib import Path

from payrail.runtime.keyed_store import KeyedStore


async def main(path: Path, rounds: int) -> None:
    store = KeyedStore.open(path, name="test.store", compact_above_bytes=400)
    for n in range(rounds):
        await store.apply(put={f"k{n}": {"n": n}, "last": {"n": n}}, delete=[f"k{n - 3}"])
        print(n, flush=True)  # noqa: T201 - the parent reads what was acknowledged
        if n % 40 == 39:
            # Of those that begin by themselves the first may last until the end, on a machine that is busy elsewhere.
            await store.compact()
    await store.close()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
