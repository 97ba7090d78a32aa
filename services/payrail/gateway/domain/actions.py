"""Actions that move no money: what somebody asked for, and what came of it. Each is two lines of one log.

What is asked for is written before it is done, so that no crash hides that it was. An action without a result is being
done right now, or its process died over it.
"""

from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from payrail.gateway.domain.errors import IdempotencyKeyReused
from payrail.ledger.entry import Actor, Claim

ActionOutcome = Literal["in_progress", "succeeded", "refused", "failed"]


class Requested(Struct, frozen=True, tag_field="phase", tag="requested", omit_defaults=True):
    """Somebody asked for it. `action` is the operation's name, `entity` what it is done to."""

    id: str
    at: str
    action: str
    entity: str
    merchant_id: str
    actor: Actor
    correlation_id: str
    details: dict[str, Any] = {}
    claim: Claim | None = None


class Finished(Struct, frozen=True, tag_field="phase", tag="finished", omit_defaults=True):
    """What came of it. `refused`: nothing was done. `failed`: it may have been. `answer` is what the caller got."""

    id: str
    at: str
    outcome: Literal["succeeded", "refused", "failed"]
    code: str | None = None
    status: int | None = None
    answer: dict[str, Any] | None = None


class Action(Struct, frozen=True):
    """An action as it stands."""

    requested: Requested
    finished: Finished | None = None

    @property
    def outcome(self) -> ActionOutcome:
        return self.finished.outcome if self.finished else "in_progress"


class Actions:
    """The fold of the log. A key belongs to an action that succeeded or is in progress; else it is free again."""

    def __init__(self) -> None:
        self._by_id: dict[str, Action] = {}
        self._of_merchant: dict[str, list[str]] = {}
        self._claimed: dict[tuple[str, str, str], str] = {}

    def evolve(self, line: Requested | Finished) -> None:
        """Take the next line in."""
        if isinstance(line, Requested):
            self._by_id[line.id] = Action(line)
            self._of_merchant.setdefault(line.merchant_id, []).append(line.id)
            if line.claim is not None:
                self._claimed[line.claim.scope] = line.id
            return
        action = self._by_id[line.id] = replace(self._by_id[line.id], finished=line)
        claim = action.requested.claim
        if claim is not None and line.outcome != "succeeded":
            self._claimed.pop(claim.scope, None)

    def __getitem__(self, action_id: str) -> Action:
        return self._by_id[action_id]

    def of(self, merchant_id: str) -> list[str]:
        """The ids of what the merchant's users asked for, oldest first."""
        return self._of_merchant.get(merchant_id, [])

    def earlier(self, claim: Claim | None) -> Action | None:
        """The action that has the key. Raises `IdempotencyKeyReused`."""
        action_id = self._claimed.get(claim.scope) if claim is not None else None
        if action_id is None or claim is None:
            return None
        action = self._by_id[action_id]
        held = action.requested.claim
        if held is None or held.fingerprint != claim.fingerprint:
            raise IdempotencyKeyReused
        return action
