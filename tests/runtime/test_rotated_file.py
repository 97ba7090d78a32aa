"""A log that is set aside when it is full, by whichever process notices, without a line lost or torn."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from payrail.runtime.rotated_file import RotatedFile, parts_of
from waiting import LIMIT_S

CHILD = Path(__file__).with_name("rotated_file_child.py")


def contents(path: Path) -> list[bytes]:
    return [part.read_bytes() for part in parts_of(path)]


def test_a_full_file_is_set_aside_and_the_oldest_part_goes(tmp_path: Path) -> None:
    path = tmp_path / "made" / "some.log"
    file = RotatedFile(path, bytes_max=4, kept=2)
    for line in (b"a\n", b"b\n", b"cdef\n", b"g\nh\n", b"i\n"):
        file.write(line)
    assert contents(path) == [b"cdef\n", b"g\nh\n", b"i\n"]
    file.close()
    assert [part.name for part in parts_of(path)] == ["some.log.2", "some.log.1", "some.log"]


def test_fewer_parts_are_kept_from_the_next_time_on(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    for kept, expected in ((12, 12), (2, 2)):
        file = RotatedFile(path, bytes_max=1, kept=kept)
        for number in range(15):
            file.write(b"%d\n" % number)
        file.close()
        assert contents(path) == [b"%d\n" % number for number in range(15 - expected, 15)]


def test_what_another_process_set_aside_is_noticed_before_the_next_line(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    one, other = (RotatedFile(path, bytes_max=6, kept=2) for _ in range(2))
    one.write(b"one\n")
    other.write(b"other\n")
    one.write(b"two\n")
    assert contents(path) == [b"one\nother\n", b"two\n"]
    for file in (one, other):
        file.close()


def test_a_closed_file_takes_nothing(tmp_path: Path) -> None:
    file = RotatedFile(tmp_path / "some.log", bytes_max=10, kept=1)
    file.close()
    with (tmp_path / "another").open("wb"), pytest.raises(ValueError, match="descriptor"):
        file.write(b"a\n")
    assert (tmp_path / "another").read_bytes() == b""


@pytest.mark.parametrize("bytes_max", [500, 20_000])
def test_lines_of_several_processes_are_all_there_whole_and_in_order(tmp_path: Path, bytes_max: int) -> None:
    path, names, lines = tmp_path / "some.log", ("a", "b", "c"), 1_500
    children = [
        subprocess.Popen(
            [sys.executable, str(CHILD), str(path), name, str(lines), str(bytes_max), "100000"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=LIMIT_S)
        assert child.returncode == 0
    # However much they were in each other's way, it was set aside by then, or is now.
    alone = RotatedFile(path, bytes_max=bytes_max, kept=100_000)
    alone.write(b'{"of":"alone"}\n')
    alone.close()
    parts = contents(path)
    written = [json.loads(line) for part in parts for line in part.splitlines()]
    for name in names:
        assert [line["n"] for line in written if line["of"] == name] == list(range(lines))
    assert path.with_name("some.log.1").exists()
    assert all(part.endswith(b"\n") for part in parts)
