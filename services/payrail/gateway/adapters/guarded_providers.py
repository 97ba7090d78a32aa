"""The providers behind their circuit breakers: each new call asks its breaker first and tells it what came of it.

What a merchant asks for is guarded: an authorization, a capture, a void. What clears up an unknown outcome is not:
inquiries, reversals, and the repetition of an operation that may have had its effect already. They pass an open breaker
and do not count, so that a provider that is ill can always be asked what it did.
"""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import TypeGuard

from payrail.gateway.adapters.breakers import FileBreakers
from payrail.gateway.adapters.providers import OUTCOME_PENDING
from payrail.gateway.domain.outcomes import (
    Answer,
    Approved,
    Declined,
    Inquiry,
    NotFound,
    NotProcessed,
    Reversed,
    Unknown,
)
from payrail.gateway.ports import CardDetails, Providers
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened

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
        def call() -> Awaitable[Answer]:
            return self._providers.capture(payment, attempt, correlation_id)

        return await (self._observed(attempt, call) if _clears_up(payment) else self._guarded(attempt, call))

    async def reverse(
        self, payment: Payment, attempt: AttemptOpened, original_reference: str, correlation_id: str
    ) -> Answer:
        def call() -> Awaitable[Answer]:
            return self._providers.reverse(payment, attempt, original_reference, correlation_id)

        free = attempt.operation == "reversal" or _clears_up(payment)
        return await (self._observed(attempt, call) if free else self._guarded(attempt, call))

    async def inquire(self, attempt: AttemptOpened, correlation_id: str) -> Inquiry:
        started_s = perf_counter()
        inquiry = await self._providers.inquire(attempt, correlation_id)
        self._observe(attempt.provider, "inquiry", _outcome(inquiry), perf_counter() - started_s)
        return inquiry

    async def _guarded(self, attempt: AttemptOpened, call: Callable[[], Awaitable[Answer]]) -> Answer:
        with self._breakers.admission(attempt.provider, attempt.id) as admission:
            if admission is None:
                return NotProcessed(BREAKER_OPEN)
            answer = await self._observed(attempt, call)
            if _failed(answer):
                self._breakers.failed(admission, answer.code)
            else:
                self._breakers.succeeded(admission)
            return answer

    async def _observed(self, attempt: AttemptOpened, call: Callable[[], Awaitable[Answer]]) -> Answer:
        started_s = perf_counter()
        answer = await call()
        self._observe(attempt.provider, attempt.operation, _outcome(answer), perf_counter() - started_s)
        return answer


def _clears_up(payment: Payment) -> bool:
    """The operation was sent before and nobody knows what came of it."""
    return payment.pending is not None and payment.pending.unknown


def _failed(answer: Answer) -> TypeGuard[NotProcessed | Unknown]:
    """A technical failure. A provider that says that it is still at it has done its work."""
    return isinstance(answer, NotProcessed) or (
        isinstance(answer, Unknown) and answer.code != OUTCOME_PENDING
    )


_OUTCOMES: Mapping[type, str] = {
    Approved: "approved",
    Declined: "declined",
    NotProcessed: "not_processed",
    Unknown: "unknown",
    NotFound: "not_found",
    Reversed: "reversed",
}


def _outcome(answer: Answer | Inquiry) -> str:
    return _OUTCOMES[type(answer)]
