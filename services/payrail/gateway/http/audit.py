"""The handlers of the audit trail."""

from payrail.gateway.flows.export_audit import export_audit
from payrail.gateway.flows.gateway import Gateway
from payrail.gateway.flows.list_audit import list_audit, list_payment_audit
from payrail.gateway.flows.list_vault_access import list_vault_access
from payrail.gateway.flows.rotate_vault_keys import rotate_vault_keys
from payrail.gateway.flows.trail import AuditFilter
from payrail.gateway.http.answers import answer, request_of
from payrail.gateway.http.queries import conditions_of, place_of
from payrail.gateway.ports import AccessFilter
from payrail.runtime.contract_app import Answer, Call, JsonPieces


async def _list(gateway: Gateway, call: Call) -> Answer:
    page = await list_audit(gateway, call.caller, AuditFilter(**conditions_of(call)), **place_of(call))
    return Answer(200, page)


async def _of_payment(gateway: Gateway, call: Call) -> Answer:
    page = await list_payment_audit(gateway, call.caller, call.path["payment_id"], **place_of(call))
    return Answer(200, page)


async def _export(gateway: Gateway, call: Call) -> Answer:
    pieces = await export_audit(gateway, call.caller, AuditFilter(**conditions_of(call)))
    return Answer(200, JsonPieces("data", pieces))


async def _vault_access(gateway: Gateway, call: Call) -> Answer:
    wanted = AccessFilter(call.caller.merchant_id, **conditions_of(call))
    page = await list_vault_access(gateway, wanted, **place_of(call), correlation_id=call.correlation_id)
    return Answer(200, page)


async def _rotate(gateway: Gateway, call: Call) -> Answer:
    mode = (call.body or {}).get("mode", "now")
    return answer(call, await rotate_vault_keys(gateway, request_of(call), mode))


HANDLERS = {
    "list_audit": _list,
    "list_payment_audit": _of_payment,
    "export_audit": _export,
    "list_vault_access": _vault_access,
    "rotate_vault_keys": _rotate,
}
