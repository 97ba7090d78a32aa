"""Failures on demand: the rules that an admin injects into a provider, and which call they hit.

A rule with ``remaining`` is used up in the order in which calls arrive. Whether a rule with a rate below 1 hits is
drawn from the seed and the call itself, so that the order in which different calls arrive does not matter. Rules that
hit lines of settlement files are applied by `planting`.
Each change of the rules is a line of ``<provider>_failures.jsonl`` and durable before it takes effect on an answer.
"""

from enum import StrEnum

import msgspec

from payrail.provider_sim.errors import FieldInvalid
from payrail.provider_sim.fate import uniform
from payrail.provider_sim.profiles import DeclineReason, Operation


class Mode(StrEnum):
    """What a rule does to a call."""

    DECLINE = "decline"
    ERROR = "error"
    TIMEOUT = "timeout"
    LOST_RESPONSE = "lost_response"
    LATENCY = "latency"
    DUPLICATE_WEBHOOK = "duplicate_webhook"
    REORDERED_WEBHOOK = "reordered_webhook"
    DROPPED_WEBHOOK = "dropped_webhook"
    BAD_SIGNATURE = "bad_signature"
    SETTLEMENT_MISSING = "settlement_missing"
    SETTLEMENT_AMOUNT = "settlement_amount"
    SETTLEMENT_FEE = "settlement_fee"
    SETTLEMENT_DUPLICATE = "settlement_duplicate"
    SETTLEMENT_ORPHAN = "settlement_orphan"


#: What hits the webhook that tells of an operation, and not the operation's call.
OF_WEBHOOKS = frozenset(
    {Mode.DUPLICATE_WEBHOOK, Mode.REORDERED_WEBHOOK, Mode.DROPPED_WEBHOOK, Mode.BAD_SIGNATURE}
)

#: What hits a line of a settlement file.
OF_SETTLEMENT = frozenset(
    {
        Mode.SETTLEMENT_MISSING,
        Mode.SETTLEMENT_AMOUNT,
        Mode.SETTLEMENT_FEE,
        Mode.SETTLEMENT_DUPLICATE,
        Mode.SETTLEMENT_ORPHAN,
    }
)
_NOT_OF_CALLS = OF_WEBHOOKS | OF_SETTLEMENT
_OPERATIONS_SETTLED = (None, Operation.CAPTURE, Operation.REFUND)


class Rule(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One injected failure; ``remaining`` None means without end. Its provider counts it and dates it (``ordinal``,
    ``created_at``) when it comes into force."""

    id: str
    mode: Mode
    ordinal: int = 0
    created_at: str = ""
    rate: float = 1.0
    operation: Operation | None = None
    latency_ms: int | None = None
    decline_code: DeclineReason | None = None
    remaining: int | None = None
    last4: str | None = None


class Target(msgspec.Struct, frozen=True):
    """A call as rules see it. ``recorded``: its answer is on record already, so it cannot be declined any more."""

    operation: Operation
    reference: str
    merchant_reference: str | None = None
    last4: str | None = None
    recorded: bool = False


class Strike(msgspec.Struct, frozen=True):
    """What hits a call: a delay, and at most one other failure. ``used`` are the rules it took one use of."""

    latency_ms: int = 0
    mode: Mode | None = None
    declines: DeclineReason | None = None
    used: tuple[Rule, ...] = ()


class Injected(msgspec.Struct, tag="injected", frozen=True):
    """Line of the failure file: a rule came into force."""

    rule: Rule


class Used(msgspec.Struct, tag="used", frozen=True):
    """Line of the failure file: a rule with ``remaining`` hit a call."""

    id: str


class Cleared(msgspec.Struct, tag="cleared", frozen=True):
    """Line of the failure file: all rules were taken away."""

    at: str


Change = Injected | Used | Cleared

UNHARMED = Strike()


class RuleBook:
    """The rules in force at one provider, oldest first."""

    def __init__(self, seed: int, provider_id: str) -> None:
        self._seed = seed
        self._provider_id = provider_id
        self._rules: list[Rule] = []
        self._ordinal = 0
        self._draws: dict[tuple[int, Operation, str], int] = {}

    def rules(self) -> list[Rule]:
        """The rules that can still hit, oldest first."""
        return [rule for rule in self._rules if rule.remaining != 0]

    @property
    def any(self) -> bool:
        """Whether there is a rule at all; without one nothing is struck."""
        return bool(self._rules)

    def take_ordinal(self) -> int:
        """The number of the next rule."""
        self._ordinal += 1
        return self._ordinal

    def apply(self, change: Change) -> None:
        """Bring a change into force, now or at replay."""
        if isinstance(change, Injected):
            self._rules.append(change.rule)
            self._ordinal = max(self._ordinal, change.rule.ordinal)
        elif isinstance(change, Cleared):
            self._rules.clear()
            self._draws.clear()
        else:
            self._count(change.id, -1)

    def give_back(self, strike: Strike) -> None:
        """Undo the uses of a strike that could not be made durable."""
        for rule in strike.used:
            self._count(rule.id, +1)

    def strike(self, target: Target) -> Strike:
        """What hits this call; uses are counted at once, and are the caller's to make durable."""
        if not self._rules:
            return UNHARMED
        latency: Rule | None = None
        other: Rule | None = None
        for rule in self._rules:
            if rule.mode in _NOT_OF_CALLS:
                continue
            if rule.mode is Mode.LATENCY:
                latency = latency or (rule if self._hits(rule, target) else None)
            else:
                other = other or (rule if self._hits(rule, target) else None)
        return Strike(
            latency_ms=(latency.latency_ms or 0) if latency is not None else 0,
            mode=other.mode if other is not None else None,
            declines=_declines(other),
            used=self._used(latency, other),
        )

    def strike_webhook(self, target: Target) -> Strike:
        """What hits the webhook that tells of this operation; as `strike` otherwise."""
        for rule in self._rules:
            if rule.mode in OF_WEBHOOKS and self._hits(rule, target):
                return Strike(mode=rule.mode, used=self._used(rule))
        return UNHARMED

    def of_settlement(self) -> list[Rule]:
        """The rules that can still hit lines of settlement files, oldest first."""
        return [rule for rule in self.rules() if rule.mode in OF_SETTLEMENT]

    def _used(self, *hit: Rule | None) -> tuple[Rule, ...]:
        used = tuple(rule for rule in hit if rule is not None and rule.remaining is not None)
        for rule in used:
            self._count(rule.id, -1)
        return used

    def _hits(self, rule: Rule, target: Target) -> bool:
        if rule.remaining == 0 or (rule.operation is not None and rule.operation is not target.operation):
            return False
        if rule.last4 is not None and rule.last4 != target.last4:
            return False
        if rule.mode is Mode.DECLINE and (target.recorded or target.operation is Operation.INQUIRY):
            return False
        return rule.rate >= 1 or self._drawn(rule, target) < rule.rate

    def _drawn(self, rule: Rule, target: Target) -> float:
        """The draw of this call under this rule. A repeated call draws anew: its repetitions are counted, nobody
        else's calls are."""
        key = (rule.ordinal, target.operation, target.reference)
        nth = self._draws[key] = self._draws.get(key, 0) + 1
        subject = target.merchant_reference or target.reference
        call = (self._seed, self._provider_id, rule.ordinal, rule.mode, target.operation, subject, nth)
        return uniform("failure", *call)

    def _count(self, rule_id: str, by: int) -> None:
        for rule in self._rules:
            if rule.id == rule_id and rule.remaining is not None:
                rule.remaining += by


def check(rule: Rule) -> Rule:
    """The rule, if its members go together. Raises `FieldInvalid` otherwise."""
    if rule.mode is Mode.LATENCY and rule.latency_ms is None:
        raise FieldInvalid("/latency_ms", "is required with mode latency")
    if rule.mode is not Mode.LATENCY and rule.latency_ms is not None:
        raise FieldInvalid("/latency_ms", "belongs to mode latency only")
    if rule.mode is not Mode.DECLINE and rule.decline_code is not None:
        raise FieldInvalid("/decline_code", "belongs to mode decline only")
    if rule.mode is Mode.DECLINE and rule.operation is Operation.INQUIRY:
        raise FieldInvalid("/operation", "an inquiry cannot be declined")
    if rule.mode in OF_WEBHOOKS and rule.operation is Operation.INQUIRY:
        raise FieldInvalid("/operation", "no webhook tells of an inquiry")
    if rule.mode in OF_SETTLEMENT and rule.operation not in _OPERATIONS_SETTLED:
        raise FieldInvalid("/operation", "only captures and refunds are settled")
    return rule


def _declines(rule: Rule | None) -> DeclineReason | None:
    if rule is None or rule.mode is not Mode.DECLINE:
        return None
    return rule.decline_code or DeclineReason.GENERIC_DECLINE
