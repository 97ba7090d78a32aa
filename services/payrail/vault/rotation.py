"""Changing the encryption key while the vault answers: a new key first, every card anew, then the old keys
go.

Each step is durable before the next, and the file of keys alone says how far it is: as long as it holds more
than one key, a rotation is unfinished. So after a crash, or a full disk, the next run continues.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field, replace

from payrail.runtime import faults
from payrail.vault.errors import CardsUnreadable, RotationInProgress, VaultUnavailable
from payrail.vault.store import CardStore

CARDS_PER_STEP = 32  # Some milliseconds of encryption, after which requests get their turn.
WAIT_S_MAX = 5.0  # Well within the time that callers give the vault.

KEY_ADDED = faults.declare("vault.rotation.key_added", "the new key is active, no card uses it yet")
STEP_DONE = faults.declare("vault.rotation.step_done", "some cards use the new key, others the old one")
ALL_RESEALED = faults.declare(
    "vault.rotation.all_resealed", "no card uses the old keys, which are still there"
)
KEYS_RETIRED = faults.declare("vault.rotation.keys_retired", "the old keys are gone, nobody has been told")

logger = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a rotation is."""

    active_key_id: str
    retired_key_ids: list[str] = field(default_factory=list)
    reencrypted: int = 0
    done: bool = False


class Rotation:
    """Runs one rotation of a store at a time."""

    def __init__(self, store: CardStore) -> None:
        self._store = store
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def resume(self) -> None:
        """Continue in the background what a former process left unfinished."""
        if self._store.keyring.older_ids and not self.running:
            self._start(Progress(self._store.keyring.active_id))

    async def rotate(self, *, wait: bool) -> Progress:
        """Change the key, or finish a change that was cut short; with ``wait`` until the old keys are
        retired, or a long change is well under way.

        Raises `RotationInProgress`, `VaultUnavailable` when the disk takes no writes, and `CardsUnreadable` when
        cards are left that no key decrypts; a later call continues.
        """
        if self.running:
            raise RotationInProgress
        keyring = self._store.keyring
        if not keyring.older_ids:
            try:
                keyring.add_key()
            except OSError as error:
                raise VaultUnavailable from error
            faults.point(KEY_ADDED)
        progress = Progress(keyring.active_id)
        task = self._start(progress)
        if wait:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), WAIT_S_MAX)
        return replace(progress)

    async def finished(self) -> None:
        """Return when no rotation runs, however it ended."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Leave the rest to the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _start(self, progress: Progress) -> "asyncio.Task[None]":
        self._task = asyncio.create_task(self._run(progress), name="rotate vault keys")
        self._task.add_done_callback(_report_failure)
        return self._task

    async def _run(self, progress: Progress) -> None:
        store = self._store
        await store.until_landed(store.keyring.older_ids)
        while tokens := store.to_be_resealed():
            for start in range(0, len(tokens), CARDS_PER_STEP):
                progress.reencrypted += await store.reseal(tokens[start : start + CARDS_PER_STEP])
                faults.point(STEP_DONE)
        if unreadable := len(store.sealed_with_older_keys()):
            raise CardsUnreadable(unreadable)
        await store.drop_old_ciphertexts()
        faults.point(ALL_RESEALED)
        try:
            progress.retired_key_ids = store.keyring.retire_older()
        except OSError as error:
            raise VaultUnavailable from error
        faults.point(KEYS_RETIRED)
        progress.done = True


def _report_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error(
            "the rotation of the vault's keys stopped: %s; the next one continues it", type(error).__name__
        )
