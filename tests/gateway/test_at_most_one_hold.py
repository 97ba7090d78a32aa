"""At most one live hold per payment: every way in which the wire can fail, times every moment of a late arrival.

Each case is one payment from its authorization to its end, by a caller who retries or by the resolver alone. Nothing
here is drawn at random; the cases are all there are.
"""

import asyncio
import itertools
from pathlib import Path
from typing import get_args

import pytest
from shop import Shop

from payrail.cli.verification.chain import Placed
from payrail.cli.verification.findings import Report
from payrail.cli.verification.folds import Folds
from payrail.gateway.domain.errors import IdempotencyInProgress
from stand_ins.scripted_providers import Wire

WIRES = tuple(wire for wire in get_args(Wire) if wire != "hang")
REVERSAL_WIRES = tuple(wire for wire in WIRES if wire != "contradicts")  # A reversal names no amount.
FATES = ("approved", "generic_decline", "lost_card")
ENDS = ("AUTHORIZED", "DECLINED", "FAILED")
ROUNDS_MAX = 12
CALLS_MAX = 7


async def _settle(shop: Shop, payment_id: str, *, retries: bool) -> None:
    """What happens until the payment is settled: the same request again, or the resolver's rounds."""
    for _ in range(ROUNDS_MAX):
        if shop.payment(payment_id).pending is None:
            return
        if retries:
            await shop.authorize(payment_id, key="k")
        else:
            await shop.resolve()
    raise AssertionError(f"still {shop.payment(payment_id).state} after {ROUNDS_MAX} rounds")


def _judge(shop: Shop, payment_id: str) -> None:
    payment = shop.payment(payment_id)
    live = shop.providers.live_holds(payment_id)
    assert shop.providers.live_max <= 1
    assert payment.state in ENDS
    assert live == ([payment.provider] if payment.state == "AUTHORIZED" else [])
    report = Report()
    folds = Folds(report)
    for number, entry in enumerate(shop.memory.entries, start=1):
        folds.fold(Placed(entry, "memory", number), incomplete=False)
    folds.finish()
    assert report.findings == []
    assert report.notes == []


@pytest.mark.parametrize("first", WIRES)
@pytest.mark.parametrize("retries", [True, False], ids=["retries", "resolver"])
async def test_in_every_case_at_most_one_hold_lives(tmp_path: Path, first: Wire, *, retries: bool) -> None:
    ended: set[str] = set()
    fates, arrivals = (FATES[:2], range(1, CALLS_MAX)) if first == "late" else (FATES, (0,))
    cases = itertools.product(WIRES, WIRES[:3], REVERSAL_WIRES, fates, fates, arrivals)
    for number, (second, inquiry, reversal, fate_a, fate_b, arrives) in enumerate(cases):
        shop = Shop(tmp_path)
        shop.providers.fates = {"providerA": fate_a, "providerB": fate_b}
        shop.providers.script("authorize", first, second)
        shop.providers.script("inquire", inquiry, "answered", inquiry)
        shop.providers.script("reverse", reversal, "answered", reversal)

        def arrive_before_that_call(shop: Shop = shop, arrives: int = arrives) -> None:
            if len(shop.providers.calls) == arrives:
                shop.providers.deliver()

        shop.providers.before_call = arrive_before_that_call
        payment_id = await shop.new_payment()
        await shop.authorize(payment_id, key="k")
        await _settle(shop, payment_id, retries=retries)
        shop.providers.deliver()
        try:
            _judge(shop, payment_id)
        except AssertionError as error:
            case = (first, second, inquiry, reversal, fate_a, fate_b, arrives)
            raise AssertionError(f"case {number} {case}: {shop.providers.calls}") from error
        ended.add(shop.payment(payment_id).state)
        shop.leases.close()
    assert "AUTHORIZED" in ended
    assert "DECLINED" in ended


@pytest.mark.parametrize("first", [wire for wire in WIRES if wire not in ("answered", "not_processed")])
async def test_a_resolver_and_a_retry_at_once_make_no_second_hold(tmp_path: Path, first: Wire) -> None:
    for second, inquiry, reversal, fate in itertools.product(WIRES, WIRES[:3], REVERSAL_WIRES, FATES):
        shop = Shop(tmp_path)
        shop.providers.fates = {"providerA": fate}
        shop.providers.script("authorize", first, second)
        shop.providers.script("inquire", "lost_before", inquiry)
        shop.providers.script("reverse", reversal)
        payment_id = await shop.new_payment()
        await shop.authorize(payment_id, key="k")
        results = await asyncio.gather(
            shop.resolve(),
            shop.authorize(payment_id, key="k"),
            shop.successor().resolve(),
            shop.authorize(payment_id, key="k"),
            return_exceptions=True,
        )
        shop.providers.deliver()
        for result in results:
            assert not isinstance(result, BaseException) or isinstance(result, IdempotencyInProgress), result
        await _settle(shop, payment_id, retries=False)
        _judge(shop, payment_id)
        shop.leases.close()
