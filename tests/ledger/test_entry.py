"""A line is its entry and nothing else: what is sealed comes back, and what is changed does not."""

from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payrail.ledger.entry import GENESIS, Actor, BrokenLine, Claim, Draft, Entry, seal, unseal
from payrail.ledger.entry_types import DECODERS
from payrail.ledger.payment_events import PAYMENT_EVENTS
from payrail.ledger.postings import transfer
from stand_ins.payments import ORIGIN, terms

# JSON's own traps: quotes, backslashes, control characters, what lies beyond ASCII; no surrogates, which are no text.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _values(kind: Any) -> st.SearchStrategy[Any]:
    """Every value of a field's type; structs are built field by field."""
    if kind is str:
        return TEXTS
    if kind is int:
        return st.integers(-(2**53), 2**53)
    if kind is bool:
        return st.booleans()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = msgspec.structs.fields(kind)
        return st.builds(kind, **{field.name: _values(field.type) for field in fields})
    return _generic_values(kind)


def _generic_values(kind: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(TEXTS, TEXTS, max_size=3)
    if origin is Literal:
        return st.sampled_from(arguments)
    return st.one_of(*(st.none() if part is type(None) else _values(part) for part in arguments))


DATA = st.sampled_from(sorted(PAYMENT_EVENTS)).flatmap(
    lambda name: st.tuples(st.just(name), _values(PAYMENT_EVENTS[name]))
)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    name, data = draw(DATA)
    claim = draw(
        st.none() | st.builds(Claim, TEXTS, TEXTS, TEXTS, TEXTS, st.sampled_from(["claimed", "finished"]))
    )
    postings = transfer("bank", "suspense", draw(st.integers(0, 10**11)), "USD")
    actor = Actor(draw(TEXTS), "operator")
    return Draft(
        draw(st.sampled_from(["payments", "refunds", "disputes"])), draw(TEXTS), name, draw(st.integers(1, 99)), data,
        actor, draw(TEXTS), ORIGIN.at, postings, claim,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(PAYMENT_EVENTS))
def test_every_entry_type_can_be_sealed_and_read_again(name: str) -> None:
    @settings(max_examples=25)
    @given(_values(PAYMENT_EVENTS[name]))
    def come_back(data: msgspec.Struct) -> None:
        draft = Draft("payments", "pay_1", name, 1, data, ORIGIN.actor, "cor-1", ORIGIN.at)
        entry, line = seal(draft, seq=1, entry_id="le_1", prev=GENESIS)
        assert unseal(line.removesuffix(b"\n"), DECODERS) == entry

    come_back()


@given(drafts(), st.integers(1, 2**53), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_what_is_sealed_comes_back_whole(draft: Draft, seq: int, prev: str) -> None:
    entry, line = seal(draft, seq=seq, entry_id="le_1", prev=prev)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert unseal(line[:-1], DECODERS) == entry
    assert (entry.seq, entry.prev, entry.data) == (seq, prev, draft.data)
    members = list(msgspec.json.decode(line))
    assert members == list(Entry.__struct_fields__), "the members of a line and their order are the format"


@given(drafts(), st.data())
def test_a_line_with_any_byte_changed_is_broken(draft: Draft, data: st.DataObject) -> None:
    _entry, line = seal(draft, seq=1, entry_id="le_1", prev=GENESIS)
    position = data.draw(st.integers(0, len(line) - 2))
    changed = bytearray(line[:-1])
    changed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BrokenLine, match="hash"):
        unseal(bytes(changed), DECODERS)


@given(drafts(), st.data())
def test_a_line_that_is_cut_or_extended_is_broken(draft: Draft, data: st.DataObject) -> None:
    _entry, line = seal(draft, seq=1, entry_id="le_1", prev=GENESIS)
    length = data.draw(st.integers(0, len(line) - 2))
    for changed in (line[:length], line[: len(line) - 1] + b" ", b" " + line[:-1]):
        with pytest.raises(BrokenLine):
            unseal(changed, DECODERS)


def test_a_line_with_a_right_hash_that_is_no_entry_is_broken() -> None:
    draft = Draft("payments", "pay_1", "payment.created", 1, terms(), ORIGIN.actor, "cor-1", ORIGIN.at)
    _entry, line = seal(
        msgspec.structs.replace(draft, type="payment.invented"), seq=1, entry_id="le_1", prev=GENESIS
    )
    with pytest.raises(BrokenLine, match="invented"):
        unseal(line[:-1], DECODERS)
    _entry, line = seal(
        msgspec.structs.replace(draft, type="payment.authorized"), seq=1, entry_id="le_1", prev=GENESIS
    )
    with pytest.raises(BrokenLine, match="not a ledger entry"):
        unseal(line[:-1], DECODERS)


def test_the_same_draft_at_another_place_has_another_hash() -> None:
    draft = Draft("payments", "pay_1", "payment.created", 1, terms(), ORIGIN.actor, "cor-1", ORIGIN.at)
    hashes = {
        seal(draft, seq=seq, entry_id=entry_id, prev=prev)[0].hash
        for seq in (1, 2)
        for entry_id in ("le_1", "le_2")
        for prev in (GENESIS, "a" * 64)
    }
    assert len(hashes) == 8
