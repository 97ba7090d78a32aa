"""How the providers did lately, folded from the ledger's attempts."""

from payrail.gateway.domain.outcomes import Answer, Approved, Declined, NotProcessed, Unknown
from payrail.gateway.domain.provider_health import RECENT_CALLS_MAX, RecentCalls, recent_calls
from payrail.ledger.payment_events import Decline
from stand_ins.memory_journal import MemoryJournal
from stand_ins.payments import Desk, pay

BOTH = ("providerA", "providerB")


def test_a_provider_that_was_never_called_has_no_figures() -> None:
    assert recent_calls([], BOTH)["providerB"] == RecentCalls(0, None, None, None, None)


def test_declines_are_answers_and_lost_or_refused_calls_are_not() -> None:
    desk = Desk(MemoryJournal())
    answers: list[Answer] = [
        Approved("pi_1", latency_ms=10),
        Declined(Decline("lost_card", "no"), latency_ms=20),
        Unknown("timeout", latency_ms=1_000),
        NotProcessed("provider_error", latency_ms=30),
        NotProcessed("breaker_open"),
    ]
    for number, answer in enumerate(answers):
        desk.create(pay(number))
        desk.begin_authorization(pay(number))
        desk.record_authorization(pay(number), answer, go_on=False)
    desk.create(pay(9))
    desk.begin_authorization(pay(9))  # Nobody knows yet what comes of it.
    calls = recent_calls(reversed(desk.journal.state.payments.values()), BOTH)
    assert calls["providerA"] == RecentCalls(4, 0.5, 0.5, 20, 1_000)


def test_only_the_latest_calls_count() -> None:
    desk = Desk(MemoryJournal())
    old = desk.authorized(pay(1))
    desk.create(pay(2))
    desk.begin_authorization(pay(2))
    new = desk.record_authorization(pay(2), Unknown("timeout"))
    calls = recent_calls([*[new] * RECENT_CALLS_MAX, old], BOTH)
    assert (calls["providerA"].calls, calls["providerA"].success_rate) == (RECENT_CALLS_MAX, 0)
