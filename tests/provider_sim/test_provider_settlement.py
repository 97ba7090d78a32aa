"""Settlement files: what each provider says that it pays out, from its own records, with faults on demand."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import simulator_client
from simulator_client import KEYS, Simulator, att

from payrail.ledger_jobs.provider_files.dialects import paid_out, parse_provider_file
from payrail.runtime.clock import FrozenClock

DAY = "2026-03-31"
REFUND_FAILS_LATE = "4000000000005126"
REFUND_IS_PENDING = "4000000000007726"

Row = dict[str, str]


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 3, 31, 12, tzinfo=UTC))


async def raw(sim: Simulator, provider: str = "providerA", date: str = DAY, caller: str = "jobs") -> bytes:
    response = await sim.client.get(
        f"/providers/{provider}/settlement",
        params={"date": date},
        headers={"Authorization": f"Bearer {KEYS[caller]}"},
    )
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    return response.content


async def rows(sim: Simulator, provider: str = "providerA", date: str = DAY) -> list[Row]:
    return list(csv.DictReader(io.StringIO((await raw(sim, provider, date)).decode())))


async def listed(sim: Simulator, provider: str = "providerA") -> dict[str, dict[str, int] | None]:
    """What is paid out of each day, by currency, in the order of the list."""
    answer = await sim.client.get(
        f"/providers/{provider}/settlements", headers={"Authorization": f"Bearer {KEYS['jobs']}"}
    )
    return {
        day["date"]: day["paid_out"] and {one["currency"]: one["amount"] for one in day["paid_out"]}
        for day in answer.json()["data"]
    }


async def sell(sim: Simulator, number: int, amount: int, currency: str = "USD", **fields: Any) -> None:
    """An authorization under `number` and its capture, in full, under the next number."""
    provider = fields.get("provider", "providerA")
    status, _ = await sim.authorize(number, amount=amount, currency=currency, **fields)
    assert status == 200
    status, _ = await sim.follow_up(
        "capture", number + 1, number, amount, currency=currency, provider=provider
    )
    assert status == 200


async def refund(sim: Simulator, number: int, original: int, amount: int, **fields: Any) -> None:
    status, _ = await sim.follow_up("refund", number, original, amount, currency="USD", **fields)
    assert status == 200


async def resolve(sim: Simulator, dispute: int, number: int, provider: str) -> None:
    """The dispute is answered and won."""
    path = f"/providers/{provider}/disputes/{att(dispute)}"
    evidence = {"reference": att(number), "kind": "receipt", "text": "signed for"}
    assert (await sim.call("POST", f"{path}/evidence", evidence))[0] == 200
    outcome = {"reference": att(number + 1), "outcome": "WON"}
    assert (await sim.call("POST", f"{path}/resolve", outcome))[0] == 200


async def test_the_days_that_have_lines_by_now_are_listed_newest_first(
    sim: Simulator, clock: FrozenClock
) -> None:
    assert await listed(sim) == {}
    clock.set(datetime(2026, 3, 31, 23, 59, 30, tzinfo=UTC))
    await sell(sim, 1, 5_000, card=REFUND_FAILS_LATE)
    await refund(sim, 3, 1, 1_000)
    assert await listed(sim) == {DAY: None}
    clock.advance(timedelta(minutes=1))
    assert list((await listed(sim)).items()) == [("2026-04-01", None), (DAY, {"USD": 3_825})]
    assert await listed(sim, "providerB") == {}


@pytest.mark.parametrize("provider", ["providerA", "providerB"])
async def test_what_is_paid_out_of_a_day_is_what_its_file_comes_to_each_time_it_is_made_anew(
    sim: Simulator, clock: FrozenClock, provider: str
) -> None:
    for number, currency in ((1, "USD"), (4, "JPY"), (7, "KWD")):
        await sell(sim, number, 10_000, currency, provider=provider)
        await sim.follow_up("refund", number + 2, number, 4_000, currency=currency, provider=provider)
    clock.advance(timedelta(days=1))
    seen = []
    for mode in ("missing", "duplicate", "fee", "orphan", "amount"):
        await sim.inject(provider, mode=f"settlement_{mode}", remaining=1)
        content = await raw(sim, provider)
        seen.append((await listed(sim, provider))[DAY])
        assert seen[-1] == paid_out(parse_provider_file(provider, DAY, content))
    assert all(seen[n] != seen[n + 1] for n in range(4)), "each fault changes what is paid"


@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("provider", ["providerA", "providerB"])
async def test_the_ends_of_the_calendar_have_empty_files(sim: Simulator, provider: str, date: str) -> None:
    assert (await raw(sim, provider, date)).count(b"\n") == 1


async def test_a_stripe_like_file_has_one_signed_row_per_balance_transaction(sim: Simulator) -> None:
    await sell(sim, 1, 10_000)
    await refund(sim, 3, 1, 2_500)
    charge, given_back = await rows(sim)
    assert (charge["reporting_category"], charge["gross"], charge["fee"], charge["net"]) == (
        "charge", "100.00", "3.20", "96.80",
    )  # fmt: skip
    assert (given_back["reporting_category"], given_back["gross"], given_back["fee"]) == (
        "refund",
        "-25.00",
        "0.00",
    )
    assert charge["currency"] == "usd"
    assert charge["created_utc"] == "2026-03-31 12:00:00"
    assert charge["payment_metadata[reference]"] == att(2)
    assert given_back["payment_metadata[authorization]"] == att(1)
    assert charge["payment_intent_id"].startswith("pi_")


async def test_an_adyen_like_file_splits_the_fee_by_who_gets_it(sim: Simulator) -> None:
    await sell(sim, 1, 10_000, provider="providerB")
    (row,) = await rows(sim, "providerB")
    assert (row["Type"], row["Gross Credit (GC)"], row["Gross Debit (GC)"]) == ("Settled", "100.00", "")
    fees = [row[name] for name in ("Interchange (NC)", "Scheme Fees (NC)", "Markup (NC)", "Commission (NC)")]
    assert fees == ["1.65", "0.14", "0.12", ""]
    assert row["Net Credit (NC)"] == "98.09"
    assert (row["Merchant Reference"], row["Modification Merchant Reference"]) == (att(1), att(2))
    assert row["Payment Method"] == "visa"


@pytest.mark.parametrize(
    ("currency", "amount", "gross"), [("JPY", 1_000, "1000"), ("KWD", 12_345, "12.345"), ("USD", 5, "0.05")]
)
async def test_amounts_have_the_decimals_of_their_currency(
    sim: Simulator, currency: str, amount: int, gross: str
) -> None:
    await sell(sim, 1, amount, currency)
    (row,) = await rows(sim)
    assert (row["currency"], row["gross"]) == (currency.lower(), gross)


async def test_each_partial_capture_has_a_row_of_its_own(sim: Simulator) -> None:
    await sim.authorize(1, amount=10_000, currency="USD")
    await sim.follow_up("capture", 2, 1, 6_000, currency="USD")
    await sim.follow_up("capture", 3, 1, 4_000, currency="USD")
    assert [row["gross"] for row in await rows(sim)] == ["60.00", "40.00"]


async def test_a_refund_that_fails_late_comes_back_on_the_day_on_which_it_failed(
    sim: Simulator, clock: FrozenClock
) -> None:
    clock.advance(timedelta(hours=11, minutes=59, seconds=30))
    await sell(sim, 1, 10_000, card=REFUND_FAILS_LATE)
    await refund(sim, 3, 1, 2_500)
    assert await rows(sim, date="2026-04-01") == []
    clock.advance(timedelta(minutes=1))
    assert [row["reporting_category"] for row in await rows(sim)] == ["charge", "refund"]
    (failure,) = await rows(sim, date="2026-04-01")
    assert (failure["reporting_category"], failure["gross"]) == ("refund_failure", "25.00")
    assert failure["payment_metadata[reference]"] == att(3)


async def test_a_pending_refund_is_settled_when_it_has_succeeded(sim: Simulator, clock: FrozenClock) -> None:
    await sell(sim, 1, 10_000, card=REFUND_IS_PENDING)
    await refund(sim, 3, 1, 2_500)
    assert [row["reporting_category"] for row in await rows(sim)] == ["charge"]
    clock.advance(timedelta(minutes=1))
    assert [row["reporting_category"] for row in await rows(sim)] == ["charge", "refund"]


async def test_a_chargeback_takes_its_fee_and_a_won_one_brings_the_money_back_without_it(
    sim: Simulator,
) -> None:
    for provider in ("providerA", "providerB"):
        await sell(sim, 1, 10_000, provider=provider)
        opened = {
            "reference": att(3),
            "original_reference": att(1),
            "amount": 10_000,
            "currency": "USD",
            "reason": "fraudulent",
        }
        assert (await sim.call("POST", f"/providers/{provider}/disputes", opened))[0] == 200
        await resolve(sim, 3, 4, provider)
    stripe_like = [
        (row["reporting_category"], row["gross"], row["fee"])
        for row in await rows(sim)
        if row["reporting_category"] != "charge"
    ]
    assert stripe_like == [("dispute", "-100.00", "15.00"), ("dispute_reversal", "100.00", "0.00")]
    adyen_like = [
        (row["Type"], row["Net Debit (NC)"], row["Net Credit (NC)"])
        for row in await rows(sim, "providerB")
        if row["Type"] != "Settled"
    ]
    assert adyen_like == [
        ("Chargeback", "100.00", ""), ("Fee", "8.00", ""), ("ChargebackReversed", "", "100.00"),
    ]  # fmt: skip


async def test_what_was_declined_or_released_is_not_settled(sim: Simulator) -> None:
    await sim.authorize(1, card="4000000000000002")
    await sim.authorize(2)
    await sim.follow_up("reverse", 3, 2)
    assert await rows(sim) == []
    assert (await raw(sim)).startswith(b"automatic_payout_id,")


async def test_the_file_follows_from_the_records_and_not_from_their_order(
    tmp_path: Path, clock: FrozenClock
) -> None:
    files = []
    for name, order in (("one", (1, 3, 5)), ("other", (5, 1, 3))):
        async with simulator_client.simulator(tmp_path / name, clock) as sim:
            for number in order:
                await sell(sim, number, 1_000 * number)
            first = await raw(sim)
            assert await raw(sim) == first
            files.append(first)
        async with simulator_client.simulator(tmp_path / name, clock) as sim:
            assert await raw(sim) == files[-1]
    assert files[0] == files[1]


@pytest.mark.parametrize("caller", ["gateway", "jobs"])
async def test_gateway_and_jobs_may_have_the_file(sim: Simulator, caller: str) -> None:
    assert await raw(sim, caller=caller)


async def test_a_day_that_is_none_is_refused(sim: Simulator) -> None:
    for date in ("2026-02-30", "yesterday", ""):
        status, problem = await sim.call("GET", f"/providers/providerA/settlement?date={date}", caller="jobs")
        assert (status, problem["code"]) == (400, "invalid_parameter"), date
    status, _ = await sim.call("GET", f"/providers/providerA/settlement?date={DAY}", caller="seed")
    assert status == 403


# ---- planted faults ---------------------------------------------------------------------------------------------


def planted(data_dir: Path, provider: str = "providerA") -> list[dict[str, Any]]:
    path = data_dir / "providers" / f"{provider}_planted.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


Check = Callable[[list[Row], list[Row], dict[str, Any]], None]


def _left_out(before: list[Row], after: list[Row], plant: dict[str, Any]) -> None:
    assert [row for row in before if row["payment_metadata[reference]"] != plant["reference"]] == after


def _twice(before: list[Row], after: list[Row], plant: dict[str, Any]) -> None:
    assert len(after) == len(before) + 1
    assert sum(row["payment_metadata[reference]"] == plant["reference"] for row in after) == 2


def _fee_off_by_one(before: list[Row], after: list[Row], plant: dict[str, Any]) -> None:
    ((old, new),) = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert abs(Decimal(old["fee"]) - Decimal(new["fee"])) == Decimal("0.01")
    assert Decimal(new["gross"]) - Decimal(new["fee"]) == Decimal(new["net"])
    assert old["gross"] == new["gross"]


def _stray_added(before: list[Row], after: list[Row], plant: dict[str, Any]) -> None:
    (stray,) = [row for row in after if row not in before]
    assert stray["payment_metadata[reference]"] == plant["planted_reference"] != plant["reference"]


def _amount_or_currency(before: list[Row], after: list[Row], plant: dict[str, Any]) -> None:
    ((old, new),) = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert old["fee"] == new["fee"]
    if plant["expects"] == "currency_mismatch":
        assert old["currency"] != new["currency"]
    else:
        assert (Decimal(new["gross"]) > Decimal(old["gross"])) == (plant["expects"] == "amount_over")


@pytest.mark.parametrize(
    ("mode", "changed"),
    [
        ("settlement_missing", _left_out),
        ("settlement_duplicate", _twice),
        ("settlement_fee", _fee_off_by_one),
        ("settlement_orphan", _stray_added),
        ("settlement_amount", _amount_or_currency),
    ],
)
async def test_a_fault_is_planted_once_and_written_down(
    sim: Simulator, tmp_path: Path, mode: str, changed: Check
) -> None:
    for number in (1, 3, 5):
        await sell(sim, number, 1_000 * number)
    before = await rows(sim)
    assert (await sim.inject(mode=mode, remaining=1))[0] == 201
    first = await raw(sim)
    assert await raw(sim) == first
    (plant,) = planted(tmp_path)
    assert (plant["mode"], plant["date"]) == (mode, DAY)
    changed(before, await rows(sim), plant)


async def test_plants_outlive_their_rule_and_a_restart(tmp_path: Path, clock: FrozenClock) -> None:
    async with simulator_client.simulator(tmp_path, clock) as sim:
        for number in range(1, 21, 2):
            await sell(sim, number, 1_000)
        await sim.inject(mode="settlement_missing", rate=0.5)
        before = await raw(sim)
        assert 0 < len(planted(tmp_path)) < 10
        await sim.call("DELETE", "/providers/providerA/failures")
        assert await raw(sim) == before
    async with simulator_client.simulator(tmp_path, clock) as sim:
        assert await raw(sim) == before


async def test_uses_of_a_rule_are_counted_across_a_restart(tmp_path: Path, clock: FrozenClock) -> None:
    async with simulator_client.simulator(tmp_path, clock) as sim:
        await sell(sim, 1, 1_000)
        await sim.inject(mode="settlement_fee", remaining=2)
        await raw(sim)
    async with simulator_client.simulator(tmp_path, clock) as sim:
        (rule,) = (await sim.call("GET", "/providers/providerA/failures"))[1]["data"]
        assert rule["remaining"] == 1
        for number in (3, 5):
            await sell(sim, number, 1_000)
        await raw(sim)
        assert len(planted(tmp_path)) == 2


async def test_which_lines_are_hit_follows_from_the_seed(tmp_path: Path, clock: FrozenClock) -> None:
    hit = {}
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        async with simulator_client.simulator(tmp_path / name, clock, seed=seed) as sim:
            for number in range(1, 61, 2):
                await sell(sim, number, 1_000)
            await sim.inject(mode="settlement_duplicate", rate=0.3)
            await raw(sim)
        hit[name] = [plant["reference"] for plant in planted(tmp_path / name)]
    assert hit["one"] == hit["again"] != hit["other"]


async def test_a_rule_hits_its_operation_and_its_card_only(sim: Simulator, tmp_path: Path) -> None:
    await sell(sim, 1, 10_000)
    await sell(sim, 3, 10_000, card=REFUND_FAILS_LATE)
    await refund(sim, 5, 1, 100)
    await refund(sim, 6, 3, 100)
    await sim.inject(mode="settlement_fee", operation="refund", last4="5126")
    await raw(sim)
    assert [plant["reference"] for plant in planted(tmp_path)] == [att(6)]


async def test_a_settlement_rule_touches_no_call(sim: Simulator) -> None:
    await sim.inject(mode="settlement_missing")
    status, operation = await sim.authorize(1)
    assert (status, operation["status"]) == (200, "approved")


@pytest.mark.parametrize("operation", ["authorize", "reverse", "inquiry"])
async def test_a_rule_for_what_is_never_settled_is_refused(sim: Simulator, operation: str) -> None:
    status, problem = await sim.inject(mode="settlement_fee", operation=operation)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/operation")


async def test_a_wrong_amount_is_over_under_or_in_another_currency(sim: Simulator, tmp_path: Path) -> None:
    for number in range(1, 121, 2):
        await sell(sim, number, 1_000, merchant_reference=f"order-{number}")
    await sim.inject(mode="settlement_amount")
    await raw(sim)
    assert {plant["expects"] for plant in planted(tmp_path)} == {
        "amount_over", "amount_under", "currency_mismatch",
    }  # fmt: skip
