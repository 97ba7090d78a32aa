"""The generated SDK reads what the contracts promise, and says where it comes from."""

import datetime
import hashlib
import importlib
import json
from typing import Any

import attrs
import bundles
import httpx
import pytest
from bundles import JSON, PROBLEM_JSON, Operation

from payrail_sdk.gateway.models import CardInput
from payrail_sdk.gateway.types import UNSET

OPERATIONS = bundles.operations()
SDK = bundles.ROOT / "sdk" / "payrail_sdk"
PACKAGES = {service: service.replace("-", "_") for service in bundles.SERVICES}
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def module_of(operation: Operation) -> Any:
    tag = operation.definition["tags"][0]
    return importlib.import_module(f"payrail_sdk.{PACKAGES[operation.service]}.api.{tag}.{operation.name}")


def read_by_sdk(operation: Operation, status: str, value: Any, media_type: str) -> Any:
    package = importlib.import_module(f"payrail_sdk.{PACKAGES[operation.service]}")
    client = package.Client(base_url="http://sdk")
    response = httpx.Response(int(status), content=json.dumps(value), headers={"Content-Type": media_type})
    # The one step that reads an answer; calling the operation itself would need arguments made up for each.
    return module_of(operation)._build_response(client=client, response=response).parsed  # noqa: SLF001


def comparable(value: Any) -> Any:
    """Times as times: the SDK writes +00:00 where the wire says Z."""
    if isinstance(value, dict):
        return {key: comparable(member) for key, member in value.items()}
    if isinstance(value, list):
        return [comparable(member) for member in value]
    if isinstance(value, str) and value[:2] == "20" and "T" in value:
        return datetime.datetime.fromisoformat(value)
    return value


@each_operation
def test_sdk_has_every_operation_in_both_manners(operation: Operation) -> None:
    module = module_of(operation)
    assert callable(module.sync_detailed)
    assert callable(module.asyncio_detailed)


@each_operation
def test_sdk_loses_nothing_of_any_good_answer(operation: Operation) -> None:
    for status, answer in operation.answers(successful=True):
        for name, value in bundles.examples(answer["content"].get(JSON, {})).items():
            parsed = read_by_sdk(operation, status, value, JSON)
            assert comparable(parsed.to_dict()) == comparable(value), f"{status} {name}"


@each_operation
def test_sdk_loses_nothing_of_any_problem(operation: Operation) -> None:
    for status, answer in operation.answers(successful=False):
        for name, value in bundles.examples(answer["content"][PROBLEM_JSON]).items():
            parsed = read_by_sdk(operation, status, value, PROBLEM_JSON)
            assert type(parsed).__name__ in {"Problem", "ProviderProblem"}
            assert parsed.to_dict() == value, f"{status} {name}"


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.body], ids=str)
def test_sdk_writes_every_request_as_the_contract_shows_it(operation: Operation) -> None:
    """From the example to the SDK's class and back, for the class that the operation takes as its body."""
    assert operation.body is not None
    body_class = getattr(module_of(operation), operation.body["schema"]["title"])
    for name, value in bundles.examples(operation.body).items():
        assert comparable(body_class.from_dict(value).to_dict()) == comparable(value), name


def classes_of_free_names() -> list[Any]:
    """Every generated class that holds names which the contract does not give, and nothing else."""
    models = [importlib.import_module(f"payrail_sdk.{package}.models") for package in PACKAGES.values()]
    found = [getattr(module, name) for module in models for name in module.__all__]
    with_fields = [kind for kind in found if isinstance(kind, type) and hasattr(kind, "__attrs_attrs__")]
    return [
        kind for kind in with_fields if [one.name for one in attrs.fields(kind)] == ["additional_properties"]
    ]


def test_object_of_free_names_is_a_mapping() -> None:
    """Metadata above all: it is iterated, compared with a dict, made one, and given back in the next call."""
    kinds = classes_of_free_names()
    assert "Metadata" in {kind.__name__ for kind in kinds}
    for kind in kinds:
        held = kind.from_dict({"a": "1", "b": "2"})
        assert dict(held) == held == {"a": "1", "b": "2"}
        assert held != {"a": "1"}
        assert list(held) == ["a", "b"]
        assert (held["a"], held.get("b"), held.get("c"), "c" in held, len(held)) == ("1", "2", None, False, 2)
        assert kind.from_dict(held) == held


@pytest.mark.parametrize("service", bundles.SERVICES)
def test_no_object_shows_a_card_number_or_cvc(service: str) -> None:
    """Tracebacks with the values of variables, logs and notebooks show a `repr`."""
    models = importlib.import_module(f"payrail_sdk.{PACKAGES[service]}.models")
    shown = {
        (kind.__name__, field.name)
        for kind in vars(models).values()
        if attrs.has(kind)
        for field in attrs.fields(kind)
        if field.name in ("number", "cvc") and field.repr
    }
    assert shown == set()


def test_a_card_shows_all_of_itself_but_its_number() -> None:
    card = CardInput("4242424242424242", 12, 2031)
    assert repr(card) == f"CardInput(exp_month=12, exp_year=2031, holder_name={UNSET!r})"
    assert card.to_dict()["number"] == card.number == "4242424242424242"


@pytest.mark.parametrize("service", bundles.SERVICES)
def test_every_generated_module_says_so(service: str) -> None:
    modules = list((SDK / PACKAGES[service]).rglob("*.py"))
    assert modules
    for module in modules:
        first_line = module.read_text().splitlines()[0]
        assert f"Generated by openapi-python-client from openapi/{service}.yaml: do not edit" in first_line


def test_the_generated_types_say_so() -> None:
    for module in (bundles.ROOT / "frontend" / "src" / "gen").iterdir():
        first_line = module.read_text().splitlines()[0]
        assert first_line.startswith("// Generated by openapi-typescript ")
        assert f" from openapi/{module.stem}.yaml: do not edit" in first_line


@pytest.mark.parametrize("service", bundles.SERVICES)
def test_the_record_names_the_contracts_that_the_sdk_was_made_from(service: str) -> None:
    record = json.loads((SDK / "_generated.json").read_text())["contracts"][service]
    assert record["version"] == bundles.raw(service)["info"]["version"]
    assert record["sha256"] == hashlib.sha256(bundles.text(service).encode()).hexdigest()
