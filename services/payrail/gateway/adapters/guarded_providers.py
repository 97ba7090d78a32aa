"""The providers behind their circuit breakers: each new call asks its breaker first and tells it what came of it.

What a merchant asks for is guarded: an authorization, a capture, a void, a refund, a step of a dispute. What clears up
an unknown outcome is not: inquiries, reversals, and the repetition of an operation that may have had its effect
already. They pass an open breaker and do not count, so that a provider that is ill can always be asked what it did.
"""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import TypeGuard, TypeVar

from payrail.gateway.adapters.breakers import FileBreakers
from payrail.gateway.adapters.provider_answers import OUTCOME_PENDING
from payrail.gateway.domain.outcomes import (
    Accepted,
    Answer,
    Approved,
    Contradicted,
    Declined,
    Inquiry,
    NotFound,
    NotProcessed,
    RefundAnswer,
    RefundInquiry,
    Reversed,
    Unknown,
)
from payrail.gateway.ports import CardDetails, Providers
from payrail.ledger.dispute import Dispute
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened
from payrail.ledger.refund import Refund

A = TypeVar("A", Answer, RefundAnswer)

#: Told of each call that was made: provider, operation, outcome, duration in seconds.
Observer = Callable[[str, str, str, float], None]
BREAKER_OPEN = "breaker_open"


class GuardedProviders:
    """`Providers` that fail fast: `NotProcessed` with the code `breaker_open` where no call may be made."""

    def __init__(self, providers: Providers, breakers: FileBreakers, observe: Observer) -> None:
        self._providers = providers
        self._breakers = breakers
        self._observe = observe

    async def authorize(
        self,
        payment: Payment,
        attempt: AttemptOpened,
        card: CardDetails,
        cvc: str | None,
        correlation_id: str,
    ) -> Answer:
        return await self._guarded(
            attempt, lambda: self._providers.authorize(payment, attempt, card, cvc, correlation_id)
        )

    async def capture(self, payment: Payment, attempt: AttemptOpened, correlation_id: str) -> Answer:
        return await self._unless_clearing_up(
            payment, attempt, lambda: self._providers.capture(payment, attempt, correlation_id)
        )

    async def reverse(
        self, payment: Payment, attempt: AttemptOpened, original_reference: str, correlation_id: str
    ) -> Answer:
        def call() -> Awaitable[Answer]:
            return self._providers.reverse(payment, attempt, original_reference, correlation_id)

        if attempt.operation == "reversal":
            return await self._observed(attempt, call)
        return await self._unless_clearing_up(payment, attempt, call)

    async def inquire(self, attempt: AttemptOpened, currency: str, correlation_id: str) -> Inquiry:
        started_s = perf_counter()
        inquiry = await self._providers.inquire(attempt, currency, correlation_id)
        self._observe(attempt.provider, "inquiry", _outcome(inquiry), perf_counter() - started_s)
        return inquiry

    async def refund(
        self, payment: Payment, refund: Refund, attempt: AttemptOpened, correlation_id: str
    ) -> RefundAnswer:
        return await self._unless_clearing_up(
            refund, attempt, lambda: self._providers.refund(payment, refund, attempt, correlation_id)
        )

    async def inquire_refund(
        self, attempt: AttemptOpened, currency: str, correlation_id: str
    ) -> RefundInquiry:
        started_s = perf_counter()
        inquiry = await self._providers.inquire_refund(attempt, currency, correlation_id)
        self._observe(attempt.provider, "inquiry", _outcome(inquiry), perf_counter() - started_s)
        return inquiry

    async def open_dispute(
        self, payment: Payment, dispute: Dispute, attempt: AttemptOpened, correlation_id: str
    ) -> Answer:
        return await self._unless_clearing_up(
            dispute, attempt, lambda: self._providers.open_dispute(payment, dispute, attempt, correlation_id)
        )

    async def submit_evidence(self, dispute: Dispute, attempt: AttemptOpened, correlation_id: str) -> Answer:
        return await self._unless_clearing_up(
            dispute, attempt, lambda: self._providers.submit_evidence(dispute, attempt, correlation_id)
        )

    async def resolve_dispute(self, dispute: Dispute, attempt: AttemptOpened, correlation_id: str) -> Answer:
        return await self._unless_clearing_up(
            dispute, attempt, lambda: self._providers.resolve_dispute(dispute, attempt, correlation_id)
        )

    async def _unless_clearing_up(
        self, entity: Payment | Refund | Dispute, attempt: AttemptOpened, call: Callable[[], Awaitable[A]]
    ) -> A | NotProcessed:
        return await (self._observed(attempt, call) if _clears_up(entity) else self._guarded(attempt, call))

    async def _guarded(self, attempt: AttemptOpened, call: Callable[[], Awaitable[A]]) -> A | NotProcessed:
        with self._breakers.admission(attempt.provider, attempt.id) as admission:
            if admission is None:
                return NotProcessed(BREAKER_OPEN)
            answer = await self._observed(attempt, call)
            if _failed(answer):
                self._breakers.failed(admission, answer.code)
            else:
                self._breakers.succeeded(admission)
            return answer

    async def _observed(self, attempt: AttemptOpened, call: Callable[[], Awaitable[A]]) -> A:
        started_s = perf_counter()
        answer = await call()
        self._observe(attempt.provider, attempt.operation, _outcome(answer), perf_counter() - started_s)
        return answer


def _clears_up(entity: Payment | Refund | Dispute) -> bool:
    """The operation was sent before and nobody knows what came of it."""
    return entity.pending is not None and entity.pending.unknown


def _failed(answer: Answer | RefundAnswer) -> TypeGuard[NotProcessed | Unknown]:
    """A technical failure. A provider that says that it is still at it has done its work."""
    return isinstance(answer, NotProcessed) or (
        isinstance(answer, Unknown) and answer.code != OUTCOME_PENDING
    )


_OUTCOMES: Mapping[type, str] = {
    Accepted: "accepted",
    Approved: "approved",
    Contradicted: "contradicted",
    Declined: "declined",
    NotProcessed: "not_processed",
    Unknown: "unknown",
    NotFound: "not_found",
    Reversed: "reversed",
}


def _outcome(answer: Answer | Inquiry | RefundAnswer | RefundInquiry) -> str:
    return _OUTCOMES[type(answer)]
