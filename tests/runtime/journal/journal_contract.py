"""What every implementation of the `Journal` port promises, as one suite that each of them inherits.

A subclass gives the fixture `journal`: an empty, open one.
"""

import asyncio

import pytest

from payrail.gateway.domain import operations, payments
from payrail.gateway.domain.idempotency import Earlier
from payrail.gateway.domain.origin import Reserved
from payrail.ledger.entry import BOOKS, GENESIS, Draft, Entry
from payrail.ledger.state import Committed, LedgerState, OutOfOrder
from payrail.ledger.transitions import InvalidTransition
from payrail.runtime.journal import Journal
from stand_ins.payments import ORIGIN, claim, created, in_book, pay


class Refused(Exception):
    """A refusal of a decision of these tests."""


def require_unbroken(entries: list[Entry]) -> None:
    """The sequence has no gap and every entry seals the one before it."""
    prev = GENESIS
    for number, entry in enumerate(entries, start=1):
        assert entry.seq == number
        assert entry.prev == prev
        prev = entry.hash


class JournalContract:
    """The promises of `append`, `catch_up`, `read`, `tail` and `state`."""

    async def test_an_appended_entry_is_committed_folded_and_readable(self, journal: Journal) -> None:
        result = await journal.append("payments", created(pay(1)))
        assert isinstance(result, Committed)
        assert (result.entry.seq, result.entry.entity, result.entry.version) == (1, pay(1), 1)
        assert result.payment is not None
        assert result.payment.state == "CREATED"
        assert journal.state.payments[pay(1)] == result.payment
        assert journal.read(pay(1)) == [result.entry]
        assert journal.sound

    async def test_a_decision_that_appends_nothing_hands_back_what_it_found(self, journal: Journal) -> None:
        assert await journal.append("payments", lambda state: ("seen", len(state.payments))) == ("seen", 0)
        assert list(journal.tail(0)) == []

    async def test_a_refusal_is_raised_and_leaves_nothing_behind(self, journal: Journal) -> None:
        def refuse(_state: LedgerState) -> Draft:
            raise Refused

        with pytest.raises(Refused):
            await journal.append("payments", refuse)
        assert list(journal.tail(0)) == []
        assert isinstance(await journal.append("payments", created(pay(1))), Committed)

    async def test_a_version_that_is_not_the_next_is_refused(self, journal: Journal) -> None:
        committed = await journal.append("payments", created(pay(1)))
        assert isinstance(committed, Committed)

        def stale(_state: LedgerState) -> Draft:
            entry = committed.entry
            return Draft(
                "payments", pay(1), entry.type, 1, entry.data, entry.actor, entry.correlation_id, entry.at
            )

        with pytest.raises(OutOfOrder):
            await journal.append("payments", stale)
        assert len(list(journal.tail(0))) == 1

    async def test_an_entry_that_the_fold_refuses_is_not_appended(self, journal: Journal) -> None:
        def out_of_nothing(_state: LedgerState) -> Draft:
            draft = created(pay(1))(LedgerState())
            assert isinstance(draft, Draft)
            return Draft(
                "payments",
                pay(9),
                "payment.authorized",
                1,
                draft.data,
                draft.actor,
                draft.correlation_id,
                draft.at,
            )

        with pytest.raises(InvalidTransition):
            await journal.append("payments", out_of_nothing)
        assert list(journal.tail(0)) == []

    async def test_concurrent_appends_to_all_books_make_one_sequence_without_a_gap(
        self, journal: Journal
    ) -> None:
        results = await asyncio.gather(
            *(journal.append(BOOKS[n % 3], in_book(BOOKS[n % 3], created(pay(n)))) for n in range(60))
        )
        assert all(isinstance(result, Committed) for result in results)
        entries = list(journal.tail(0))
        assert len(entries) == 60
        require_unbroken(entries)
        assert {entry.entity for entry in entries} == {pay(n) for n in range(60)}

    async def test_of_concurrent_requests_with_one_key_one_appends_and_the_others_find_it(
        self, journal: Journal
    ) -> None:
        results = await asyncio.gather(
            *(journal.append("payments", created(pay(n), key="the-key")) for n in range(20))
        )
        committed = [result for result in results if isinstance(result, Committed)]
        assert len(committed) == 1
        for result in results:
            if not isinstance(result, Committed):
                assert isinstance(result, Earlier)
                assert result.held.answered_by == committed[0].entry.seq
        held = journal.state.claims[claim("POST /payments", "the-key").scope]
        assert held.entity == committed[0].entry.entity

    async def test_what_an_append_committed_is_seen_by_the_next_decision(self, journal: Journal) -> None:
        seen: list[int] = []

        def count_and_create(number: int) -> object:
            def decide(state: LedgerState) -> object:
                seen.append(sum(state.latest_payment(pay(n)) is not None for n in range(30)))
                return created(pay(number))(state)

            return decide

        await asyncio.gather(
            *(journal.append("payments", count_and_create(n)) for n in range(30))  # type: ignore[arg-type]
        )
        assert seen == list(range(30))

    async def test_read_gives_one_entity_up_to_a_sequence_number(self, journal: Journal) -> None:
        for number in (1, 2):
            await journal.append("payments", created(pay(number)))
        await journal.append("payments", _cancel(1))
        assert [(e.seq, e.type) for e in journal.read(pay(1))] == [
            (1, "payment.created"),
            (3, "payment.canceled"),
        ]
        assert [entry.seq for entry in journal.read(pay(1), up_to_seq=2)] == [1]
        assert [entry.seq for entry in journal.read(pay(1), up_to_seq=3)] == [1, 3]
        assert journal.read(pay(99)) == []

    async def test_tail_gives_what_follows_in_order(self, journal: Journal) -> None:
        for number in range(1, 5):
            await journal.append("payments", created(pay(number)))
        assert [entry.seq for entry in journal.tail(2)] == [3, 4]
        assert list(journal.tail(4)) == []

    async def test_catching_up_with_nobody_changes_nothing(self, journal: Journal) -> None:
        await journal.append("payments", created(pay(1)))
        before = dict(journal.state.payments)
        await journal.catch_up()
        assert journal.state.payments == before

    async def test_a_cancelled_caller_does_not_take_its_command_back(self, journal: Journal) -> None:
        caller = asyncio.create_task(journal.append("payments", created(pay(1))))
        await asyncio.sleep(0)
        following = asyncio.create_task(journal.append("payments", created(pay(2))))
        await asyncio.sleep(0)
        caller.cancel()
        assert isinstance(await following, Committed)
        entries = list(journal.tail(0))
        require_unbroken(entries)
        assert pay(2) in {entry.entity for entry in entries}
        assert await journal.append("payments", lambda state: set(state.payments)) == {
            e.entity for e in entries
        }

    async def test_a_follower_takes_what_is_wanted_in_order_with_its_things_as_of_then(
        self, journal: Journal
    ) -> None:
        await journal.append("payments", created(pay(1)))
        await journal.append("payments", _cancel(1))
        news: list[int] = []
        follower = journal.follow(0, lambda entry: True, lambda: news.append(1))
        assert [_seen(one) for one in await follower.take()] == [(1, "CREATED"), (2, "CANCELED")]
        assert await follower.take() == []
        await journal.append("payments", created(pay(2)))
        await journal.append("payments", _cancel(2))
        await journal.catch_up()
        assert news
        assert [_seen(one) for one in await follower.take()] == [(3, "CREATED"), (4, "CANCELED")]
        assert (follower.seq, follower.behind) == (4, 0)
        follower.close()

    async def test_a_follower_gives_again_what_its_owner_could_not_use(self, journal: Journal) -> None:
        await journal.append("payments", created(pay(1)))
        follower = journal.follow(0, lambda entry: True, lambda: None)
        first = await follower.take()
        await journal.append("payments", _cancel(1))
        await journal.append("payments", created(pay(2)))
        await journal.catch_up()
        assert len(await follower.take()) == 2
        follower.go_back(first[-1].entry.seq)
        await journal.append("payments", _cancel(2))
        await journal.catch_up()
        again = [*await follower.take(), *await follower.take()]
        assert [_seen(one) for one in again] == [(2, "CANCELED"), (3, "CREATED"), (4, "CANCELED")]
        follower.close()

    async def test_a_follower_that_begins_in_the_middle_misses_and_repeats_nothing(
        self, journal: Journal
    ) -> None:
        for number in range(1, 4):
            await journal.append("payments", created(pay(number)))
        follower = journal.follow(2, lambda entry: entry.seq % 2 == 1, lambda: None)
        await journal.append("payments", created(pay(4)))
        await journal.append("payments", created(pay(5)))
        await journal.catch_up()
        taken = [*await follower.take(), *await follower.take()]
        assert [_seen(one)[0] for one in taken] == [3, 5]
        assert follower.seq == 5
        follower.close()
        await journal.append("payments", created(pay(6)))
        await journal.catch_up()
        assert follower.behind == 0


def _seen(committed: Committed) -> tuple[int, str]:
    return committed.entry.seq, committed.subject.state


def _cancel(number: int) -> payments.Begin:
    return operations.begin_cancel(
        pay(number),
        claim(f"POST /payments/{pay(number)}/cancel", "c"),
        Reserved("att_1", "p"),
        ORIGIN,
    )
