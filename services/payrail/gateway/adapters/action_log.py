"""The action log: `data/audit/actions.jsonl`, which all processes of a data directory write."""

from pathlib import Path

import msgspec

from payrail.gateway.domain.actions import Action, Actions, Finished, Requested
from payrail.runtime.shared_log import SharedLog

_decode = msgspec.json.Decoder(Requested | Finished).decode


class ActionLog:
    """`ActionTrail` on a file."""

    def __init__(self, path: Path) -> None:
        self._actions = Actions()
        self._log = SharedLog(
            path, lambda _offset, line: self._actions.evolve(_decode(line)), name="audit.actions"
        )

    @property
    def actions(self) -> Actions:
        self._log.refresh()
        return self._actions

    async def begin(self, requested: Requested) -> Action:
        begun: list[Action] = []

        def decide() -> bytes | None:
            earlier = self._actions.earlier(requested.claim)
            begun.append(earlier or Action(requested))
            return None if earlier else msgspec.json.encode(requested)

        await self._log.append(decide)
        return begun[0]

    async def finish(self, finished: Finished) -> None:
        def decide() -> bytes | None:
            done = self._actions[finished.id].finished is not None
            return None if done else msgspec.json.encode(finished)

        await self._log.append(decide)

    def close(self) -> None:
        """Release the file."""
        self._log.close()
