"""Reconciled days through the gateway: each merchant's own breaks, run by admins, explained by operators."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from desk import Desk, open_desk

from payrail.cli.main import main
from payrail.runtime.clock import FrozenClock, SystemClock

TODAY = "2026-03-02"
ADMIN = {"user": "ada", "role": "admin"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = FrozenClock(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))
    async with open_desk(tmp_path, clock) as opened:
        yield opened


async def run(desk: Desk, date: str = TODAY, **who: Any) -> httpx.Response:
    return await desk.post(f"/reconciliation/{date}/run", **{**ADMIN, **who})


async def said(desk: Desk, break_id: str, state: str, reason: str = "known", **who: Any) -> httpx.Response:
    body = {"state": state, "reason": reason}
    return await desk.post(f"/reconciliation/{TODAY}/breaks/{break_id}", body, **who)


async def broken(desk: Desk, mode: str = "settlement_fee") -> dict[str, Any]:
    """A day of two captures, one of which the provider's file has wrong; what the run says of it."""
    for amount in (10_000, 4_999):
        await desk.payment(amount)
    await desk.inject(mode=mode, remaining=1)
    answer = await run(desk)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def command(data_dir: Path, *more: str) -> Result:
    """`payrail reconcile` of today, without a running stack."""
    arguments = ["reconcile", "--date", TODAY, "--data-dir", str(data_dir), *more]
    clock = SystemClock(data_dir / "clock.json")
    clock.set(datetime(2026, 3, 2, 12, tzinfo=UTC))
    return await asyncio.to_thread(CliRunner().invoke, main, arguments)


def counts(day: dict[str, Any]) -> dict[str, int]:
    """The classes that have breaks."""
    return {name: count for name, count in day["breaks"].items() if count}


def reports(data_dir: Path) -> dict[str, bytes]:
    folder = data_dir / "reconciliation"
    return {path.name: path.read_bytes() for path in folder.glob("reconciliation_report_*.json")}


async def test_a_run_finds_what_was_planted_and_shows_all_parties(desk: Desk) -> None:
    day = await broken(desk)
    assert (day["status"], day["matched"], counts(day), day["open_breaks"]) == (
        "preliminary", 1, {"fee_mismatch": 1}, 1,
    )  # fmt: skip
    (one,) = day["data"]
    assert (one["class"], one["state"], one["between"], one["operation"]) == (
        "fee_mismatch", "open", "ledger_provider", "capture",
    )  # fmt: skip
    ledger, file = one["ledger"], one["provider_file"]
    assert abs(file["provider_fee"] - ledger["provider_fee"]) == 1
    assert (ledger["gross"], ledger["currency"]) == (file["gross"], file["currency"])
    (total,) = day["totals"]
    assert total["ledger"]["items"] == total["provider_file"]["items"] == 2
    assert abs(total["ledger"]["fee"] - total["provider_file"]["fee"]) == 1
    assert await desk.get(f"/reconciliation/{TODAY}") == day
    listed = await desk.get("/reconciliation")
    assert listed["data"] == [{name: day[name] for name in listed["data"][0]}]


async def test_a_closed_day_is_reconciled_by_itself_and_told_once(desk: Desk, tmp_path: Path) -> None:
    await desk.payment()
    await desk.post("/clock", {"advance_s": 86_400}, **ADMIN)
    day = await desk.get(f"/reconciliation/{TODAY}")
    assert (day["status"], day["matched"], counts(day)) == ("final", 1, {})
    assert day["totals"][0]["settlement"] == {"items": 1, "gross": 10_000, "fee": 320}
    before = reports(tmp_path)
    for _ in range(2):
        assert (await run(desk)).status_code == 200
    assert reports(tmp_path) == before
    told = (await desk.get("/events", params={"type": "reconciliation.completed"}))["data"]
    assert [(event["data"]["date"], event["data"]["matched"]) for event in told] == [(TODAY, 1)]


async def test_a_day_of_which_only_a_provider_has_something_is_reconciled_by_itself(desk: Desk) -> None:
    """A refund fails a minute after midnight, but PayRail sleeps until days later, when it is told of it."""
    desk.clock.set(datetime(2026, 3, 2, 23, 59, 30, tzinfo=UTC))
    await desk.approve(await desk.refund(await desk.payment(card="4000000000005126"), 1_000))
    desk.clock.advance(timedelta(days=4))
    for days in (0, 1):
        await desk.post("/clock", {"advance_s": days * 86_400}, **ADMIN)
    days = (await desk.get("/reconciliation"))["data"]
    assert [(day["date"], counts(day)) for day in days] == [
        ("2026-03-06", {"missing_in_provider": 1}), ("2026-03-03", {"timing": 1}), (TODAY, {}),
    ]  # fmt: skip


async def test_a_break_is_explained_closed_and_opened_again(desk: Desk) -> None:
    break_id = (await broken(desk))["data"][0]["id"]
    explained = (await said(desk, break_id, "explained", "rounding of the provider")).json()
    assert (explained["state"], explained["word"]["reason"]) == ("explained", "rounding of the provider")
    assert explained["word"]["actor"] == {"id": "olga", "role": "operator"}
    assert (await said(desk, break_id, "closed", "credited")).json()["state"] == "closed"
    refused = await said(desk, break_id, "explained", "too late")
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")
    assert "closed" in refused.json()["detail"]
    assert (await said(desk, break_id, "open", "not credited after all")).json()["state"] == "open"


async def test_what_was_said_of_a_break_survives_a_rerun_and_a_restart(tmp_path: Path) -> None:
    clock = FrozenClock(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))
    async with open_desk(tmp_path, clock) as desk:
        break_id = (await broken(desk))["data"][0]["id"]
        await said(desk, break_id, "explained", "rounding")
        assert (await run(desk)).json()["open_breaks"] == 0
    async with open_desk(tmp_path, clock) as desk:
        day = (await run(desk)).json()
        assert [(one["id"], one["state"]) for one in day["data"]] == [(break_id, "explained")]
    done = await command(tmp_path)
    assert (done.exit_code, "EXPLAINED fee_mismatch" in done.output) == (0, True), done.output


async def test_saying_it_is_audited_and_replayed(desk: Desk) -> None:
    break_id = (await broken(desk))["data"][0]["id"]
    first = await said(desk, break_id, "closed", "credited", key="say-1")
    again = await said(desk, break_id, "closed", "credited", key="say-1")
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    (record,) = (await desk.get("/audit", params={"action": "resolve_break"}))["data"]
    assert (record["entity"], record["actor"]["id"], record["outcome"]) == (break_id, "olga", "succeeded")
    assert record["data"] == {"date": TODAY, "state": "closed", "reason": "credited"}
    (ran,) = (await desk.get("/audit", params={"action": "run_reconciliation"}))["data"]
    assert (ran["actor"], ran["entity"]) == ({"id": "ada", "role": "admin"}, f"reconciliation:{TODAY}")


async def test_breaks_are_filtered_and_paged(desk: Desk) -> None:
    for _ in range(3):
        await desk.payment()
    await desk.inject(mode="settlement_missing", remaining=2)
    await desk.inject(mode="settlement_duplicate", remaining=1)
    whole = (await run(desk)).json()
    assert counts(whole) == {"missing_in_provider": 2, "duplicate": 1}
    await said(desk, whole["data"][0]["id"], "closed")

    async def found(**params: Any) -> list[str]:
        ids: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await desk.get(f"/reconciliation/{TODAY}", params={"limit": 1, **params, **cursor})
            ids += [one["id"] for one in page["data"]]
            if page["next_cursor"] is None:
                return ids
            cursor = {"cursor": page["next_cursor"]}

    ids = [one["id"] for one in whole["data"]]
    assert await found() == ids
    assert await found(state="closed") == ids[:1]
    assert await found(state="open") == ids[1:]
    of_class = [one["id"] for one in whole["data"] if one["class"] == "duplicate"]
    assert await found(**{"class": "duplicate"}) == of_class
    assert await found(**{"class": "timing"}) == []


async def test_another_merchants_breaks_are_not_there(desk: Desk) -> None:
    break_id = (await broken(desk))["data"][0]["id"]
    theirs = {"merchant": "m_acme"}
    day = await desk.get(f"/reconciliation/{TODAY}", **theirs)
    assert (day["matched"], counts(day), day["data"], day["totals"]) == (0, {}, [], [])
    refused = await said(desk, break_id, "closed", **theirs)
    unknown = await said(desk, "brk_" + "G" * 24, "closed", **theirs)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert refused.json()["detail"] == unknown.json()["detail"]


async def test_what_is_nobodys_is_shown_to_no_merchant_and_stands_in_the_report(
    desk: Desk, tmp_path: Path
) -> None:
    day = await broken(desk, "settlement_orphan")
    assert (counts(day), day["data"], day["matched"]) == ({}, [], 2)
    assert day["totals"][0]["provider_file"]["items"] == 2
    (content,) = reports(tmp_path).values()
    (orphan,) = json.loads(content)["breaks"]
    assert (orphan["class"], orphan["merchant_id"]) == ("orphan", None)
    with (tmp_path / "providers" / "providerA_planted.jsonl").open() as planted:
        assert json.loads(planted.readline())["planted_reference"] == orphan["reference"]
    assert (await said(desk, orphan["id"], "closed")).status_code == 404


async def test_a_day_without_a_report_is_not_there(desk: Desk) -> None:
    answer = await desk.call("GET", "/reconciliation/2026-03-01")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await desk.get("/reconciliation"))["data"] == []


async def test_a_day_that_has_not_begun_cannot_be_reconciled(desk: Desk) -> None:
    answer = await run(desk, "2026-03-03")
    assert (answer.status_code, answer.json()["code"]) == (422, "future_date")


@pytest.mark.parametrize("date", ["0001-01-01", "0001-01-03", "1969-12-31"])
async def test_the_first_days_of_the_calendar_can_be_reconciled_though_fewer_lie_around_them(
    desk: Desk, date: str
) -> None:
    answer = await run(desk, date)
    assert (answer.status_code, answer.json()["matched"]) == (200, 0)


async def test_a_run_is_in_the_history_with_who_asked_for_it(desk: Desk, tmp_path: Path) -> None:
    await broken(desk)
    lines = [json.loads(line) for line in (tmp_path / "jobs" / "runs.jsonl").read_text().splitlines()]
    (started,) = [line for line in lines if line["phase"] == "started"]
    assert (started["job"], started["params"]) == ("reconciliation", {"date": TODAY})
    assert started["requested_by"] == {"merchant_id": "m_demo", "user_id": "ada", "role": "admin"}
    (finished,) = [line for line in lines if line["phase"] == "finished"]
    assert finished["result"]["days"][0]["breaks"] == {"fee_mismatch": 1}


async def test_the_providers_files_are_kept_as_they_came(desk: Desk, tmp_path: Path) -> None:
    day = await broken(desk)
    file = tmp_path / "reconciliation" / "provider_files" / f"providerA_{TODAY}.csv"
    line = file.read_text().splitlines()[day["data"][0]["provider_file"]["line"] - 1]
    assert day["data"][0]["reference"] in line


async def test_the_command_says_what_differs_and_that_it_is_open(tmp_path: Path) -> None:
    async with open_desk(tmp_path, FrozenClock(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))) as desk:
        (one,) = (await broken(desk))["data"]
    done = await command(tmp_path)
    assert done.exit_code == 1
    assert (
        f"{TODAY}: preliminary, 2 movements in the ledger, 1 agree with all parties, 1 break (1 open)"
        in done.output
    )
    assert f"OPEN      fee_mismatch: capture {one['reference']} at providerA" in done.output
    shown = await command(tmp_path, "--json")
    assert [each["id"] for each in json.loads(shown.output)["breaks"]] == [one["id"]]


async def test_the_command_takes_no_file_that_never_came_for_an_empty_one(tmp_path: Path) -> None:
    async with open_desk(tmp_path, FrozenClock(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))) as desk:
        await desk.payment()
    done = await command(tmp_path)
    assert (done.exit_code, "no file of providerA" in done.output) == (1, True), done.output


async def test_the_command_explains_and_closes_what_is_no_merchants(tmp_path: Path) -> None:
    async with open_desk(tmp_path, FrozenClock(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))) as desk:
        await broken(desk, "settlement_orphan")
    (content,) = reports(tmp_path).values()
    (orphan,) = json.loads(content)["breaks"]
    assert (await command(tmp_path)).exit_code == 1
    unreasoned = await command(tmp_path, "--explain", orphan["id"])
    assert (unreasoned.exit_code, "--why" in unreasoned.output) == (2, True)
    assert (await command(tmp_path, "--explain", "brk_OTHER", "--why", "known")).exit_code == 1
    card = await command(tmp_path, "--explain", orphan["id"], "--why", "4242 4242 4242 4242")
    assert (card.exit_code, "card number" in card.output) == (1, True)
    explained = await command(tmp_path, "--explain", orphan["id"], "--why", "the provider's own test")
    assert (explained.exit_code, "EXPLAINED orphan" in explained.output) == (0, True), explained.output
    assert (await command(tmp_path, "--close", orphan["id"], "--why", "credited")).exit_code == 0
    again = await command(tmp_path, "--explain", orphan["id"], "--why", "too late")
    assert (again.exit_code, "closed cannot become explained" in again.output) == (1, True)
