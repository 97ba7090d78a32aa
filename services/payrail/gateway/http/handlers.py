"""The gateway's handlers: translate in, call one flow, translate out."""

from typing import Any

from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.authorize_payment import authorize_payment
from payrail.gateway.flows.cancel_payment import cancel_payment
from payrail.gateway.flows.capture_payment import capture_payment
from payrail.gateway.flows.create_payment import create_payment
from payrail.gateway.flows.gateway import Gateway, Request
from payrail.gateway.flows.get_health import get_health
from payrail.gateway.flows.get_payment import get_payment
from payrail.gateway.flows.list_payment_ledger import list_payment_ledger
from payrail.gateway.flows.list_payments import PaymentFilter, list_payments
from payrail.gateway.ports import CardDetails
from payrail.runtime.clock import parse_rfc3339, rfc3339
from payrail.runtime.contract_app import Answer, Call, Handler
from payrail.runtime.problems import PROBLEM_MEDIA_TYPE, Problem


class Handlers:
    """One method per operation of the contract; `gateway` is there from the start of the app's lifespan."""

    gateway: Gateway

    def table(self) -> dict[str, Handler]:
        """The handlers by operationId."""
        return {
            "create_payment": self.create_payment,
            "list_payments": self.list_payments,
            "get_payment": self.get_payment,
            "authorize_payment": self.authorize_payment,
            "capture_payment": self.capture_payment,
            "cancel_payment": self.cancel_payment,
            "list_payment_ledger": self.list_payment_ledger,
            "get_health": self.get_health,
        }

    async def create_payment(self, call: Call) -> Answer:
        _require_short_keys(call.body.get("metadata") or {})
        method = call.body["payment_method"]
        rendered = await create_payment(
            self.gateway,
            _request(call),
            card=CardDetails(**method["card"]) if "card" in method else None,
            token=method.get("token"),
            terms={"capture_method": "manual", "country": "US", **_without(call.body, "payment_method")},
        )
        return _answer(call, rendered)

    async def authorize_payment(self, call: Call) -> Answer:
        cvc = (call.body or {}).get("cvc")
        return _answer(
            call, await authorize_payment(self.gateway, _request(call), call.path["payment_id"], cvc)
        )

    async def capture_payment(self, call: Call) -> Answer:
        body = call.body or {}
        rendered = await capture_payment(
            self.gateway,
            _request(call),
            call.path["payment_id"],
            body.get("amount"),
            final=body.get("final", False),
        )
        return _answer(call, rendered)

    async def cancel_payment(self, call: Call) -> Answer:
        return _answer(call, await cancel_payment(self.gateway, _request(call), call.path["payment_id"]))

    async def get_payment(self, call: Call) -> Answer:
        return Answer(200, await get_payment(self.gateway, call.caller, call.path["payment_id"]))

    async def list_payments(self, call: Call) -> Answer:
        query = call.query
        page = await list_payments(
            self.gateway, call.caller, _filter(query), limit=query["limit"], cursor=query.get("cursor")
        )
        return Answer(200, page)

    async def list_payment_ledger(self, call: Call) -> Answer:
        page = await list_payment_ledger(
            self.gateway,
            call.caller,
            call.path["payment_id"],
            limit=call.query["limit"],
            cursor=call.query.get("cursor"),
        )
        return Answer(200, page)

    async def get_health(self, _call: Call) -> Answer:
        return Answer(200, get_health(self.gateway))


def _request(call: Call) -> Request:
    return Request(call.caller, call.correlation_id, _bare(call.headers["idempotency-key"]))


def _bare(key: str) -> str:
    """The key without the quotes of a structured field string: both forms are one key (draft-ietf-httpapi)."""
    if len(key) > 1 and key[0] == key[-1] == '"':
        return key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return key


def _require_short_keys(metadata: dict[str, str]) -> None:
    """OpenAPI 3.0 cannot say how long a key of an object may be; the contract says it in words."""
    if any(len(key) > _METADATA_KEY_LENGTH_MAX for key in metadata):
        message = f"a key must have at most {_METADATA_KEY_LENGTH_MAX} characters"
        raise Problem(
            422,
            "validation_failed",
            "The request body is not valid",
            "One field is not valid.",
            errors=[{"pointer": "/metadata", "message": message}],
        )


def _answer(call: Call, rendered: Rendered) -> Answer:
    call.log["outcome"] = rendered.body.get("state", rendered.body.get("code"))
    call.log["payment_id"] = rendered.body.get("id", call.path.get("payment_id"))
    headers = {}
    if rendered.replayed:
        headers["Idempotent-Replayed"] = "true"
    if rendered.status == _ACCEPTED:
        headers["Retry-After"] = "1"
    media_type = PROBLEM_MEDIA_TYPE if "code" in rendered.body else "application/json"
    return Answer(rendered.status, rendered.body, headers, media_type)


_ACCEPTED = 202
_METADATA_KEY_LENGTH_MAX = 40


def _filter(query: dict[str, Any]) -> PaymentFilter:
    conditions = {
        name: query[name] for name in PaymentFilter.__struct_fields__ if query.get(name) is not None
    }
    for name in ("created_from", "created_to"):
        if name in conditions:
            conditions[name] = rfc3339(parse_rfc3339(conditions[name]))
    return PaymentFilter(states=frozenset(query.get("state") or ()), **conditions)


def _without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}
