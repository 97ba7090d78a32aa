"""The providers, through the generated client of the simulator.

Here, and only here, the wire becomes one of three outcomes. What surely did not reach the provider, or what it says it
did not process, is `NotProcessed`; what it said is `Approved` or `Declined`; all else is `Unknown`.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import Any, Literal, TypeVar, cast, get_args

import httpx

from payrail.gateway.adapters.provider_answers import (
    contradicts,
    is_record_of,
    refused,
    said_of,
    said_of_refund,
)
from payrail.gateway.domain.outcomes import (
    Answer,
    Contradicted,
    Inquiry,
    NotFound,
    NotProcessed,
    RefundAnswer,
    RefundInquiry,
    Reversed,
    Unknown,
)
from payrail.gateway.ports import CardDetails
from payrail.ledger.attempts import Attempt
from payrail.ledger.dispute import Dispute
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened
from payrail.ledger.refund import Refund
from payrail.runtime import faults
from payrail.runtime.client_errors import NO_ANSWER, UNREADABLE
from payrail_sdk.provider_sim import AuthenticatedClient
from payrail_sdk.provider_sim.api.operations import (
    get_operation,
    provider_authorize,
    provider_capture,
    provider_open_dispute,
    provider_refund,
    provider_resolve_dispute,
    provider_reverse,
    provider_submit_evidence,
)
from payrail_sdk.provider_sim.models import (
    ProviderAuthorizeRequest,
    ProviderCaptureRequest,
    ProviderCard,
    ProviderOpenDisputeRequest,
    ProviderOperation,
    ProviderRefundRequest,
    ProviderResolveDisputeRequest,
    ProviderReverseRequest,
    ProviderSubmitEvidenceRequest,
)
from payrail_sdk.provider_sim.types import UNSET, Response

BEFORE_CALL = faults.declare("provider.before_call", "a provider is about to be called")
AFTER_CALL = faults.declare("provider.after_call", "a provider has answered, nothing is written of it yet")

ProviderId = Literal["providerA", "providerB"]
PROVIDERS: tuple[ProviderId, ...] = get_args(ProviderId)
T = TypeVar("T")
_Call = Callable[[], Awaitable[Response[Any]]]
_Read = Callable[[ProviderOperation, int | None], T]

#: The request never left, or no connection was made: the provider cannot have seen it.
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class SdkProviders:
    """`Providers` over the wire."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client

    async def authorize(
        self,
        payment: Payment,
        attempt: AttemptOpened,
        card: CardDetails,
        cvc: str | None,
        correlation_id: str,
    ) -> Answer:
        body = ProviderAuthorizeRequest(
            reference=attempt.id,
            merchant_id=payment.merchant_id,
            merchant_reference=payment.merchant_reference or UNSET,
            amount=attempt.amount,
            currency=payment.currency,
            country=payment.country,
            card=ProviderCard(card.number, card.exp_month, card.exp_year, card.holder_name or UNSET),
            cvc=cvc or UNSET,
            attempt=_ordinal(payment.attempts, attempt),
        )
        return await _answer(
            attempt,
            payment.currency,
            lambda: self._post(provider_authorize, attempt, body, correlation_id),
            "authorize",
        )

    async def capture(self, payment: Payment, attempt: AttemptOpened, correlation_id: str) -> Answer:
        body = ProviderCaptureRequest(
            reference=attempt.id,
            original_reference=payment.authorization_id or "",
            amount=attempt.amount,
            currency=payment.currency,
            merchant_reference=payment.merchant_reference or UNSET,
            attempt=_ordinal(payment.attempts, attempt),
            final=attempt.final,
        )
        return await _answer(
            attempt,
            payment.currency,
            lambda: self._post(provider_capture, attempt, body, correlation_id),
            "capture",
        )

    async def reverse(
        self, payment: Payment, attempt: AttemptOpened, original_reference: str, correlation_id: str
    ) -> Answer:
        body = ProviderReverseRequest(
            reference=attempt.id,
            original_reference=original_reference,
            merchant_reference=payment.merchant_reference or UNSET,
            attempt=_ordinal(payment.attempts, attempt),
        )
        return await _answer(
            attempt,
            payment.currency,
            lambda: self._post(provider_reverse, attempt, body, correlation_id),
            "reverse",
        )

    async def inquire(self, attempt: AttemptOpened, currency: str, correlation_id: str) -> Inquiry:
        return await self._inquire(attempt, currency, correlation_id, said_of)

    async def refund(
        self, payment: Payment, refund: Refund, attempt: AttemptOpened, correlation_id: str
    ) -> RefundAnswer:
        body = ProviderRefundRequest(
            reference=attempt.id,
            original_reference=payment.authorization_id or "",
            amount=attempt.amount,
            currency=refund.currency,
            merchant_reference=payment.merchant_reference or UNSET,
            attempt=_ordinal(refund.attempts, attempt),
        )
        return await _ask(
            attempt,
            refund.currency,
            lambda: self._post(provider_refund, attempt, body, correlation_id),
            "refund",
            said_of_refund,
        )

    async def inquire_refund(
        self, attempt: AttemptOpened, currency: str, correlation_id: str
    ) -> RefundInquiry:
        return await self._inquire(attempt, currency, correlation_id, said_of_refund)

    async def open_dispute(
        self, payment: Payment, dispute: Dispute, attempt: AttemptOpened, correlation_id: str
    ) -> Answer:
        body = ProviderOpenDisputeRequest(
            reference=attempt.id,
            original_reference=payment.authorization_id or "",
            amount=dispute.amount,
            currency=dispute.currency,
            reason=dispute.reason,
            merchant_reference=payment.merchant_reference or UNSET,
        )
        return await _answer(
            attempt,
            dispute.currency,
            lambda: self._post(provider_open_dispute, attempt, body, correlation_id),
            "dispute",
        )

    async def submit_evidence(self, dispute: Dispute, attempt: AttemptOpened, correlation_id: str) -> Answer:
        evidence = dispute.evidence[-1]
        body = ProviderSubmitEvidenceRequest(reference=attempt.id, kind=evidence.kind, text=evidence.text)
        return await _answer(
            attempt,
            dispute.currency,
            lambda: self._post(provider_submit_evidence, attempt, body, correlation_id, dispute.reference),
            "evidence",
        )

    async def resolve_dispute(self, dispute: Dispute, attempt: AttemptOpened, correlation_id: str) -> Answer:
        body = ProviderResolveDisputeRequest(reference=attempt.id, outcome=dispute.resolving or "LOST")
        return await _answer(
            attempt,
            dispute.currency,
            lambda: self._post(provider_resolve_dispute, attempt, body, correlation_id, dispute.reference),
            "resolve",
        )

    async def _inquire(
        self, attempt: AttemptOpened, currency: str, correlation_id: str, read: _Read[T]
    ) -> T | NotFound | Contradicted | Unknown:
        provider = cast(ProviderId, attempt.provider)
        faults.point(BEFORE_CALL)
        try:
            response = await get_operation.asyncio_detailed(
                provider, attempt.id, client=self._client, x_correlation_id=correlation_id
            )
        except NO_ANSWER:
            return Unknown("inquiry_unavailable")
        faults.point(AFTER_CALL)
        if isinstance(response.parsed, ProviderOperation) and is_record_of(attempt, response.parsed):
            contradicted = contradicts(attempt, currency, response.parsed)
            return Contradicted() if contradicted else read(response.parsed, None)
        if getattr(response.parsed, "code", None) == "operation_not_found":
            return NotFound()
        return Unknown("inquiry_unavailable")

    async def _post(
        self, operation: Any, attempt: AttemptOpened, body: Any, correlation_id: str, *path: str
    ) -> Response[Any]:
        return await operation.asyncio_detailed(  # type: ignore[no-any-return]
            cast(ProviderId, attempt.provider),
            *path,
            client=self._client,
            body=body,
            x_correlation_id=correlation_id,
        )


async def _answer(attempt: AttemptOpened, currency: str, call: _Call, operation: str) -> Answer:
    said = await _ask(attempt, currency, call, operation, said_of)
    return Unknown("unreadable_answer", None) if isinstance(said, Reversed) else said


async def _ask(
    attempt: AttemptOpened, currency: str, call: _Call, operation: str, read: _Read[T]
) -> T | Answer:
    """Make the call; what the provider's record means is for `read` to say."""
    started_ns = perf_counter_ns()
    faults.point(BEFORE_CALL)
    try:
        response = await call()
    except _NEVER_ARRIVED:
        return NotProcessed("connection_failed", _elapsed_ms(started_ns))
    except httpx.TimeoutException:
        return Unknown("timeout", _elapsed_ms(started_ns))
    except httpx.HTTPError:
        return Unknown("connection_lost", _elapsed_ms(started_ns))
    except UNREADABLE:
        return Unknown("unreadable_answer", _elapsed_ms(started_ns))
    faults.point(AFTER_CALL)
    latency_ms = _elapsed_ms(started_ns)
    told = response.parsed
    if not isinstance(told, ProviderOperation):
        return refused(response, operation, latency_ms)
    return _taken(attempt, currency, told, read, latency_ms)


def _taken(
    attempt: AttemptOpened, currency: str, told: ProviderOperation, read: _Read[T], latency_ms: int
) -> T | Unknown:
    if not is_record_of(attempt, told):
        return Unknown("unreadable_answer", latency_ms)
    if contradicts(attempt, currency, told):
        return Unknown("contradictory_answer", latency_ms)
    return read(told, latency_ms)


def _ordinal(attempts: tuple[Attempt, ...], attempt: AttemptOpened) -> int:
    """Which call of this kind it is, from 1; the same for a repetition of the same attempt."""
    same_kind = [a.id for a in attempts if a.operation == attempt.operation]
    return same_kind.index(attempt.id) + 1


def _elapsed_ms(started_ns: int) -> int:
    return (perf_counter_ns() - started_ns) // 1_000_000
