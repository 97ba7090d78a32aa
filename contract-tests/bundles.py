"""The bundled contracts as the tests walk through them: references resolved, schemas compiled as the services do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft4Validator

from payrail.runtime.contract.document import ContractDocument
from payrail.runtime.contract.schemas import SchemaCompiler

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ROOT / "services" / "payrail" / "contracts"
SERVICES = ("gateway", "vault", "provider-sim", "ledger-jobs")
METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
OPEN = ("get_health", "get_metrics", "receive_provider_webhook")  # What answers without a key.

_compiler = SchemaCompiler()


@dataclass(frozen=True)
class Operation:
    """One operation of a contract."""

    service: str
    path: str
    method: str
    definition: dict[str, Any]
    shared_parameters: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        return str(self.definition["operationId"])

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return [*self.shared_parameters, *self.definition.get("parameters", [])]

    @property
    def body(self) -> dict[str, Any] | None:
        """The media type object of the JSON body, if the operation has one."""
        media: dict[str, Any] | None = self.definition.get("requestBody", {}).get("content", {}).get(JSON)
        return media

    def answers(self, *, successful: bool) -> Iterator[tuple[str, dict[str, Any]]]:
        for status, answer in self.definition["responses"].items():
            if status.startswith("2") is successful and "content" in answer:  # A 204 has nothing to look at.
                yield status, answer

    def __str__(self) -> str:
        return f"{self.service}-{self.name}"


def text(service: str) -> str:
    return (CONTRACTS / f"{service}.json").read_text()


def raw(service: str) -> dict[str, Any]:
    contract: dict[str, Any] = json.loads(text(service))
    return contract


@cache
def resolved(service: str) -> ContractDocument:
    return ContractDocument(raw(service))


def operations() -> list[Operation]:
    return [
        Operation(service, path, method, item[method], tuple(item.get("parameters", [])))
        for service in SERVICES
        for path, item in resolved(service)["paths"].items()
        for method in METHODS
        if method in item
    ]


def examples(media: dict[str, Any]) -> dict[str, Any]:
    """The examples of a body or an answer, by name."""
    if "example" in media:
        return {"example": media["example"]}
    return {name: example["value"] for name, example in media.get("examples", {}).items()}


def request_validator(schema: dict[str, Any]) -> Draft4Validator:
    return _compiler.request(schema)


def response_validator(schema: dict[str, Any]) -> Draft4Validator:
    return _compiler.response(schema)


def faults(validator: Draft4Validator, value: Any) -> list[str]:
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


def object_schemas(schema: dict[str, Any], pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object schema in a schema, with the place it describes."""
    if schema.get("type") == "object":
        yield pointer, schema
    for name, member in schema.get("properties", {}).items():
        yield from object_schemas(member, f"{pointer}/{name}")
    for keyword in ("allOf", "anyOf", "oneOf"):
        for member in schema.get(keyword, []):
            yield from object_schemas(member, pointer)
    if isinstance(schema.get("items"), dict):
        yield from object_schemas(schema["items"], f"{pointer}/*")


def string_schemas(schema: dict[str, Any], pointer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every string schema in a schema, with the place it describes."""
    if schema.get("type") == "string":
        yield pointer, schema
    for name, member in schema.get("properties", {}).items():
        yield from string_schemas(member, f"{pointer}/{name}")
    for keyword in ("allOf", "anyOf", "oneOf"):
        for member in schema.get(keyword, []):
            yield from string_schemas(member, pointer)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from string_schemas(schema[keyword], f"{pointer}/*")
