"""The vault while it is open: its cards, the rotation of their keys, and its access log."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from payrail.runtime.clock import Clock
from payrail.runtime.ids import IdSource
from payrail.vault.access_log import AccessLog
from payrail.vault.rotation import Rotation
from payrail.vault.store import CardStore


@dataclass(frozen=True)
class Vault:
    """All of an open vault. One process has it at a time."""

    store: CardStore
    rotation: Rotation
    access_log: AccessLog

    @classmethod
    async def open(cls, directory: Path, *, clock: Clock, ids: IdSource) -> Self:
        """Open all files, and continue a rotation that was cut short. Raises as `CardStore.open` does."""
        store = await CardStore.open(directory, clock=clock, ids=ids)
        try:
            access_log = AccessLog.open(directory, clock=clock)
        except BaseException:
            await store.close()
            raise
        rotation = Rotation(store)
        rotation.resume()
        return cls(store, rotation, access_log)

    async def close(self) -> None:
        """Finish what is being written; a rotation goes on at the next start."""
        async with AsyncExitStack() as closing:
            closing.callback(self.access_log.close)
            closing.push_async_callback(self.store.close)
            closing.push_async_callback(self.rotation.stop)

    @property
    def available(self) -> bool:
        return self.store.available and self.access_log.available
