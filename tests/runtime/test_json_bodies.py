"""Bodies are read strictly, and the quick looks at them never decide otherwise than the close ones."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from payrail.runtime.card_numbers import DIGITS_MIN, find_card_number, may_hold_card_number
from payrail.runtime.contract.json_bodies import parse_json
from payrail.runtime.problems import Problem

names = st.sampled_from(["a", "b", ":", '":"', "\\", "é", "{"])
scalars = st.none() | st.booleans() | st.integers(-9, 99) | st.sampled_from([1.0, 1e3, -0.0]) | names


def written(value: Any, compact: bool) -> str:
    """JSON text in which a list of pairs becomes an object, equal names included."""
    gap = "" if compact else " "
    if isinstance(value, list):
        return f"[{f',{gap}'.join(written(item, compact) for item in value)}]"
    if isinstance(value, tuple):
        members = (f"{json.dumps(name)}:{gap}{written(member, compact)}" for name, member in value)
        return "{" + f",{gap}".join(members) + "}"
    return json.dumps(value, ensure_ascii=False)


documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(names, inner), max_size=3).map(tuple),
    max_leaves=12,
)


def repeats_a_name(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise RecursionError
    return dict(pairs)


@given(documents, st.booleans())
@example(((("a", 1), ("a", 1))), True)
@example([(("a", 1),), (("a", ":"), ("a", ":"))], True)
@settings(max_examples=500)
def test_an_object_that_names_a_member_twice_is_refused_however_it_is_written(
    document: Any,
    compact: bool,
) -> None:
    text = written(document, compact)
    try:
        expected = json.loads(text, object_pairs_hook=repeats_a_name)
    except RecursionError:
        with pytest.raises(Problem) as refusal:
            parse_json(text.encode())
        assert refusal.value.code == "malformed_json"
    else:
        assert parse_json(text.encode()) == expected


@given(st.text("0123456789 -x:,", max_size=60), st.booleans())
@example("4242 - 4242 - 4242 - 4242", False)
@example("4242424242424242", True)
@example("0000000000000", True)
@settings(max_examples=500)
def test_no_card_number_escapes_the_quick_look(text: str, as_number: bool) -> None:
    number = int(text) if as_number and text.isdecimal() else 2**64
    value: Any = number if number < 2**64 else text
    raw, written = orjson.dumps({"note": value}), str(value)  # A number is written without zeros before it.
    if find_card_number(written):
        assert may_hold_card_number(raw)
    if sum(map(str.isdigit, written)) < DIGITS_MIN:
        assert not may_hold_card_number(raw)
