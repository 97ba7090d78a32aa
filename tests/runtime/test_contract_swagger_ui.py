"""What Swagger UI is given, so that *Execute* works as the page fills it in."""

import json
from copy import deepcopy
from importlib.resources import files
from typing import Any

import pytest

from payrail.runtime.contract import swagger_ui

CONTRACT: dict[str, Any] = {
    "paths": {
        "/boxes/{box_id}": {
            "parameters": [
                {
                    "name": "box_id",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string"},
                    "example": "b1",
                }
            ],
            "get": {
                "parameters": [
                    {"$ref": "#/components/parameters/Cursor"},
                    {"name": "size", "in": "query", "schema": {"$ref": "#/components/schemas/Size"}},
                    {"name": "filter", "in": "query", "content": {"application/json": {}}, "examples": {}},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"examples": {"box": {"$ref": "#/components/examples/Box"}}}
                        }
                    }
                },
            },
        }
    },
    "components": {
        "examples": {"Box": {"value": {"id": "b1"}}},
        "parameters": {
            "Cursor": {"name": "cursor", "in": "query", "schema": {"type": "string"}, "example": "x"}
        },
        "schemas": {"Size": {"type": "integer", "default": 20, "example": 5}},
    },
}


def test_examples_stand_where_they_are_shown_and_optional_parameters_start_empty() -> None:
    before = deepcopy(CONTRACT)
    item = swagger_ui.view(CONTRACT)["paths"]["/boxes/{box_id}"]
    assert before == CONTRACT
    assert item["parameters"] == CONTRACT["paths"]["/boxes/{box_id}"]["parameters"]
    assert item["get"]["parameters"] == [
        {"name": "cursor", "in": "query", "schema": {"type": "string"}},
        {"name": "size", "in": "query", "schema": {"type": "integer", "default": 20}},
        {"name": "filter", "in": "query", "content": {"application/json": {}}},
    ]
    answer = item["get"]["responses"]["200"]["content"]["application/json"]
    assert answer["examples"] == {"box": {"value": {"id": "b1"}}}


def test_description_tells_who_may_use_an_operation() -> None:
    operations = {
        "get": {"description": "Look.", "x-required-role": "viewer"},
        "post": {"description": "Make.", "x-callers": ["gateway", "jobs"]},
        "delete": {"description": "Remove."},
    }
    item = swagger_ui.view({"paths": {"/boxes": operations}})["paths"]["/boxes"]
    assert {method: operation["description"] for method, operation in item.items()} == {
        "get": "Look.\n\n`x-required-role`: viewer",
        "post": "Make.\n\n`x-callers`: gateway, jobs",
        "delete": "Remove.",
    }


def test_key_is_the_last_thing_to_authorize_with() -> None:
    """The page has its caret there, whatever comes before."""
    schemes = {
        "Key": {"type": "http", "scheme": "bearer"},
        "User": {"type": "apiKey"},
        "Role": {"type": "apiKey"},
    }
    contract = {"paths": {}, "components": {"securitySchemes": schemes}}
    assert list(swagger_ui.view(contract)["components"]["securitySchemes"]) == ["User", "Role", "Key"]
    assert list(schemes) == ["Key", "User", "Role"]


@pytest.mark.parametrize("service", ["gateway", "vault", "provider-sim", "ledger-jobs"])
def test_of_every_service_no_example_stays_a_reference(service: str) -> None:
    contract = json.loads(files("payrail.contracts").joinpath(f"{service}.json").read_bytes())
    seen = swagger_ui.view(contract)
    assert "#/components/examples/" not in json.dumps(seen)
    assert {path: sorted(item) for path, item in seen["paths"].items()} == {
        path: sorted(item) for path, item in contract["paths"].items()
    }
