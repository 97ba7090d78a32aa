"""Ids carry a prefix, sort by the time they were made, and never repeat."""

import random
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from payrail.runtime.clock import FrozenClock
from payrail.runtime.ids import IdSource, time_digits

AT = datetime(2025, 1, 1, tzinfo=UTC)


def test_an_id_is_its_prefix_and_26_digits_of_base_32() -> None:
    assert re.fullmatch(r"pay_[0-9A-HJKMNP-TV-Z]{26}", IdSource(FrozenClock(), random.Random(1)).new("pay"))


def test_the_first_ten_digits_are_the_time() -> None:
    clock = FrozenClock(AT)
    assert IdSource(clock, random.Random(1)).new("pay").startswith(f"pay_{time_digits(clock.now_ms())}")


def test_the_time_is_encoded_as_the_ulid_specification_has_it() -> None:
    assert time_digits(0) == "0" * 10
    assert time_digits(1_469_918_176_385) == "01ARYZ6S41"


def test_no_id_holds_digits_enough_for_a_card_number() -> None:
    source = IdSource(FrozenClock(AT), random.Random(7))
    assert all(
        re.fullmatch(r"[a-z]+_[0-9A-HJKMNP-TV-Z]{10}[G-Z]{16}", source.new("tok")) for _ in range(1000)
    )


def test_a_millisecond_that_is_full_goes_on_in_the_next() -> None:
    class Highest(random.Random):
        def getrandbits(self, k: int, /) -> int:
            return (1 << k) - 1

    clock = FrozenClock(AT)
    source = IdSource(clock, Highest())
    ids = [source.new("pay") for _ in range(3)]
    assert ids == sorted(set(ids))
    assert [one[4:14] for one in ids] == [time_digits(clock.now_ms() + ms) for ms in range(3)]


def test_ids_of_one_millisecond_sort_in_the_order_they_were_made_and_are_no_neighbours() -> None:
    source = IdSource(FrozenClock(AT), random.Random(7))
    ids = [source.new("pay") for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert all(a[:-2] != b[:-2] for a, b in pairwise(ids))


@given(st.lists(st.integers(-5_000, 5_000), max_size=50), st.integers())
def test_ids_sort_as_made_even_when_the_clock_is_set_back(moves_ms: list[int], seed: int) -> None:
    clock = FrozenClock(AT)
    source = IdSource(clock, random.Random(seed))
    ids = []
    for move_ms in moves_ms:
        clock.advance(timedelta(milliseconds=move_ms))
        ids.append(source.new("evt"))
    assert ids == sorted(set(ids))


def test_the_same_seed_and_clock_give_the_same_ids() -> None:
    first, second = (IdSource(FrozenClock(AT), random.Random(42)) for _ in range(2))
    assert [first.new("le") for _ in range(20)] == [second.new("le") for _ in range(20)]
