"""The outbox: its events are what the ledger makes, and its secrets stand in no other file."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from payrail.cli.verification import Report, verify_data_dir
from payrail.ledger_jobs.outbox import operations
from payrail.ledger_jobs.outbox.dispatcher import Dispatcher, OutboxTerms
from payrail.runtime.clock import FrozenClock
from payrail.runtime.ids import IdSource
from payrail.runtime.journal import FileJournal
from stand_ins.payments import created, pay
from stand_ins.webhook_receiver import GONE, Receiver, receiver
from waiting import LIMIT_S, until

TERMS = OutboxTerms(3600, LIMIT_S, False, 42, "m_demo", "", "")
ENDPOINT = "whe_01JD0000000000000000000001"


@asynccontextmanager
async def opened(data_dir: Path) -> AsyncIterator[tuple[FileJournal, Dispatcher]]:
    clock = FrozenClock()
    ids = IdSource(clock, random.Random(1))
    journal = await FileJournal.open(data_dir / "ledger", lambda: ids.new("le"))
    dispatcher = Dispatcher(data_dir, journal, clock, ids.new, TERMS)
    async with dispatcher.opened():
        yield journal, dispatcher
    await journal.close()


async def make_endpoint(dispatcher: Dispatcher, shop: Receiver) -> str:
    terms = {
        "id": ENDPOINT, "merchant_id": "m_demo", "url": shop.url, "created_at": "2025-01-01T00:00:00.000Z"
    }  # fmt: skip
    return str((await operations.create_webhook_endpoint(dispatcher, terms))["secret"])


@pytest.fixture
async def data_dir(tmp_path: Path) -> Path:
    """Six payments with their events, four of which an endpoint took; the fifth it did not, and never any more."""
    with receiver() as shop:
        async with opened(tmp_path) as (journal, dispatcher):
            await journal.append("payments", created(pay(1)))
            await make_endpoint(dispatcher, shop)
            for number in range(2, 6):
                await journal.append("payments", created(pay(number)))
            await dispatcher.derive()
            await shop.until(lambda: len(shop.received) == 4)
            shop.always = GONE
            await journal.append("payments", created(pay(6)))
            await dispatcher.derive()
            # What the shop has answered is not yet written down, and an end would cut it off.
            await until(lambda: len(dispatcher.files.dead_letters.all()) == 1)
    return tmp_path


def found(report: Report) -> list[tuple[str, str, int | None]]:
    return [(finding.check, finding.file, finding.line) for finding in report.findings]


def rewrite(data_dir: Path, name: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = data_dir / name
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


EVENTS = "outbox/events.jsonl"
EVENTS_END = "outbox/closed.json"


async def test_what_the_dispatcher_wrote_is_sound(data_dir: Path) -> None:
    assert verify_data_dir(data_dir).findings == []
    assert len((data_dir / EVENTS).read_bytes().splitlines()) == 6


async def test_events_that_are_not_written_yet_are_no_finding(data_dir: Path) -> None:
    (data_dir / EVENTS_END).unlink()  # As after a crash, which may take events from the end.
    rewrite(data_dir, "outbox/dead_letters.jsonl", lambda _: [])
    rewrite(data_dir, EVENTS, lambda lines: [*lines[:4], lines[4][:50]])
    report = verify_data_dir(data_dir)
    assert report.findings == []
    assert [(note.kind, note.file) for note in report.notes] == [("torn_tail", EVENTS)]


@pytest.mark.parametrize("kept", [0, 1, 5])
async def test_events_that_are_lost_from_the_end_of_a_closed_file_are_found(
    data_dir: Path, kept: int
) -> None:
    rewrite(data_dir, EVENTS, lambda lines: lines[:kept])
    assert found(verify_data_dir(data_dir)) == [("outbox", EVENTS_END, 1)]


async def test_a_note_of_the_end_that_cannot_be_read_is_found(data_dir: Path) -> None:
    (data_dir / EVENTS_END).write_text('{"seq":"6"}\n')
    assert found(verify_data_dir(data_dir)) == [("outbox", EVENTS_END, 1)]


async def test_while_the_events_are_open_nothing_says_where_they_end(data_dir: Path) -> None:
    assert (data_dir / EVENTS_END).exists()
    async with opened(data_dir):
        assert not (data_dir / EVENTS_END).exists()


async def test_what_enters_the_ledger_before_the_end_is_written_down_at_the_end(data_dir: Path) -> None:
    async with opened(data_dir) as (journal, _dispatcher):
        await journal.append("payments", created(pay(7)))
    assert len((data_dir / EVENTS).read_bytes().splitlines()) == 7
    assert (data_dir / EVENTS_END).read_text() == '{"seq":7}\n'


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [*lines[:2], *lines[3:]], 3),
        (lambda lines: [*lines[:2], lines[2].replace(b'"amount":1000', b'"amount":1001'), *lines[3:]], 3),
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2),
        (lambda lines: [*lines[:3], b"{}\n", *lines[3:]], 4),
    ],
    ids=["missing", "altered", "twice", "no event"],
)
async def test_a_changed_line_is_found_and_named(
    data_dir: Path, change: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    rewrite(data_dir, EVENTS, change)
    assert found(verify_data_dir(data_dir)) == [("outbox", EVENTS, line)]


async def test_events_out_of_order_are_found(data_dir: Path) -> None:
    rewrite(data_dir, EVENTS, lambda lines: [lines[0], lines[2], lines[1], *lines[3:]])
    assert ("outbox", EVENTS, 3) in found(verify_data_dir(data_dir))


async def test_an_event_that_no_entry_makes_is_found(data_dir: Path) -> None:
    ahead = (data_dir / EVENTS).read_bytes().splitlines()[5].replace(b'GGGGN","type', b'GGGGX","type')
    rewrite(data_dir, EVENTS, lambda lines: [*lines, ahead + b"\n"])
    assert found(verify_data_dir(data_dir)) == [("outbox", EVENTS, 7)]


@pytest.mark.parametrize("name", ["outbox/processed_events.json.log", "outbox/dead_letters.jsonl"])
async def test_what_was_accepted_or_died_must_be_an_event(data_dir: Path, name: str) -> None:
    def another_event(lines: list[bytes]) -> list[bytes]:
        return [lines[0].replace(b"evt_0", b"evt_1")]

    rewrite(data_dir, name, another_event)
    assert ("outbox", name, 1) in found(verify_data_dir(data_dir))


async def test_a_broken_ledger_is_one_finding_and_no_event_repeats_it(data_dir: Path) -> None:
    rewrite(data_dir, "ledger/payments.jsonl", lambda lines: [*lines[:2], b"{}\n", *lines[3:]])
    assert {check for check, _, _ in found(verify_data_dir(data_dir))} == {"hash_chain"}


async def test_a_secret_that_stands_in_a_file_is_found(data_dir: Path) -> None:
    with receiver() as shop:
        async with opened(data_dir) as (_journal, dispatcher):
            secret = await make_endpoint(dispatcher, shop)
    (data_dir / "logs").mkdir()
    (data_dir / "logs" / "payrail.log").write_text(f'{{"a":"whsec_other"}}\n{{"secret":"{secret}"}}\n')
    assert found(verify_data_dir(data_dir)) == [("endpoint_secret", "logs/payrail.log", 2)]


async def test_the_signing_key_is_its_owners_alone(data_dir: Path) -> None:
    key = data_dir / "outbox" / "signing_key.json"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    assert found(verify_data_dir(data_dir)) == [("file_mode", "outbox/signing_key.json", None)]
    (data_dir / "copy.txt").write_bytes(key.read_bytes())
    assert ("endpoint_secret", "copy.txt", 1) in found(verify_data_dir(data_dir))
