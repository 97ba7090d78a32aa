"""What people said of breaks: explained, closed, or open again; by whom and why.

It stands in `data/reconciliation/break_states.jsonl`, beside the reports, which know nothing of it: a report follows
from its sources alone, and a rerun loses no word that was said. A break that nothing was said of is open.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import msgspec
from msgspec import Struct

from payrail.runtime.shared_log import SharedLog

BreakState = Literal["open", "explained", "closed"]
#: What may be said of a break in each state.
BREAK_TRANSITIONS: Mapping[BreakState, frozenset[BreakState]] = {
    "open": frozenset({"explained", "closed"}),
    "explained": frozenset({"closed", "open"}),
    "closed": frozenset({"open"}),
}


class BreakTransitionInvalid(Exception):
    """A break cannot go from the state it is in to the one that is asked for."""

    code: ClassVar[str] = "invalid_transition"

    def __init__(self, current: BreakState, target: BreakState) -> None:
        self.detail = f"A break that is {current} cannot become {target}."
        super().__init__(self.detail)


class Said(Struct, frozen=True, omit_defaults=True):
    """Line of the file: `actor` said that the break is now in this state, and why. `at` is RFC 3339 UTC."""

    break_id: str
    date: str
    state: BreakState
    actor: str
    role: str
    reason: str
    correlation_id: str
    at: str


def _same(known: Said, said: Said) -> bool:
    """Whether it is said again, as after an answer that was lost."""
    return (known.state, known.actor, known.reason) == (said.state, said.actor, said.reason)


_decode = msgspec.json.Decoder(Said).decode


class BreakStates:
    """The latest word on each break. Several processes may have the file open."""

    def __init__(self, directory: Path) -> None:
        self._latest: dict[str, Said] = {}
        self._log = SharedLog(directory / "break_states.jsonl", self._fold, name="jobs.break_states")

    def close(self) -> None:
        """Release the file."""
        self._log.close()

    def latest(self) -> Mapping[str, Said]:
        """The latest word on every break of which anything was said, by the break's id."""
        self._log.refresh()
        return self._latest

    async def say(self, said: Said) -> Said:
        """Write it down, and return it; the same word of the same person again is the one that stands.

        Raises `BreakTransitionInvalid`, and `LogUnavailable`.
        """

        def decide() -> bytes | None:
            known = self._latest.get(said.break_id)
            if known is not None and _same(known, said):
                return None
            state: BreakState = known.state if known is not None else "open"
            if said.state not in BREAK_TRANSITIONS[state]:
                raise BreakTransitionInvalid(state, said.state)
            return msgspec.json.encode(said)

        await self._log.append(decide)
        return self._latest[said.break_id]

    def _fold(self, _offset: int, line: bytes) -> None:
        said = _decode(line)
        self._latest[said.break_id] = said
