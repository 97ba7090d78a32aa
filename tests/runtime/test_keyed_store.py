"""The keyed store keeps every acknowledged change through crashes, and no request rewrites the document."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payrail.runtime import faults
from payrail.runtime.append_log import LockHeld, LogUnavailable
from payrail.runtime.keyed_store import KeyedStore, StoreCorrupt, StoreFaults
from waiting import LIMIT_S

CHILD = Path(__file__).with_name("keyed_store_child.py")
ROUNDS = 200
StoreFaults("test.store")


def store_points() -> list[str]:
    return [name for name in faults.known() if name.startswith("test.store.")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[KeyedStore]:
    opened = KeyedStore.open(path, name="test.store", compact_above_bytes=400)
    yield opened
    await opened.close()


async def reopened(path: Path) -> dict[str, object]:
    store = KeyedStore.open(path)
    items: dict[str, object] = dict(store.items())
    await store.close()
    return items


async def test_records_are_there_after_reopening(store: KeyedStore, path: Path) -> None:
    await store.put("a", {"n": 1})
    await store.put("b", {"n": 2})
    await store.put("a", {"n": 3})
    await store.delete("b")
    assert (store.get("a"), store.get("b"), "a" in store, "b" in store, len(store)) == (
        {"n": 3},
        None,
        True,
        False,
        1,
    )
    await store.close()
    assert await reopened(path) == {"a": {"n": 3}}


async def test_the_snapshot_is_readable_json_with_one_record_per_line(store: KeyedStore, path: Path) -> None:
    await store.apply(put={"a": {"n": 1}, "b": {"text": "é\n"}})
    await store.compact()
    assert json.loads(path.read_bytes()) == {"version": 1, "items": {"a": {"n": 1}, "b": {"text": "é\n"}}}
    assert path.read_text("utf-8").splitlines()[1:3] == ['"a":{"n":1},', '"b":{"text":"é\\n"}']


async def test_a_change_shows_only_once_it_is_durable(store: KeyedStore) -> None:
    pending = store.submit(put={"a": {"n": 1}})
    assert store.get("a") is None
    await pending
    assert store.get("a") == {"n": 1}


async def test_a_change_whose_caller_gave_up_shows_as_well(store: KeyedStore, path: Path) -> None:
    task = asyncio.ensure_future(store.put("a", {"n": 1}))
    await asyncio.sleep(0)
    task.cancel()
    await store.put("b", {"n": 2})
    assert dict(store.items()) == {"a": {"n": 1}, "b": {"n": 2}}
    await store.close()
    assert await reopened(path) == {"a": {"n": 1}, "b": {"n": 2}}


async def test_a_change_the_disk_refused_leaves_the_record_as_it_was(store: KeyedStore, path: Path) -> None:
    await store.put("a", {"n": 1})

    def fail() -> None:
        raise OSError(28, "no space")

    with faults.armed("test.store.half_written", fail), pytest.raises(LogUnavailable, match="No space left"):
        await store.put("a", {"n": 2})
    assert store.get("a") == {"n": 1}
    await store.put("b", {"n": 3})
    await store.close()
    assert await reopened(path) == {"a": {"n": 1}, "b": {"n": 3}}


async def test_requests_append_and_leave_the_snapshot_alone(path: Path) -> None:
    store = KeyedStore.open(path)
    before = path.stat()
    for n in range(200):
        await store.put(f"k{n}", {"n": n})
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    await store.close()


async def test_compaction_bounds_the_log_and_loses_nothing(store: KeyedStore, path: Path) -> None:
    log = path.with_name("tokens.json.log")
    for n in range(300):
        await store.put(f"k{n % 7}", {"n": n})
    await store.compact()
    assert log.stat().st_size == 0
    await store.close()
    assert await reopened(path) == {f"k{n % 7}": {"n": n} for n in range(293, 300)}


async def test_requests_go_on_while_the_snapshot_is_written(store: KeyedStore, path: Path) -> None:
    """The snapshot is held back until requests that came after its start are acknowledged."""
    go_on = threading.Event()
    await store.put("a", {"n": 1})
    with faults.armed("test.store.snapshot.before_replace", lambda: _wait(go_on)):
        compaction = asyncio.create_task(store.compact())
        await asyncio.sleep(0)
        await store.apply(put={"b": {"n": 2}}, delete=["a"])
        assert not compaction.done()
        go_on.set()
        await compaction
    assert json.loads(path.read_text())["items"] == {"a": {"n": 1}}
    await store.put("c", {"n": 3})
    await store.close()
    assert await reopened(path) == {"b": {"n": 2}, "c": {"n": 3}}


async def test_compaction_takes_in_what_changed_while_an_earlier_one_ran(
    store: KeyedStore, path: Path
) -> None:
    go_on = threading.Event()
    await store.put("a", {"n": 1})
    with faults.armed("test.store.snapshot.before_replace", lambda: _wait(go_on)):
        earlier = asyncio.create_task(store.compact())
        await asyncio.sleep(0)
        await store.put("a", {"n": 2})
        later = asyncio.create_task(store.compact())
        go_on.set()
        await asyncio.gather(earlier, later)
    assert json.loads(path.read_text())["items"] == {"a": {"n": 2}}
    assert path.with_name("tokens.json.log").read_bytes() == b""


async def test_closing_waits_for_a_running_compaction(path: Path) -> None:
    store = KeyedStore.open(path, name="test.store")
    go_on = threading.Event()
    await store.put("a", {"n": 1})
    with faults.armed("test.store.snapshot.before_replace", lambda: _wait(go_on)):
        compaction = asyncio.create_task(store.compact())
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        assert not closing.done()
        go_on.set()
        await closing
    await compaction
    assert path.with_name("tokens.json.log").read_bytes() == b""


async def test_a_failed_compaction_keeps_the_log_and_the_store_goes_on(
    store: KeyedStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    with faults.armed("test.store.snapshot.before_replace", fail):
        for n in range(40):
            await store.put(f"k{n}", {"n": n})
        await store.compact()
    assert "could not be compacted" in caplog.text
    await store.close()
    assert await reopened(path) == {f"k{n}": {"n": n} for n in range(40)}


@pytest.mark.usefixtures("store")
async def test_a_second_writer_is_refused(path: Path) -> None:
    with pytest.raises(LockHeld, match=f"process {os.getpid()}"):
        KeyedStore.open(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokens.json", b'{"version":1,"items":', "tokens.json cannot be read"),
        ("tokens.json", b'{"version":2,"items":{}}', "format version 2"),
        ("tokens.json", b"\xff", "tokens.json cannot be read"),
        ("tokens.json.log", b'{"put":{}}\nnonsense\n', "tokens.json.log, the line at byte 11"),
        ("tokens.json.log", b'{"set":{}}\n', "tokens.json.log, the line at byte 0"),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_touched(
    path: Path, name: str, content: bytes, message: str
) -> None:
    path.with_name(name).write_bytes(content)
    for _ in range(2):  # The lock of the refused open is free again.
        with pytest.raises(StoreCorrupt, match=message):
            KeyedStore.open(path)
    assert path.with_name(name).read_bytes() == content


async def test_modes_hold_for_every_file_of_the_store(tmp_path: Path) -> None:
    store = KeyedStore.open(tmp_path / "secret.json", mode=0o600)
    await store.put("a", {})
    await store.compact()
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    assert set(modes.values()) == {"0o600"}, modes
    await store.close()


@pytest.mark.parametrize("passage", [1, 4])
@pytest.mark.parametrize("point", store_points())
async def test_a_killed_process_loses_nothing_acknowledged_and_leaves_nothing_half(
    path: Path, point: str, passage: int
) -> None:
    """Killed at every step there is; each change is two puts and a delete, all of them there or none."""
    acknowledged = _run_child(path, f"{point}:{passage}")
    items = await reopened(path)
    last = items.get("last", {"n": -1})
    assert isinstance(last, dict)
    n = last["n"]
    assert acknowledged - 1 <= n <= acknowledged, (
        "at most the one change in flight may show beyond the acknowledged"
    )
    assert items == _state_after(n)


async def test_a_process_killed_again_and_again_goes_on_where_it_was(path: Path) -> None:
    for point in ("snapshot.after_replace", "before_discard", "half_written", "after_discard"):
        _run_child(path, f"test.store.{point}:2")
    assert _run_child(path, "") == ROUNDS
    assert await reopened(path) == _state_after(ROUNDS - 1)


def _run_child(path: Path, fault: str) -> int:
    """How many changes the child acknowledged before it was killed, or before it ended if nothing is
    armed."""
    environment = {**os.environ, faults.ENVIRONMENT_NAME: fault}
    child = subprocess.run(
        [sys.executable, str(CHILD), str(path), str(ROUNDS)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert child.returncode == (-signal.SIGKILL if fault else 0), child.stderr
    return len(child.stdout.splitlines())


def _state_after(n: int) -> dict[str, dict[str, int]]:
    if n < 0:
        return {}
    return {"last": {"n": n}} | {f"k{i}": {"n": i} for i in range(max(0, n - 2), n + 1)}


def _wait(event: threading.Event) -> None:
    assert event.wait(LIMIT_S)


changes = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    ),
    max_size=30,
)


@settings(max_examples=30)
@given(changes=changes, compact_every=st.integers(1, 9))
def test_any_sequence_of_changes_reads_back_as_a_plain_dict_would(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[str, dict[str, str] | None]],
    compact_every: int,
) -> None:
    path = tmp_path_factory.mktemp("store") / "tokens.json"
    expected: dict[str, object] = {}

    async def run() -> dict[str, object]:
        store = KeyedStore.open(path)
        for n, (key, record) in enumerate(changes):
            if record is None:
                expected.pop(key, None)
                await store.delete(key)
            else:
                expected[key] = record
                await store.put(key, record)
            if n % compact_every == 0:
                await store.compact()
        assert dict(store.items()) == expected
        await store.close()
        return await reopened(path)

    assert asyncio.run(run()) == expected
