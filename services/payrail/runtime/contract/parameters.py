"""Path, query and header parameters: text in, values of the contract's types out, or a Problem."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from jsonschema_rs import Draft4Validator

from payrail.runtime.card_numbers import find_card_number
from payrail.runtime.problems import Problem

from . import refusals
from .schemas import KEYWORDS, Schema, SchemaCompiler, faults
from .sensitive import id_pattern

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?")
# Visible ASCII and spaces with too few digits for a card number.
_HARMLESS = re.compile(r"(?:[ -/:-~]*+[0-9]){0,12}[ -/:-~]*+")
_QUERY_FIELDS_MAX = 200
_TEXT_LENGTH_MAX = 8192
_HEADERS_OF_THE_RUNTIME = frozenset(
    {"x-correlation-id", "traceparent", "accept", "content-type", "authorization"}
)
_UNSET = object()


class Parameter:
    """One parameter, compiled. `kind` is Path, Query or Header, for messages."""

    __slots__ = (
        "_coerce",
        "_id",
        "_only_id",
        "_split",
        "_validator",
        "default",
        "key",
        "kind",
        "lower_name",
        "missing_code",
        "name",
        "repeats",
    )

    def __init__(self, definition: dict[str, Any], compiler: SchemaCompiler) -> None:
        schema: Schema = definition["schema"]
        self.name: str = definition["name"]
        self.kind: str = definition["in"].capitalize()
        self.lower_name = self.name.lower()
        self.key = self.lower_name.encode("ascii")
        self.missing_code: str | None = None
        if definition.get("required"):
            self.missing_code = definition.get("x-missing-code", "invalid_header")
        self.default = schema.get("default", _UNSET)
        self.repeats = schema.get("type") == "array"
        self._split = self.repeats and not definition.get("explode", self.kind == "Query")
        item = schema["items"] if self.repeats else schema
        self._coerce = _COERCIONS[item["type"]]
        self._id = id_pattern(item)
        self._only_id = self._id if schema.keys() & KEYWORDS == {"type", "pattern"} else None
        self._validator: Draft4Validator = compiler.request(schema)

    def value(self, texts: Sequence[str]) -> Any:
        """The value of this parameter's texts. Raises a Problem: invalid_encoding, sensitive_data or
        invalid_…."""
        if self.repeats:
            value = [self._one(text) for text in (texts[0].split(",") if self._split else texts)]
        elif len(texts) == 1:
            return self.single(texts[0])
        else:
            raise self.refusal("stands more than once")
        return self._valid(value)

    def single(self, text: str) -> Any:
        """The value of one text. An id of which the contract says no more than its pattern needs no further look."""
        if self._only_id is not None and self._only_id.fullmatch(text):
            return text
        return self.value((text,)) if self.repeats else self._valid(self._one(text))

    def _valid(self, value: Any) -> Any:
        if not self._validator.is_valid(value):
            raise self.refusal(faults(self._validator, value)[0]["message"])
        return value

    def _one(self, text: str) -> Any:
        if _HARMLESS.fullmatch(text) and len(text) <= _TEXT_LENGTH_MAX:
            return text if self._coerce is str else self._coerced(text)
        if len(text) > _TEXT_LENGTH_MAX:
            raise self.refusal(f"must have at most {_TEXT_LENGTH_MAX} characters")
        if "\x00" in text:
            raise refusals.invalid_encoding(f"{self.kind} parameter {self.name}")
        if find_card_number(text) and not (self._id and self._id.fullmatch(text)):
            raise refusals.sensitive_data(f"{self.kind} parameter {self.name}", self.name)
        return self._coerced(text)

    def _coerced(self, text: str) -> Any:
        try:
            return self._coerce(text)
        except ValueError as error:
            raise self.refusal(str(error)) from None

    def refusal(self, message: str, code: str | None = None) -> Problem:
        if self.kind == "Header":
            return refusals.invalid_header(self.name, message, code or "invalid_header")
        return refusals.invalid_parameter(self.kind, self.name, message)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("must be of type integer")
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be of type number")
    return float(text)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


_COERCIONS: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


class Parameters:
    """All parameters of one operation."""

    def __init__(self, definitions: Sequence[dict[str, Any]], compiler: SchemaCompiler) -> None:
        compiled = [Parameter(d, compiler) for d in definitions if not _served_by_the_runtime(d)]
        self._path = {p.name: p for p in compiled if p.kind == "Path"}
        self._query = {p.name: p for p in compiled if p.kind == "Query"}
        self._headers = [p for p in compiled if p.kind == "Header"]
        self._required = [p for p in self._query.values() if p.missing_code]
        self._defaults = {p.name: p.default for p in self._query.values() if p.default is not _UNSET}
        if any(p.kind == "Cookie" for p in compiled):
            raise ValueError("cookie parameters are not supported")

    def path(self, names: Sequence[str], segments: Sequence[bytes]) -> dict[str, Any]:
        """The values of the path's parameters, in the order of the path's template."""
        values = {}
        for name, segment in zip(names, segments, strict=True):
            try:
                text = segment.decode()
            except UnicodeDecodeError:
                raise refusals.invalid_encoding(f"Path parameter {name}") from None
            values[name] = self._path[name].single(text)
        return values

    def query(self, raw: bytes) -> dict[str, Any]:
        """The values of a query string, defaults filled in."""
        values = dict(self._defaults)
        if raw:
            for name, texts in _query_fields(raw).items():
                parameter = self._query.get(name)
                if parameter is None:
                    raise _stranger(name)
                values[name] = parameter.value(texts)
        for parameter in self._required:
            if parameter.name not in values:
                raise parameter.refusal("is required")
        return values

    def headers(self, received: Mapping[bytes, bytes], repeated: frozenset[bytes]) -> dict[str, Any]:
        """The values of the contract's headers, by lower-case name. A header that stands twice is refused."""
        values = {}
        for parameter in self._headers:
            raw = received.get(parameter.key)
            if raw is not None:
                if parameter.key in repeated:
                    raise parameter.refusal("stands more than once")
                text = raw.decode("ascii") if raw.isascii() else _header_text(parameter, raw)
                values[parameter.lower_name] = parameter.single(text)
            elif parameter.missing_code:
                raise parameter.refusal("is required", parameter.missing_code)
            elif parameter.default is not _UNSET:
                values[parameter.lower_name] = parameter.default
        return values


def _served_by_the_runtime(definition: dict[str, Any]) -> bool:
    """Whether a header parameter is there for the document only: the runtime reads it in its own way."""
    return definition["in"] == "header" and definition["name"].lower() in _HEADERS_OF_THE_RUNTIME


def _header_text(parameter: Parameter, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise refusals.invalid_encoding(f"Header {parameter.name}") from None


def _query_fields(raw: bytes) -> dict[str, list[str]]:
    try:
        pairs = parse_qsl(
            raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_QUERY_FIELDS_MAX
        )
    except UnicodeDecodeError:
        raise refusals.invalid_encoding("The query") from None
    except ValueError:
        raise refusals.invalid_parameter("Query", "string", "has too many fields") from None
    fields: dict[str, list[str]] = {}
    for name, text in pairs:
        fields.setdefault(name, []).append(text)
    return fields


def _stranger(name: str) -> Problem:
    if "\x00" in name:
        return refusals.invalid_encoding("The query")
    if find_card_number(name):
        return refusals.sensitive_data("The query", "query")
    return refusals.unknown_parameter(name)
