"""The shared log: several processes append, each against all that was there before, and no crash splits a line."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from payrail.runtime import faults
from payrail.runtime.append_log import LogFaults, LogUnavailable
from payrail.runtime.shared_log import LogLineInvalid, SharedLog
from waiting import LIMIT_S, until

CHILD = Path(__file__).with_name("shared_log_child.py")
NAME = "test.shared"
LogFaults(NAME)
POINTS = [f"{NAME}.{point}" for point in ("before_append", "half_written", "before_sync", "after_sync")]


def opened(path: Path) -> tuple[SharedLog, list[bytes]]:
    lines: list[bytes] = []
    return SharedLog(path, lambda _offset, line: lines.append(line), name=NAME), lines


def child(path: Path, rounds: int, **env: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(CHILD), str(path), str(rounds)]
    return subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True)


async def test_what_one_appends_all_see_in_one_order(tmp_path: Path) -> None:
    path = tmp_path / "shared.jsonl"
    (one, seen_by_one), (two, seen_by_two) = opened(path), opened(path)
    await one.append(lambda: b"1")
    await two.append(lambda: b"2")
    await asyncio.gather(one.append(lambda: b"3"), two.append(lambda: b"4"), one.append(lambda: None))
    one.refresh()
    two.refresh()
    assert seen_by_one == seen_by_two == path.read_bytes().split()
    assert sorted(seen_by_one) == [b"1", b"2", b"3", b"4"]
    one.close()
    two.close()


async def test_what_was_decided_against_is_everything_before(tmp_path: Path) -> None:
    """Three processes count up together: no number is missing and none comes twice."""
    path = tmp_path / "shared.jsonl"
    children = [child(path, 40) for _ in range(3)]
    for one in children:
        assert one.wait(LIMIT_S) == 0
        assert one.stdout is not None
        one.stdout.close()
    assert [int(line) for line in path.read_text().split()] == list(range(1, 121))


@pytest.mark.parametrize("point", POINTS)
async def test_a_process_that_dies_leaves_a_whole_line_or_none(tmp_path: Path, point: str) -> None:
    path = tmp_path / "shared.jsonl"
    survivor, lines = opened(path)
    dying = child(path, 5, PAYRAIL_FAULT=f"{point}:3")
    said, _ = dying.communicate(timeout=LIMIT_S)
    assert dying.returncode == -signal.SIGKILL
    assert said.split() == ["ready", "1", "2"]
    await survivor.append(lambda: b"%d" % (int(lines[-1]) + 1))
    written = [b"1", b"2"] if point.endswith(("before_append", "half_written")) else [b"1", b"2", b"3"]
    assert lines == path.read_bytes().split() == [*written, b"%d" % (len(written) + 1)]
    assert (tmp_path / "shared.jsonl.quarantine").exists() == point.endswith("half_written")
    survivor.close()


@pytest.mark.parametrize("point", ["half_written", "before_sync"])
async def test_a_disk_that_refuses_leaves_nothing_behind_and_nobody_saw_it(
    tmp_path: Path, point: str
) -> None:
    path = tmp_path / "shared.jsonl"
    (log, lines), (other, seen) = opened(path), opened(path)
    await log.append(lambda: b"1")

    def fail() -> None:
        other.refresh()
        raise OSError(28, "no space")

    with faults.armed(f"{NAME}.{point}", fail), pytest.raises(LogUnavailable, match="No space left"):
        await log.append(lambda: b"2")
    other.refresh()
    assert lines == seen == path.read_bytes().split() == [b"1"]
    await log.append(lambda: b"3")
    assert lines == path.read_bytes().split() == [b"1", b"3"]
    log.close()
    other.close()


async def test_what_a_decision_raises_reaches_the_caller_and_the_next_one_goes_on(tmp_path: Path) -> None:
    log, lines = opened(tmp_path / "shared.jsonl")

    def refuse() -> bytes:
        raise LookupError("no")

    with pytest.raises(LookupError):
        await log.append(refuse)
    await log.append(lambda: b"1")
    assert lines == [b"1"]
    log.close()


async def test_a_caller_that_gave_up_does_not_take_its_line_back(tmp_path: Path) -> None:
    log, lines = opened(tmp_path / "shared.jsonl")
    task = asyncio.create_task(log.append(lambda: b"1"))
    await asyncio.sleep(0)
    task.cancel()
    await log.append(lambda: b"2")
    await until(lambda: sorted(lines) == [b"1", b"2"])  # In threads, of which either may be the first.
    log.close()


@pytest.mark.parametrize("garbage", [b"garbage", b'{"name":1}', b'{"name":"\xff"}'])
async def test_a_line_that_is_none_of_the_owners_is_named_and_left_alone(
    tmp_path: Path, garbage: bytes
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"name":"one"}\n' + garbage + b"\n")
    decode = msgspec.json.Decoder(dict[str, str]).decode

    def fold(_offset: int, line: bytes) -> None:
        decode(line)

    with pytest.raises(LogLineInvalid, match=r"log\.jsonl line 2 cannot be read: "):
        SharedLog(path, fold, name=NAME)
    assert path.read_bytes() == b'{"name":"one"}\n' + garbage + b"\n"


async def test_a_closed_log_refuses_lines_and_touches_no_other_file(tmp_path: Path) -> None:
    """The number of its descriptor is soon another file's; a late line must not get in there."""
    log, _ = opened(tmp_path / "shared.jsonl")
    log.close()
    other = (tmp_path / "other").open("wb+")
    with pytest.raises(LogUnavailable):
        await log.append(lambda: b"late")
    assert other.read() == b""
    other.close()
