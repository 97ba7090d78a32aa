"""Handlers: translate a call in, ask one provider, translate the answer out."""

from collections.abc import Mapping
from typing import Any

from payrail.provider_sim.errors import OriginalNotFound, RecordsUnavailable
from payrail.provider_sim.failures import Mode, Rule
from payrail.provider_sim.fate import Card
from payrail.provider_sim.operations import CardOnRecord, Request
from payrail.provider_sim.profiles import BASIS_POINTS, DeclineReason, Operation
from payrail.provider_sim.provider import Provider
from payrail.provider_sim.views import operation_document
from payrail.provider_sim.webhooks import Send
from payrail.runtime.clock import Clock, rfc3339
from payrail.runtime.contract_app import Answer, Call, Handler
from payrail.runtime.ids import IdSource

SERVICE = "provider-sim"


class Handlers:
    """The operations of the contract. ``providers`` is empty while the service starts or stops."""

    def __init__(self, *, clock: Clock, ids: IdSource, send: Send, version: str) -> None:
        self.providers: Mapping[str, Provider] = {}
        self._clock = clock
        self._ids = ids
        self._send = send
        self._version = version

    def table(self) -> dict[str, Handler]:
        """The handler of each operationId."""
        return {
            "provider_authorize": self.provider_authorize,
            "provider_capture": self.provider_capture,
            "provider_refund": self.provider_refund,
            "provider_reverse": self.provider_reverse,
            "provider_open_dispute": self.provider_open_dispute,
            "provider_submit_evidence": self.provider_submit_evidence,
            "provider_resolve_dispute": self.provider_resolve_dispute,
            "get_operation": self.get_operation,
            "get_provider_settlement": self.get_provider_settlement,
            "list_provider_settlements": self.list_provider_settlements,
            "inject_failure": self.inject_failure,
            "list_failures": self.list_failures,
            "clear_failures": self.clear_failures,
            "deliver_webhooks": self.deliver_webhooks,
            "get_provider_state": self.get_provider_state,
            "get_health": self.get_health,
        }

    async def provider_authorize(self, call: Call) -> Answer:
        body, card = call.body, call.body["card"]
        number: str = card["number"]
        on_record = CardOnRecord(number[:6], number[-4:], card["exp_month"], card["exp_year"])
        request = _request(
            Operation.AUTHORIZE,
            body,
            merchant_id=body["merchant_id"],
            country=body["country"],
            card=on_record,
        )
        return await self._operate(call, request, Card(number, card["exp_month"], card["exp_year"]))

    async def provider_capture(self, call: Call) -> Answer:
        return await self._operate(call, _request(Operation.CAPTURE, call.body))

    async def provider_refund(self, call: Call) -> Answer:
        return await self._operate(call, _request(Operation.REFUND, call.body))

    async def provider_reverse(self, call: Call) -> Answer:
        return await self._operate(call, _request(Operation.REVERSE, call.body))

    async def provider_open_dispute(self, call: Call) -> Answer:
        return await self._operate(call, _request(Operation.DISPUTE, call.body, reason=call.body["reason"]))

    async def provider_submit_evidence(self, call: Call) -> Answer:
        body = call.body
        evidence = {"evidence_kind": body["kind"], "evidence_text": body["text"]}
        return await self._operate(call, self._answer_to_dispute(Operation.EVIDENCE, call, **evidence))

    async def provider_resolve_dispute(self, call: Call) -> Answer:
        won = call.body["outcome"] == "WON"
        return await self._operate(call, self._answer_to_dispute(Operation.RESOLVE, call, won=won))

    async def get_operation(self, call: Call) -> Answer:
        provider = self._provider(call)
        view = await provider.inquire(call.path["reference"])
        call.log.update(reference=view.reference, outcome=view.status.value)
        return Answer(200, operation_document(provider.profile, view))

    async def get_provider_settlement(self, call: Call) -> Answer:
        provider = self._provider(call)
        csv = await provider.settlement_csv(call.query["date"])
        call.log.update(provider=provider.profile.id, date=call.query["date"])
        return Answer(200, csv, media_type="text/csv; charset=utf-8")

    async def list_provider_settlements(self, call: Call) -> Answer:
        days = await self._provider(call).settlement_days()
        return Answer(200, {"data": [_settlement_day(date, paid) for date, paid in days.items()]})

    async def inject_failure(self, call: Call) -> Answer:
        body = call.body
        rule = Rule(
            id=self._ids.new("inj"),
            mode=Mode(body["mode"]),
            rate=body.get("rate", 1),
            operation=Operation(body["operation"]) if "operation" in body else None,
            latency_ms=body.get("latency_ms"),
            decline_code=DeclineReason(body["decline_code"]) if "decline_code" in body else None,
            remaining=body.get("remaining"),
            last4=body.get("last4"),
        )
        return Answer(201, rule_document(await self._provider(call).inject(rule)))

    async def list_failures(self, call: Call) -> Answer:
        return Answer(200, {"data": [rule_document(rule) for rule in self._provider(call).failures()]})

    async def clear_failures(self, call: Call) -> Answer:
        return Answer(200, {"cleared": await self._provider(call).clear_failures()})

    async def get_provider_state(self, call: Call) -> Answer:
        provider = self._provider(call)
        profile = provider.profile
        fixed_amount, basis_points = profile.list_price()
        return Answer(
            200,
            {
                "id": profile.id,
                "profile": profile.manners,
                "approval_rate": profile.approval_basis_points / BASIS_POINTS,
                "fee_fixed_amount": fixed_amount,
                "fee_basis_points": basis_points,
                "operations": {operation.value: count for operation, count in provider.counts().items()},
                "failures": [rule_document(rule) for rule in provider.failures()],
            },
        )

    async def deliver_webhooks(self, call: Call) -> Answer:  # noqa: ARG002 - a handler takes its call
        providers = list(self.providers.values())
        delivered = sum([await provider.send_webhooks(self._send) for provider in providers])
        outboxes = [provider.outbox for provider in providers]
        dues = [outbox.next_due_at for outbox in outboxes if outbox.next_due_at is not None]
        return Answer(
            200,
            {
                "delivered": delivered,
                "waiting": sum(outbox.waiting for outbox in outboxes),
                "next_due_at": min(dues, default=None),
            },
        )

    async def get_health(self, call: Call) -> Answer:  # noqa: ARG002 - a handler takes its call
        now = rfc3339(self._clock.now())
        return Answer(200, {"status": "ok", "service": SERVICE, "version": self._version, "time": now})

    async def _operate(self, call: Call, request: Request, card: Card | None = None) -> Answer:
        provider = self._provider(call)
        call.log.update(provider=provider.profile.id, reference=request.reference)
        view = await provider.operate(request, card)
        call.log["outcome"] = view.status.value
        return Answer(200, operation_document(provider.profile, view))

    def _answer_to_dispute(self, operation: Operation, call: Call, **fields: Any) -> Request:
        reference = call.path["dispute_reference"]
        authorization = self._provider(call).authorization_of_dispute(reference)
        if authorization is None:
            raise OriginalNotFound("The provider has no dispute under this reference.")
        body = {**call.body, "original_reference": authorization}
        return _request(operation, body, dispute_reference=reference, **fields)

    def _provider(self, call: Call) -> Provider:
        provider = self.providers.get(call.path["provider_id"])
        if provider is None:
            raise RecordsUnavailable("The simulator is starting or stopping.")
        return provider


def _request(
    operation: Operation,
    body: Mapping[str, Any],
    **fields: Any,
) -> Request:
    return Request(
        operation=operation,
        reference=body["reference"],
        original_reference=body.get("original_reference"),
        amount=body.get("amount", 0),
        currency=body.get("currency"),
        merchant_reference=body.get("merchant_reference"),
        attempt=body.get("attempt"),
        final=body.get("final", False),
        **fields,
    )


def rule_document(rule: Rule) -> dict[str, Any]:
    """A failure rule as the contract's ``FailureRule``."""
    return {
        "id": rule.id,
        "mode": rule.mode.value,
        "rate": rule.rate,
        "operation": rule.operation.value if rule.operation is not None else None,
        "latency_ms": rule.latency_ms,
        "decline_code": rule.decline_code.value if rule.decline_code is not None else None,
        "remaining": rule.remaining,
        "last4": rule.last4,
        "created_at": rule.created_at,
    }


def _settlement_day(date: str, paid_out: Mapping[str, int] | None) -> dict[str, Any]:
    """The contract's ``ProviderSettlementDay``."""
    if paid_out is None:
        return {"date": date, "paid_out": None}
    sums = [{"currency": currency, "amount": amount} for currency, amount in paid_out.items()]
    return {"date": date, "paid_out": sums}
