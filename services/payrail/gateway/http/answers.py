"""Between the wire and the flows: what a call brings with it, and how a flow's answer goes out."""

from payrail.gateway.domain.answers import Rendered
from payrail.gateway.flows.gateway import Request
from payrail.runtime.contract_app import Answer, Call
from payrail.runtime.problems import PROBLEM_MEDIA_TYPE

_ACCEPTED = 202
_ID_NAMES = {"pay_": "payment_id", "ref_": "refund_id", "dsp_": "dispute_id", "cus_": "customer_id"}


def request_of(call: Call) -> Request:
    """The circumstances of a command, with its idempotency key if it brings one."""
    return Request(call.caller, call.correlation_id, _bare(call.headers.get("idempotency-key", "")))


def _bare(key: str) -> str:
    """The key without the quotes of a structured field string: both forms are one key (draft-ietf-httpapi)."""
    if len(key) > 1 and key[0] == key[-1] == '"':
        return key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return key


def answer(call: Call, rendered: Rendered) -> Answer:
    """A flow's answer on its way out: marked when it is a replay, with a time to come back when it is not final."""
    call.log["outcome"] = rendered.body.get("state", rendered.body.get("code"))
    named = _ID_NAMES.get(str(rendered.body.get("id", ""))[:4])
    if named is not None:
        call.log[named] = rendered.body["id"]
    call.log.update({name: value for name, value in call.path.items() if name in _ID_NAMES.values()})
    headers = {}
    if rendered.replayed:
        headers["Idempotent-Replayed"] = "true"
    if rendered.status == _ACCEPTED:
        headers["Retry-After"] = "1"
    media_type = PROBLEM_MEDIA_TYPE if "code" in rendered.body else "application/json"
    return Answer(rendered.status, rendered.body, headers, media_type)
