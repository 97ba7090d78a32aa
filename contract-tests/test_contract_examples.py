"""Examples are promises: each one is checked against the schema that it illustrates."""

import json
from collections.abc import Iterator
from typing import Any

import bundles
import pytest
from bundles import PROBLEM_JSON, Operation

OPERATIONS = bundles.operations()
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
each_operation_with_body = pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.body], ids=str)


@each_operation_with_body
def test_every_request_body_has_valid_examples(operation: Operation) -> None:
    assert operation.body is not None
    validator = bundles.request_validator(operation.body["schema"])
    shown = bundles.examples(operation.body)
    assert shown
    for name, value in shown.items():
        assert bundles.faults(validator, value) == [], name


@each_operation_with_body
def test_every_request_body_refuses_unknown_fields_at_every_depth(operation: Operation) -> None:
    assert operation.body is not None
    validator = bundles.request_validator(operation.body["schema"])
    for name, value in bundles.examples(operation.body).items():
        for spoilt in with_an_unknown_field(value, open_maps={"metadata"}):
            assert not validator.is_valid(spoilt), f"{name}: {spoilt}"


@each_operation_with_body
def test_every_object_of_a_request_body_is_closed(operation: Operation) -> None:
    """Also those that no example shows. An open map says at least of what type its values are."""
    assert operation.body is not None
    for pointer, schema in bundles.object_schemas(operation.body["schema"]):
        rest = schema.get("additionalProperties", {})
        assert rest is False or (pointer == "/metadata" and rest["type"] == "string"), pointer


@each_operation
def test_every_good_answer_has_valid_examples(operation: Operation) -> None:
    answers = list(operation.answers(successful=True))
    assert answers or "204" in operation.definition["responses"]
    for status, answer in answers:
        assert answer["content"]
        for media in answer["content"].values():
            shown = bundles.examples(media)
            assert shown, status
            for name, value in shown.items():
                validator = bundles.response_validator(media["schema"])
                assert bundles.faults(validator, value) == [], f"{status} {name}"


@each_operation
def test_every_object_of_a_good_answer_is_closed_and_complete(operation: Operation) -> None:
    """Every field is always there; one that may have no value is null."""
    open_maps = {"metadata", "data", "params", "result"}
    for status, answer in operation.answers(successful=True):
        for pointer, schema in objects_of(answer):
            if schema.get("additionalProperties") is False:
                assert set(schema["required"]) == set(schema["properties"]), f"{status} {pointer}"
            else:
                assert pointer.rsplit("/", 1)[-1] in open_maps, f"{status} {pointer}"


@each_operation
def test_every_error_lists_its_codes_and_shows_one(operation: Operation) -> None:
    for status, answer in operation.answers(successful=False):
        assert set(answer["content"]) == {PROBLEM_JSON}
        media = answer["content"][PROBLEM_JSON]
        codes = media["schema"]["allOf"][1]["properties"]["code"]["enum"]
        assert len(codes) == len(set(codes)) > 0
        shown = bundles.examples(media)
        assert shown, status
        validator = bundles.response_validator(media["schema"])
        for name, value in shown.items():
            assert bundles.faults(validator, value) == [], f"{status} {name}"
            assert value["status"] == int(status)
            assert value["code"] in codes
            assert value["type"] == f"/problems/{value['code']}"
            assert not validator.is_valid(value | {"code": "a_code_that_is_not_listed"})


@each_operation
def test_every_operation_tells_of_the_errors_that_any_can_have(operation: Operation) -> None:
    """A bad parameter, a card number in one, a fault and an outage can befall all; a body brings two more."""
    expected = {"400", "422", "500", "503"}
    if operation.name not in bundles.OPEN:
        expected |= {"401", "403"}
    if operation.body:
        expected |= {"413", "415"}
    assert expected <= operation.definition["responses"].keys()


@each_operation
def test_no_example_of_an_answer_shows_a_card_number(operation: Operation) -> None:
    """But that of the one operation that exists to give it."""
    if operation.name == "charge_token":
        return
    for answer in operation.definition["responses"].values():
        for media in answer.get("content", {}).values():
            assert "4242424242424242" not in json.dumps(bundles.examples(media))


def objects_of(answer: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every object that a good answer can hold; a text holds none."""
    return [
        found for media in answer["content"].values() for found in bundles.object_schemas(media["schema"])
    ]


def with_an_unknown_field(value: Any, open_maps: set[str], name: str = "") -> Iterator[Any]:
    """Copies of a body, each with one field too many in one of its objects."""
    if not isinstance(value, dict):
        return
    if name not in open_maps:
        yield value | {"surprise": "x"}
    for key, member in value.items():
        for spoilt in with_an_unknown_field(member, open_maps, key):
            yield value | {key: spoilt}
