"""The shared store: records that several processes change, and that survive every restart."""

import asyncio
import json
import multiprocessing
from functools import partial
from pathlib import Path

import pytest

from payrail.runtime.shared_store import SharedStore
from payrail.runtime.stored_items import Change, StoreCorrupt
from waiting import LIMIT_S


def opened(path: Path) -> SharedStore:
    return SharedStore(path, name="test.shared_store")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "customers" / "customers.json"


async def test_what_one_writes_every_other_sees(path: Path) -> None:
    one, two = opened(path), opened(path)
    await one.put("a", {"n": 1})
    assert two.get("a") == {"n": 1}
    await two.put("b", {"n": 2})
    await two.put("a", {"n": 3})
    assert dict(one.items()) == {"a": {"n": 3}, "b": {"n": 2}}
    one.close()
    two.close()


async def test_a_change_is_decided_against_all_that_was_there_before(path: Path) -> None:
    stores = [opened(path) for _ in range(4)]

    def one_more(store: SharedStore) -> Change:
        return Change({"count": {"n": (store.get("count") or {"n": 0})["n"] + 1}})

    await asyncio.gather(*(s.change(partial(one_more, s)) for s in stores for _ in range(10)))
    assert stores[0].get("count") == {"n": 40}
    for store in stores:
        store.close()


async def test_the_first_to_open_it_moves_the_log_into_the_snapshot(path: Path) -> None:
    one = opened(path)
    await one.put("a", {"n": 1})
    await one.change(lambda: Change({"b": {"n": 2}}, ["a"]))
    two = opened(path)  # Not alone: the log stays.
    assert path.with_name("customers.json.log").stat().st_size > 0
    one.close()
    two.close()
    three = opened(path)
    assert json.loads(path.read_text()) == {"version": 1, "items": {"b": {"n": 2}}}
    assert path.with_name("customers.json.log").read_bytes() == b""
    await three.put("c", {"n": 3})
    four = opened(path)
    assert dict(three.items()) == dict(four.items()) == {"b": {"n": 2}, "c": {"n": 3}}
    three.close()
    four.close()


def _open_and_put(path: Path, names: list[str]) -> None:
    for name in names:
        store = opened(path)
        asyncio.run(store.put(name, {"name": name}))
        store.close()


def test_processes_that_come_and_go_lose_nothing(path: Path) -> None:
    """Each opening may be the one that compacts, beside others that open, write and close."""
    names = [[f"{worker}-{n}" for n in range(25)] for worker in range(3)]
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_open_and_put, args=(path, mine)) for mine in names]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(LIMIT_S)
        assert worker.exitcode == 0
    store = opened(path)
    assert {key for key, _ in store.items()} == {name for mine in names for name in mine}
    store.close()


async def test_a_line_that_is_none_is_refused_and_named(path: Path) -> None:
    store = opened(path)
    await store.put("a", {})
    store.close()
    log = path.with_name("customers.json.log")
    log.write_bytes(log.read_bytes() + b"nonsense\n")
    with pytest.raises(StoreCorrupt, match=f"the line at byte {log.stat().st_size - 9}"):
        opened(path)
