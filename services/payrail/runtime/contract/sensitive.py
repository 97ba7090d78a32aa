"""Finds card numbers in a request body, everywhere but where the contract lets them stand."""

import re
from collections.abc import Iterator
from typing import Any

from payrail.runtime.card_numbers import DIGITS_MIN, find_card_number

from .schemas import Schema, json_pointer

_EXEMPT_FORMATS = frozenset({"card-number", "cvc"})
# An id of prefix and 26 characters of Crockford's base 32: what matches it whole is no card number.
_ID_PATTERN = re.compile(r"\^[a-z_]+\[0-9A-HJKMNP-TV-Z\]\{26\}\$")


def id_pattern(schema: Schema) -> re.Pattern[str] | None:
    """The pattern of an id that need not be searched, or None if strings of this schema are searched."""
    pattern = schema.get("pattern", "")
    return re.compile(pattern) if _ID_PATTERN.fullmatch(pattern) else None


class BodyRule:
    """Which strings below one place of a body are exempt from the search. Compiled once for each
    operation."""

    __slots__ = ("exempt", "ids", "items", "members", "others")

    def __init__(self, schema: Schema) -> None:
        self.exempt = False
        self.ids: list[re.Pattern[str]] = []
        self.members: dict[str, BodyRule] = {}
        self.items: BodyRule | None = None
        self.others: BodyRule | None = None
        for form in _forms(schema):
            self._learn(form)

    def _learn(self, form: Schema) -> None:
        self.exempt |= form.get("format") in _EXEMPT_FORMATS
        pattern = id_pattern(form)
        if pattern:
            self.ids.append(pattern)
        for name, member in form.get("properties", {}).items():
            self.members[name] = _either(self.members.get(name), member)
        if "items" in form:
            self.items = _either(self.items, form["items"])
        if isinstance(form.get("additionalProperties"), dict):
            self.others = _either(self.others, form["additionalProperties"])


def _either(known: BodyRule | None, schema: Schema) -> BodyRule:
    if known is None:
        return BodyRule(schema)
    for form in _forms(schema):
        known._learn(form)  # noqa: SLF001 - the same class: two forms of a oneOf share one rule
    return known


def _forms(schema: Schema) -> Iterator[Schema]:
    yield schema
    for keyword in ("allOf", "anyOf", "oneOf"):
        for member in schema.get(keyword, ()):
            yield from _forms(member)


NO_RULE = BodyRule({})


def find_in_body(value: Any, rule: BodyRule = NO_RULE) -> list[str | int] | None:
    """The path to the first card number that stands where none may, or None.

    Member names are searched too, and numbers where the contract leaves the type open.
    """
    kind = type(value)
    if kind is dict:
        return _find_in_object(value, rule)
    if kind is str:
        return [] if len(value) >= DIGITS_MIN and _refused(value, rule) else None
    if kind is list:
        for position, item in enumerate(value):
            inner = find_in_body(item, rule.items or NO_RULE)
            if inner is not None:
                return [position, *inner]
    elif rule is NO_RULE and kind in (int, float):
        return [] if find_card_number(str(int(value))) else None
    return None


def _find_in_object(value: dict[str, Any], rule: BodyRule) -> list[str | int] | None:
    for name, member in value.items():
        if len(name) >= DIGITS_MIN and find_card_number(name):
            return ["*"]
        if type(member) is str and len(member) < DIGITS_MIN:
            continue  # Most members are, and too short.
        inner = find_in_body(member, rule.members.get(name) or rule.others or NO_RULE)
        if inner is not None:
            return [name, *inner]
    return None


def _refused(text: str, rule: BodyRule) -> bool:
    if rule.exempt or not find_card_number(text):
        return False
    return not any(pattern.fullmatch(text) for pattern in rule.ids)


def sensitive_pointer(value: Any, rule: BodyRule) -> str | None:
    """The JSON pointer of a card number in a parsed body that stands where none may, or None."""
    path = find_in_body(value, rule)
    return None if path is None else json_pointer(path)
