"""What every contract and every operation must have, whatever it is about."""

import re

import bundles
import pytest
from bundles import Operation
from connexion.spec import OpenAPISpecification

OPERATIONS = bundles.operations()
each_service = pytest.mark.parametrize("service", bundles.SERVICES)
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)

ROLES = {"viewer", "operator", "approver", "admin"}
CALLERS = {"gateway", "jobs", "seed"}
# The only places where a card number may stand. A new one is a decision, and this list is where it is seen.
CARD_NUMBERS = {
    ("gateway", "create_payment", "request", "/payment_method/card/number"),
    ("gateway", "save_payment_method", "request", "/card/number"),
    ("vault", "tokenize", "request", "/number"),
    ("vault", "charge_token", "200", "/number"),
    ("provider-sim", "provider_authorize", "request", "/card/number"),
}
CVCS = {
    ("gateway", "authorize_payment", "request", "/cvc"),
    ("provider-sim", "provider_authorize", "request", "/cvc"),
}


@each_service
def test_bundle_is_valid_openapi_3_0_3(service: str) -> None:
    """Connexion's own check against the OpenAPI 3.0 schema, which the services leave out when they start."""
    contract = bundles.raw(service)
    assert contract["openapi"] == "3.0.3"
    OpenAPISpecification(contract)  # type: ignore[no-untyped-call]


@each_service
def test_bundle_stands_alone_and_survives_templating(service: str) -> None:
    """No reference leads out of the document, and nothing in it is taken for a Jinja2 expression."""
    text = bundles.text(service)
    assert set(re.findall(r'"\$ref": "([^"]{2})', text)) == {"#/"}
    assert "{{" not in text
    assert "{%" not in text


@each_service
def test_every_operation_id_is_unique_and_snake_case(service: str) -> None:
    names = [operation.name for operation in OPERATIONS if operation.service == service]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


@each_operation
def test_operation_explains_itself(operation: Operation) -> None:
    tags = {tag["name"] for tag in bundles.resolved(operation.service)["tags"]}
    assert operation.definition["summary"].strip()
    assert len(operation.definition["description"]) > 20
    assert len(operation.definition["tags"]) == 1
    assert set(operation.definition["tags"]) <= tags


@each_operation
def test_operation_says_who_may_use_it(operation: Operation) -> None:
    """Health and metrics are open; a gateway operation names the least role, an internal one its callers."""
    definition = operation.definition
    if operation.name in bundles.OPEN:
        assert definition["security"] == []
        assert not {"x-required-role", "x-callers"} & definition.keys()
        return
    assert "security" not in definition
    if operation.service == "gateway":
        assert definition["x-required-role"] in ROLES
        assert "x-callers" not in definition
    else:
        assert definition["x-callers"]
        assert set(definition["x-callers"]) <= CALLERS
        assert "x-required-role" not in definition


@pytest.mark.parametrize("service", bundles.SERVICES)
def test_every_service_asks_for_a_key(service: str) -> None:
    scheme = "MerchantKey" if service == "gateway" else "InternalKey"
    alternatives = bundles.resolved(service)["security"]
    assert alternatives
    assert all(scheme in alternative for alternative in alternatives)


def test_card_gets_out_of_the_vault_for_the_gateway_alone() -> None:
    callers = {str(o): o.definition.get("x-callers") for o in OPERATIONS}
    assert callers["vault-charge_token"] == ["gateway"]


@each_operation
def test_every_parameter_has_a_plain_type_and_a_valid_example(operation: Operation) -> None:
    for parameter in operation.parameters:
        assert isinstance(parameter["schema"].get("type"), str), parameter["name"]
        assert parameter["description"].strip()
        validator = bundles.request_validator(parameter["schema"])
        assert bundles.faults(validator, parameter["example"]) == [], parameter["name"]


MONEY = {"payments", "refunds", "disputes"}


@pytest.mark.parametrize(
    "operation",
    [o for o in OPERATIONS if o.service == "gateway" and o.body and MONEY & set(o.definition["tags"])],
    ids=str,
)
def test_every_write_of_a_payment_needs_an_idempotency_key(operation: Operation) -> None:
    key = next(p for p in operation.parameters if p["name"] == "Idempotency-Key")
    assert key["required"] is True
    assert key["x-missing-code"] == "idempotency_key_missing"


@pytest.mark.parametrize(
    ("key", "accepted"),
    [
        ("a", True),
        ("a" * 255, True),
        ("a" * 256, False),
        ("", False),
        ('"a"', True),
        (f'"{"a" * 255}"', True),
        (f'"{"a" * 256}"', False),
        ('""', False),
        ('"a', False),
        ("order 1042", False),
        ("größe", False),
        ("a\x7f", False),
        ("!~#$", True),
    ],
)
def test_idempotency_key_is_visible_ascii_bare_or_quoted(key: str, accepted: bool) -> None:
    parameter = bundles.raw("gateway")["components"]["parameters"]["IdempotencyKeyParameter"]
    assert bundles.request_validator(parameter["schema"]).is_valid(key) is accepted


@each_operation
def test_every_answer_carries_the_correlation_id(operation: Operation) -> None:
    for status, answer in operation.definition["responses"].items():
        assert answer["headers"]["X-Correlation-Id"]["required"] is True, status


def test_a_card_number_or_cvc_may_stand_only_where_intended() -> None:
    found: dict[str, set[tuple[str, str, str, str]]] = {"card-number": set(), "cvc": set()}
    for operation in OPERATIONS:
        places = [("parameter", p["schema"]) for p in operation.parameters]
        if operation.body:
            places.append(("request", operation.body["schema"]))
        for status, answer in operation.definition["responses"].items():
            places += [(status, media["schema"]) for media in answer.get("content", {}).values()]
        for place, schema in places:
            for pointer, string in bundles.string_schemas(schema):
                if string.get("format") in found:
                    found[string["format"]].add((operation.service, operation.name, place, pointer))
    assert found == {"card-number": CARD_NUMBERS, "cvc": CVCS}
