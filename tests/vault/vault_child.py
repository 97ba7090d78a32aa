"""Run as a program by the crash tests: does one thing to a vault and prints what was acknowledged."""

import asyncio
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from payrail.runtime.clock import FrozenClock, SystemClock
from payrail.runtime.ids import IdSource
from payrail.vault.cards import check_card
from payrail.vault.opened import Vault
from payrail.vault.store import CardStore

TODAY = datetime(2026, 3, 2, tzinfo=UTC)


async def tokenize(store: CardStore, numbers: list[str], exp_year: int, name: str) -> None:
    """One card after the other; a line is a number, its token and the expiry that was acknowledged."""
    for number in numbers:
        card = check_card(number, 12, exp_year, name, TODAY.date())
        token = await store.tokenize("m_demo", card)
        print(number, token, exp_year, flush=True)  # noqa: T201 - the parent reads what was acknowledged


async def main(directory: Path, task: str, numbers: list[str]) -> None:
    # The clock stands still, but ids must differ from those of the process before.
    ids = IdSource(SystemClock(), random.SystemRandom())
    vault = await Vault.open(directory, clock=FrozenClock(TODAY), ids=ids)
    if task == "tokenize":
        await tokenize(vault.store, numbers, 2031, "Ada Lovelace")
        await tokenize(vault.store, numbers, 2035, "Ada King")
    else:
        if not vault.rotation.running:
            await vault.rotation.rotate(wait=False)
        await vault.rotation.finished()
    await vault.close()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
