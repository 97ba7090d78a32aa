"""The end of a month on a whole stack: what reconciliation finds is exactly what is amiss, each break in its class.

The providers' files are asked for over the wire and have faults planted in them; the simulator writes down which, in
files that reconciliation never reads. Other breaks come about as in life: a webhook that was lost, one that was late.
"""

import asyncio
import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from desk import VISA, Desk, open_desk

from payrail.cli.main import main
from payrail.cli.verification import verify_data_dir
from payrail.runtime.clock import FrozenClock, SystemClock

SEEDS = range(50)
ADMIN = {"user": "ada", "role": "admin"}
DAYS = ("2026-03-30", "2026-03-31", "2026-04-01")
DISPUTED_AT_ONCE = "4000000000000259"
REFUND_IS_PENDING = "4000000000007726"
REFUND_FAILS_LATE = "4000000000005126"
FAULTS = (
    "settlement_missing", "settlement_amount", "settlement_fee", "settlement_duplicate", "settlement_orphan",
)  # fmt: skip

#: Day of the report, class, movement, reference at the provider.
Found = tuple[str, str, str, str]


class MonthEnd:
    """Two days of business around the end of March, and what is amiss with it for other reasons than planted faults."""

    def __init__(self, desk: Desk, data_dir: Path, seed: int) -> None:
        self.desk = desk
        self.clock = desk.clock
        self.data_dir = data_dir
        self.draws = random.Random(seed)
        self.amiss: set[Found] = set()
        self._orders = itertools.count(1)

    def at(self, month: int, day: int, hour: int, minute: int, second: int = 0) -> None:
        """Go on to this time of 2026, without anybody noticing."""
        self.clock.set(datetime(2026, month, day, hour, minute, second, tzinfo=UTC))

    async def sell(
        self, amount: int, currency: str = "USD", card: str = VISA, parts: tuple[int, ...] = ()
    ) -> str:
        method = {"card": {"number": card, "exp_month": 12, "exp_year": 2039}}
        body = {"amount": amount, "currency": currency, "payment_method": method}
        # Which lines a fault hits is drawn by it: the ids are other ones in every run.
        body["merchant_reference"] = f"order-{next(self._orders)}"
        payment_id: str = (await self.desk.post("/payments", body)).json()["id"]
        answer = await self.desk.post(f"/payments/{payment_id}/authorize")
        assert answer.json()["state"] == "AUTHORIZED", answer.text
        for part in parts or (amount,):
            answer = await self.desk.post(f"/payments/{payment_id}/capture", {"amount": part})
            assert answer.status_code == 200, answer.text
        return payment_id

    async def give_back(self, payment_id: str, amount: int) -> str:
        """An approved refund; its reference at the provider."""
        refund_id = await self.desk.refund(payment_id, amount)
        answer = await self.desk.approve(refund_id)
        assert answer.status_code in (200, 202), answer.text
        return str(answer.json()["attempts"][-1]["id"])

    async def business_as_usual(self) -> None:
        for currency, smallest in (("USD", 500), ("JPY", 300), ("KWD", 2_000)):
            for _ in range(self.draws.randint(2, 3)):
                amount = self.draws.randint(2 * smallest, 20 * smallest)
                first = self.draws.randint(smallest, amount - 1)
                payment_id = await self.sell(amount, currency, parts=(first, amount - first))
                if self.draws.random() < 1 / 2:
                    await self.give_back(payment_id, self.draws.randint(1, amount))

    async def lose_the_word_of_a_dispute(self) -> None:
        await self.sell(4_200, card=DISPUTED_AT_ONCE)
        await self.desk.inject(mode="dropped_webhook", last4=DISPUTED_AT_ONCE[-4:])
        await self.desk.deliver()
        await self.desk.clear_failures()
        (dispute,) = of_operation(self.data_dir, "dispute", DISPUTED_AT_ONCE)
        self.amiss.add((DAYS[1], "missing_in_ledger", "chargeback", dispute))

    async def lose_the_word_of_a_failed_refund(self) -> None:
        reference = await self.give_back(await self.sell(3_100, card=REFUND_FAILS_LATE), 1_100)
        self.clock.advance(timedelta(minutes=2))
        await self.desk.inject(mode="dropped_webhook", last4=REFUND_FAILS_LATE[-4:])
        await self.desk.deliver()
        await self.desk.clear_failures()
        self.amiss.add((DAYS[1], "status_mismatch", "refund_failed", reference))

    async def plant(self) -> None:
        """Faults of every kind in both files, on captures and on refunds of an ordinary card."""
        for mode in self.draws.sample(FAULTS, len(FAULTS)):
            await self.desk.inject(mode=mode, operation="capture", remaining=1)
            await self.desk.inject("providerB", mode=mode, operation="capture", remaining=1)
            await self.desk.inject(mode=mode, operation="refund", last4=VISA[-4:], rate=0.3)

    async def go_by(self) -> None:
        """A day of sales that is settled and paid out; a day of everything; what comes of it after midnight."""
        large, other = await self.sell(900_000), await self.sell(50_000)
        await self.desk.post("/clock", {"set": "2026-03-31T09:00:00Z"}, **ADMIN)
        await self.business_as_usual()
        await self.desk.dispute(large)
        won = await self.desk.dispute(other)
        await self.desk.evidence(won)
        assert (await self.desk.resolve(won, "WON")).json()["state"] == "WON"
        await self.lose_the_word_of_a_dispute()
        await self.lose_the_word_of_a_failed_refund()
        self.at(3, 31, 23, 58, 50)
        late = await self.give_back(await self.sell(2_700, card=REFUND_IS_PENDING), 700)
        self.amiss.add((DAYS[2], "timing", "refund", late))
        self.at(3, 31, 23, 59, 30)
        await self.give_back(await self.sell(3_300, card=REFUND_FAILS_LATE), 300)
        self.at(4, 1, 0, 0, 10)
        await self.desk.deliver()
        self.at(4, 1, 0, 2)
        await self.desk.deliver()
        await self.plant()
        await self.desk.post("/clock", {"set": "2026-04-02T00:05:00Z"}, **ADMIN)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def of_operation(data_dir: Path, operation: str, card: str) -> list[str]:
    """The references of a provider's records of one kind that are of this card."""
    records = lines(data_dir / "providers" / "providerA_records.jsonl")
    of_card = {
        one["request"]["reference"]
        for one in records
        if one["request"].get("card", {}).get("last4") == card[-4:]
    }
    return [
        one["request"]["reference"]
        for one in records
        if one["request"]["operation"] == operation and one["request"].get("original_reference") in of_card
    ]


def planted(data_dir: Path) -> list[dict[str, Any]]:
    """The ground truth."""
    return [
        plant
        for provider in ("providerA", "providerB")
        for plant in lines(data_dir / "providers" / f"{provider}_planted.jsonl")
    ]


def found(data_dir: Path) -> Iterator[Found]:
    for day in DAYS:
        path = data_dir / "reconciliation" / f"reconciliation_report_{day}.json"
        for one in json.loads(path.read_bytes())["breaks"]:
            yield day, one["class"], one["operation"], one["reference"]


def files(data_dir: Path) -> dict[str, bytes]:
    """The reports and the books."""
    paths = [
        *(data_dir / "reconciliation").glob("reconciliation_report_*.json"),
        *(data_dir / "ledger").glob("*.jsonl"),
    ]
    return {path.name: path.read_bytes() for path in paths}


@pytest.mark.parametrize("seed", SEEDS)
async def test_reconciliation_finds_exactly_what_is_amiss(tmp_path: Path, seed: int) -> None:
    """Precision and recall 1.0, each break once and in its class; running it again adds nothing."""
    clock = FrozenClock(datetime(2026, 3, 30, 12, tzinfo=UTC))
    async with open_desk(tmp_path, clock, seed=seed, provider_webhook_interval_s=3600) as desk:
        month = MonthEnd(desk, tmp_path, seed)
        await month.go_by()
        plants = planted(tmp_path)
        expected = {
            (plant["date"], plant["expects"], plant["movement"], plant["planted_reference"])
            for plant in plants
        }
        assert sorted(found(tmp_path)) == sorted(expected | month.amiss)
        assert {plant["mode"] for plant in plants} == set(FAULTS)
        assert {plant["currency"] for plant in plants} > {"USD"}
        off_by_one = [plant for plant in plants if abs(plant["file_fee"] - plant["fee"]) == 1]
        assert [plant for plant in off_by_one if plant["mode"] == "settlement_fee"]
        balances = (await desk.get("/balances"))["data"]
        (available,) = [
            row["amount"]
            for row in balances
            if row["account"] == "merchant_available:m_demo" and row["currency"] == "USD"
        ]
        assert available > 0  # A debit: the chargeback took more than there was, and nothing is paid out.
        before = files(tmp_path)
        for day in DAYS:
            answer = await desk.post(f"/reconciliation/{day}/run", **ADMIN)
            assert answer.status_code == 200, answer.text
        assert files(tmp_path) == before
    # Without a stack: from the files alone, and with the same result, whatever the machine's date is.
    SystemClock(tmp_path / "clock.json").set(clock.now())
    for day in DAYS:
        command = ["reconcile", "--date", day, "--data-dir", str(tmp_path)]
        done = await asyncio.to_thread(CliRunner().invoke, main, command)
        breaks = [one for one in expected | month.amiss if one[0] == day]
        assert (done.exit_code, f"{day}: final" in done.output) == (bool(breaks), True), done.output
    assert {name: content for name, content in files(tmp_path).items() if name in before} == before
    assert verify_data_dir(tmp_path).sound
