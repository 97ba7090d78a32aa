"""What Schemathesis has to know of PayRail: how to draw what rules decide on, and what keeps a run bounded.

It loads this module by its name (`hooks` in `schemathesis.toml`). Every check is on. Only what `explained` names may be
answered although a check objects to it: rules that no schema can tell, and failures that the run asked for itself.
"""

import json
import math
import os
import re
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import Failure, ServerError
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree
from schemathesis.specs.openapi import stateful
from standardwebhooks.webhooks import Webhook

from payrail.provider_sim.magic_cards import MAGIC_CARDS, Behaviour
from payrail.runtime.settings import load_settings
from secrets_scan import CVC

# Bounds of a run. Failures stay in force until they have hit so many calls, so that payments get through again.
FAILURES_HIT_MAX = 3
LATENCY_MS_MAX = 20
# The clock moves on in steps of days, not of centuries: else all cards have expired after the first move.
CLOCK_STEP_S_MAX = 10 * 86_400
CLOCK_IS_BOUNDED = os.environ.get("PAYRAIL_FUZZ_CLOCK") != "unbounded"
# A card that no test pays with.
NOBODYS_LAST4 = "0000"

# The service under test, by the title of its contract; the driver says it.
SERVICE = os.environ.get("PAYRAIL_FUZZED", "gateway")
# Nobody waits at the simulator's own door for an answer that never comes; the gateway's runs have all of these cards.
UNANSWERED = {Behaviour.ANSWER_LOST, Behaviour.LOST_BEFORE_PROCESSING, Behaviour.LATE_APPROVAL}
CARDS = sorted(
    number for number, card in MAGIC_CARDS.items() if SERVICE == "gateway" or card.behaviour not in UNANSWERED
)
APPROVED = "4242424242424242"

# Half of the cards approve, so that lives go on. The CVC is one that no file may hold; the run looks for it afterwards.
schemathesis.openapi.format("card-number", st.one_of(st.just(APPROVED), st.sampled_from(CARDS)))
schemathesis.openapi.format("cvc", st.just(CVC))

# Answers to requests that fit their schemas. Each is a rule on more than one field, or on more than the request.
RULES = {
    "amount_exceeds_authorized": "what is left to capture is known by the ledger",
    "amount_exceeds_original": "what is left of the original is known by the provider",
    "amount_exceeds_refundable": "what is left to refund is known by the ledger",
    "card_expired": "the clock decides",
    "card_invalid": "the Luhn digit decides",
    "clock_out_of_range": "the clock decides",
    "currency_unsupported": "the table of currencies decides",
    "dispute_declined": "the provider decides, whose books may differ from ours after a signed lie of this run",
    "evidence_declined": "as for `dispute_declined`: the lie may tell of a dispute that the provider does not have",
    "future_date": "the clock decides",
    "invalid_encoding": "a string of JSON may spell NUL or half a character, which no text here may hold",
    "idempotency_key_reused": "the key belongs to an earlier request",
    "resolution_declined": "as for `evidence_declined`",
    "sensitive_data": "a random text or number may pass for a card number",
}
# Bodies whose fields exclude or need each other, which their descriptions say: 422 `validation_failed`.
RULES_AMONG_FIELDS = {
    "create_customer": "keys of metadata have 40 characters at most, which OpenAPI 3.0 has no word for",
    "create_payment": "keys of metadata have 40 characters at most, which OpenAPI 3.0 has no word for",
    "explain_routing": "a payment's id says all of the payment; without it currency and amount are needed",
    "inject_failure": "latency_ms and decline_code belong to one mode each",
    "inject_provider_failure": "latency_ms and decline_code belong to one mode each",
    "move_clock": "exactly one of advance_s and set",
    "provider_capture": "the currency is that of the authorization",
    "provider_open_dispute": "the currency is that of the authorization",
    "provider_refund": "the currency is that of the authorization",
    "save_payment_method": "exactly one of card and token",
}
# DELETE takes away what is in the collection; the collection stays, and shows that it is empty.
CLEARED_COLLECTIONS = {"list_failures"}
# 503 from a provider on which this run injected a failure, or whose breaker such failures have opened.
FAILURES_ASKED_FOR = {"provider_unavailable", "not_processed", "provider_error"}


def starting_points(
    *arguments: Any, _every_post: Any = stateful.classify_root_transitions
) -> stateful.RootTransitions:
    """Where stateful runs start: at what no link leads to, and at payments.

    Schemathesis would start at any POST, too. Most of ours need an id, which only a link can give; the other phases
    call them with ids that are made up, and stateful runs would spend three steps of four on that.
    """
    _, transitions = arguments[:2]
    roots: stateful.RootTransitions = _every_post(*arguments)
    roots.reliable = {
        label
        for label in roots.reliable
        if not transitions.operations[label].incoming or label == "POST /payments"
    }
    return roots


stateful.classify_root_transitions = starting_points  # type: ignore[assignment]  # It hands on whatever it is given.


@schemathesis.hook
def before_load_schema(_: HookContext, contract: dict[str, Any]) -> None:
    """Read the bodies of links. The contracts write them as text with expressions in it, which every reader of
    OpenAPI takes; Schemathesis wants the object that the text stands for."""
    for link in contract["components"].get("links", {}).values():
        if "requestBody" in link:
            link["requestBody"] = json.loads(re.sub(r'"\{(\$[^}"]+)\}"', r'"\1"', link["requestBody"]))


@schemathesis.hook
def filter_failure(_: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether a failure counts: all do but explained ones."""
    return not explained(failure, case, response)


def explained(failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether the failure objects to an answer that a rule above gives."""
    code = code_of(response)
    if isinstance(failure, ServerError):
        return response.status_code == 503 and code in FAILURES_ASKED_FOR
    if isinstance(failure, UseAfterFree):
        return operation_of(case) in CLEARED_COLLECTIONS
    if not isinstance(failure, RejectedPositiveData):
        return False
    if code == "invalid_parameter":
        query = case.query or {}  # A cursor is opaque: only one that a page gave is valid.
        return "cursor" in query or any(is_off_the_calendar(value) for value in query.values())
    if code == "validation_failed":
        return operation_of(case) in RULES_AMONG_FIELDS
    return code in RULES


def is_off_the_calendar(value: object) -> bool:
    """Whether it is a time of the year 1 or 9999 that is of no year in UTC, with which nobody can reckon."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return False
    try:
        at.astimezone(UTC)
    except OverflowError:
        return True
    return False


def code_of(response: Response) -> str | None:
    try:
        code = response.json()["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return code if isinstance(code, str) else None


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Let what is drawn keep the rules among fields, so that it gets past them. Enumerated cases break them all."""
    if isinstance(body, dict) and context.operation is not None:
        keep_rules(str(context.operation.definition.raw["operationId"]), body)
    return body


def keep_rules(operation: str, body: dict[str, Any]) -> None:
    """Take away what excludes something else, and ids that are made up: those are nobody's. Links name real ones."""
    if operation == "create_payment":
        body.pop("customer_id", None)
        if (
            is_token_method(body.get("payment_method"))
            and is_integer(body.get("amount"))
            and body["amount"] % 4
        ):
            body["payment_method"] = {"card": {"number": APPROVED, "exp_month": 12, "exp_year": 2099}}
    elif operation == "save_payment_method" and "card" in body:
        body.pop("token", None)
    elif operation in ("inject_failure", "inject_provider_failure"):
        for name, mode in (("latency_ms", "latency"), ("decline_code", "decline")):
            if body.get("mode") != mode:
                body.pop(name, None)


def is_token_method(method: Any) -> bool:
    return isinstance(method, dict) and "token" in method


@schemathesis.hook
def before_call(_: HookContext, case: Case[Any], kwargs: Any) -> None:
    """Keep the run bounded, and sign what a provider would sign."""
    del kwargs
    if not isinstance(case.body, dict):
        return
    operation = operation_of(case)
    if operation in ("inject_failure", "inject_provider_failure"):
        bound_failure(case.body)
    elif operation == "move_clock":
        if case.meta is not None and case.meta.generation.mode.is_positive and "advance_s" in case.body:
            case.body.pop("set", None)
        if CLOCK_IS_BOUNDED:
            bound_clock(case.body)
    elif operation == "create_webhook_endpoint":
        lead_nowhere(case.body)
    elif operation == "receive_provider_webhook":
        sign(case)


def operation_of(case: Case[Any]) -> str:
    return str(case.operation.definition.raw["operationId"])


def bound_failure(body: dict[str, Any]) -> None:
    """The failure ends by itself after some calls, and at the simulator's own door none is silent."""
    if "remaining" not in body or (is_integer(body["remaining"]) and body["remaining"] > FAILURES_HIT_MAX):
        body["remaining"] = FAILURES_HIT_MAX
    if is_integer(body.get("latency_ms")) and body["latency_ms"] > LATENCY_MS_MAX:
        body["latency_ms"] = LATENCY_MS_MAX
    if SERVICE != "gateway" and body.get("mode") in ("timeout", "lost_response"):
        body["last4"] = NOBODYS_LAST4


def bound_clock(body: dict[str, Any]) -> None:
    """A move by days: the same direction, and a time that is near or past."""
    if is_integer(body.get("advance_s")) and abs(body["advance_s"]) <= 3_155_760_000:
        body["advance_s"] = int(math.fmod(body["advance_s"], CLOCK_STEP_S_MAX))
    soonest = datetime.now(UTC) + timedelta(seconds=CLOCK_STEP_S_MAX)
    if isinstance(body.get("set"), str) and body["set"] > soonest.isoformat():
        body["set"] = soonest.isoformat()


def lead_nowhere(body: dict[str, Any]) -> None:
    """No webhook leaves this machine, whatever host was drawn: it goes to a port where nobody listens."""
    scheme, separator, rest = str(body.get("url")).partition("://")
    if separator and scheme in ("http", "https"):
        body["url"] = f"{scheme}://127.0.0.1:9/{rest.partition('/')[2]}"


def sign(case: Case[Any]) -> None:
    """Sign a webhook as the provider does, unless the case is about headers that are wrong or missing."""
    headers: MutableMapping[str, str] = case.headers or {}
    provider, message_id = headers.get("X-Provider-Id"), headers.get("webhook-id")
    if case.meta is None or not case.meta.generation.mode.is_positive or not (provider and message_id):
        return
    settings = load_settings()
    secrets = {
        "providerA": settings.provider_a_webhook_secret,
        "providerB": settings.provider_b_webhook_secret,
    }
    now = datetime.now(UTC)
    text = json.dumps(case.body, allow_nan=False)  # As it goes on the wire.
    headers["webhook-timestamp"] = str(int(time.time()))
    headers["webhook-signature"] = Webhook(secrets[provider].split()[0]).sign(message_id, now, text)


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
