"""Compiles a contract's schemas to validators, and says what is wrong without repeating any value."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson
from jsonschema_rs import Draft4Validator, ValidationError

from payrail.runtime.card_numbers import find_card_number

from .formats import REQUEST_FORMATS, Formats
from .refusals import speakable

Schema = dict[str, Any]
Errors = list[dict[str, str]]

_ERRORS_MAX = 20
_SEGMENT_LENGTH_MAX = 64
_SUBSCHEMAS = ("items", "not", "additionalProperties")
_SUBSCHEMA_LISTS = ("allOf", "anyOf", "oneOf")
#: What a schema can demand of a value by itself.
KEYWORDS = frozenset(
    [
        "type",
        "enum",
        "multipleOf",
        "maximum",
        "exclusiveMaximum",
        "minimum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "format",
        "maxItems",
        "minItems",
        "uniqueItems",
        "maxProperties",
        "minProperties",
        "required",
    ]
)


class SchemaCompiler:
    """Makes one validator for each distinct schema; a shared schema, such as the problem's, is compiled
    once."""

    def __init__(self) -> None:
        self._validators: dict[tuple[bytes, bool], Draft4Validator] = {}

    def request(self, schema: Schema) -> Draft4Validator:
        """The validator of what clients send: read-only properties are unknown, days and times exist."""
        return self._compiled(draft4(schema, hidden="readOnly"), REQUEST_FORMATS)

    def response(self, schema: Schema) -> Draft4Validator:
        """The validator of what clients get: write-only properties are unknown."""
        return self._compiled(draft4(schema, hidden="writeOnly"), {})

    def _compiled(self, schema: Schema, formats: Formats) -> Draft4Validator:
        identity = (orjson.dumps(schema, option=orjson.OPT_SORT_KEYS), bool(formats))
        validator = self._validators.get(identity)
        if validator is None:
            validator = Draft4Validator(schema, validate_formats=True, formats=dict(formats))
            self._validators[identity] = validator
        return validator


def draft4(schema: Schema, *, hidden: str) -> Schema:
    """An OpenAPI 3.0 schema without references as JSON Schema draft 4: `nullable` becomes a type of its own.

    Properties marked with `hidden` (`readOnly` or `writeOnly`) do not exist in this direction.
    """
    rewritten: Schema = {keyword: schema[keyword] for keyword in schema.keys() & KEYWORDS}
    for keyword in _SUBSCHEMAS:
        value = schema.get(keyword)
        if value is not None:
            rewritten[keyword] = draft4(value, hidden=hidden) if isinstance(value, dict) else value
    for keyword in _SUBSCHEMA_LISTS:
        if keyword in schema:
            rewritten[keyword] = [draft4(member, hidden=hidden) for member in schema[keyword]]
    if "properties" in schema:
        _rewrite_properties(schema["properties"], rewritten, hidden)
    return _nullable(rewritten) if schema.get("nullable") else rewritten


def _rewrite_properties(properties: dict[str, Schema], rewritten: Schema, hidden: str) -> None:
    kept = {name: member for name, member in properties.items() if not member.get(hidden)}
    rewritten["properties"] = {name: draft4(member, hidden=hidden) for name, member in kept.items()}
    required = [name for name in rewritten.pop("required", ()) if name in kept or name not in properties]
    if required:
        rewritten["required"] = required


def _nullable(schema: Schema) -> Schema:
    if any(keyword in schema for keyword in ("allOf", "anyOf", "oneOf", "not")):
        return {"anyOf": [{"type": "null"}, schema]}
    if "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema


def faults(validator: Draft4Validator, value: Any) -> Errors:
    """What is wrong with `value`, each with a JSON pointer; empty when it is valid. No message repeats a
    value."""
    found = (fault for error in validator.iter_errors(value) for fault in _explained(error))
    return list(islice(found, _ERRORS_MAX))


def _explained(error: ValidationError) -> Iterable[dict[str, str]]:
    branches = getattr(error.kind, "context", None)
    if branches:
        likeliest = min(branches, key=_unlikeliness)
        if likeliest and max(len(inner.instance_path) for inner in likeliest) > len(error.instance_path):
            for inner in likeliest:
                yield from _explained(inner)
            return
        if said := _deciding(branches):
            yield {"pointer": json_pointer(error.instance_path), "message": said}
            return
    path = list(error.instance_path)
    if error.kind.name == "required":
        path.append(error.kind.property)  # type: ignore[attr-defined]
    yield {"pointer": json_pointer(path), "message": _message(error.kind)}


def _unlikeliness(branch: list[ValidationError]) -> tuple[int, int]:
    """A form whose own members were met and found wrong is the one that was meant, not one with foreign
    members."""
    strangers = sum(error.kind.name in ("additionalProperties", "required", "enum") for error in branch)
    return strangers, len(branch)


def _deciding(branches: list[list[ValidationError]]) -> str | None:
    """What makes a value one of the forms, when it has that of none, or of several; None where it is not one thing."""
    forms: list[list[Any]] = [[error.kind for error in branch] for branch in branches]
    missing = [[kind.property for kind in form if kind.name == "required"] for form in forms]
    if all(len(names) == 1 for names in missing):
        return f"must have {' or '.join(name for (name,) in missing)}"
    alone = [form[0] for form in forms if len(form) == 1]
    rules = {kind.name for kind in alone} if len(alone) == len(forms) else set()
    if rules == {"additionalProperties"}:
        foreign = [set(kind.unexpected) for kind in alone]
        several = sorted(set.union(*foreign) - set.intersection(*foreign))
        return (
            f"must have only one of {', '.join(several)}"
            if several and all(map(speakable, several))
            else None
        )
    said = {_message(kind) for kind in alone}
    return said.pop() if rules == {"type"} and len(said) == 1 else None


def json_pointer(path: Iterable[str | int]) -> str:
    """RFC 6901, but a member name that could hold a number or key of a client is shown as `*`."""
    return "".join(f"/{_segment(segment)}" for segment in path)


def _segment(segment: str | int) -> str:
    if isinstance(segment, str) and (len(segment) > _SEGMENT_LENGTH_MAX or find_card_number(segment)):
        return "*"
    text = str(segment)
    return text.replace("~", "~0").replace("/", "~1") if text.isprintable() else "*"


def _message(kind: Any) -> str:
    """The rule that was broken, in words. Limits and options come from the contract and may be shown."""
    name = kind.name
    if name == "type":
        return f"must be of type {' or '.join(kind.types)}"
    if name == "enum":
        return "must be one of " + ", ".join(
            "null" if option is None else str(option) for option in kind.options
        )
    if name == "additionalProperties":
        named = [member for member in kind.unexpected if speakable(member)]
        return "has members that are not known" + (f": {', '.join(named)}" if named else "")
    wording = _WORDINGS.get(name)
    return wording.format(rule=kind.value) if wording else "is not valid"


_WORDINGS = {
    "required": "is required",
    "minimum": "must be at least {rule}",
    "maximum": "must be at most {rule}",
    "exclusiveMinimum": "must be above {rule}",
    "exclusiveMaximum": "must be below {rule}",
    "multipleOf": "must be a multiple of {rule}",
    "minLength": "must have at least {rule} characters",
    "maxLength": "must have at most {rule} characters",
    "minItems": "must have at least {rule} items",
    "maxItems": "must have at most {rule} items",
    "uniqueItems": "must not repeat an item",
    "minProperties": "must have at least {rule} members",
    "maxProperties": "must have at most {rule} members",
    "pattern": "must match {rule}",
    "format": "must be a valid {rule}",
    "oneOf": "must have exactly one of the forms in the contract",
    "anyOf": "must have one of the forms in the contract",
    "not": "must not have this form",
}
