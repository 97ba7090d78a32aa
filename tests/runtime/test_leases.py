"""Leases: one holder at a time, in one process or several, and free at once when the holder dies."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from payrail.runtime.leases import Leases
from waiting import LIMIT_S

HOLDER = """
import sys
from pathlib import Path
from payrail.runtime.leases import Leases
leases = Leases(Path(sys.argv[1]))
for name in sys.stdin:
    print(leases.acquire(name.strip()), flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "leases.lock"


@pytest.fixture
def leases(path: Path) -> Iterator[Leases]:
    opened = Leases(path)
    yield opened
    opened.close()


@contextmanager
def _other_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield other
    finally:
        other.kill()
        other.communicate()


def _acquire(other: subprocess.Popen[str], name: str) -> bool:
    assert other.stdin is not None
    assert other.stdout is not None
    other.stdin.write(name + "\n")
    other.stdin.flush()
    return other.stdout.readline() == "True\n"


def test_a_lease_has_one_holder_within_a_process(leases: Leases) -> None:
    assert leases.acquire("att_1")
    assert not leases.acquire("att_1")
    assert leases.acquire("att_2")
    leases.release("att_1")
    assert leases.acquire("att_1")


def test_a_block_says_whether_the_lease_was_free_and_frees_only_what_it_took(leases: Leases) -> None:
    with leases.hold("att_1") as outer:
        with leases.hold("att_1") as inner:
            assert (outer, inner) == (True, False)
        assert not leases.acquire("att_1"), "the inner block freed what it did not hold"
    assert leases.acquire("att_1")


def test_a_block_that_raises_frees_its_lease(leases: Leases) -> None:
    with pytest.raises(KeyError), leases.hold("att_1"):
        raise KeyError
    assert leases.acquire("att_1")


def test_another_process_is_kept_out_and_gets_what_is_released(leases: Leases, path: Path) -> None:
    with _other_process(path) as other:
        assert leases.acquire("att_1")
        assert not _acquire(other, "att_1")
        assert _acquire(other, "att_2")
        assert not leases.acquire("att_2")
        leases.release("att_1")
        assert _acquire(other, "att_1")
        assert not leases.acquire("att_1")


def test_a_process_that_is_killed_frees_everything_it_held(leases: Leases, path: Path) -> None:
    with _other_process(path) as other:
        for number in range(20):
            assert _acquire(other, f"att_{number}")
        assert not leases.acquire("att_7")
        other.kill()
        other.wait(LIMIT_S)
        assert all(leases.acquire(f"att_{number}") for number in range(20))


def test_closing_frees_everything(path: Path) -> None:
    leases = Leases(path)
    assert leases.acquire("att_1")
    with _other_process(path) as other:
        assert not _acquire(other, "att_1")
        leases.close()
        assert _acquire(other, "att_1")


def test_the_lease_file_stays_empty(leases: Leases, path: Path) -> None:
    for number in range(100):
        leases.acquire(f"att_{number}")
    assert path.stat().st_size == 0
    assert list(path.parent.iterdir()) == [path]
