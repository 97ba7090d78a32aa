"""Fault points do nothing unless armed, and kill at exactly the named passage when they are."""

import os
import signal
import subprocess
import sys

import pytest

from payrail.runtime import faults
from waiting import LIMIT_S

POINT = faults.declare("test.faults.step", "a step of this test")


def test_a_point_that_is_not_armed_does_nothing() -> None:
    faults.point(POINT)
    faults.point("test.faults.never_declared")


def test_a_declared_point_is_known_with_its_description() -> None:
    assert faults.known()[POINT] == "a step of this test"


def test_an_armed_callback_runs_at_its_point_only_and_only_within_the_block() -> None:
    passages: list[str] = []
    other = faults.declare("test.faults.other", "another step")
    with faults.armed(POINT, lambda: passages.append("step")):
        faults.point(POINT)
        faults.point(other)
        assert faults.is_armed(POINT)
        assert not faults.is_armed(other)
    faults.point(POINT)
    assert passages == ["step"]


def test_nested_arming_restores_the_outer_callback() -> None:
    passages: list[str] = []
    with faults.armed(POINT, lambda: passages.append("outer")):
        with faults.armed(POINT, lambda: passages.append("inner")):
            faults.point(POINT)
        faults.point(POINT)
    assert passages == ["inner", "outer"]


def test_a_misspelt_point_cannot_be_armed_nor_passed_while_something_is_armed() -> None:
    with pytest.raises(faults.UnknownFaultPoint), faults.armed("test.faults.stepp", lambda: None):
        pass
    with faults.armed(POINT, lambda: None), pytest.raises(faults.UnknownFaultPoint):
        faults.point("test.faults.never_declared")


@pytest.mark.parametrize(("armed", "passages"), [("test.child", 1), ("test.child:3", 3)])
def test_the_environment_kills_the_process_at_the_nth_passage(armed: str, passages: int) -> None:
    program = (
        "from payrail.runtime import faults\n"
        "name = faults.declare('test.child', 'a step')\n"
        "for n in range(5):\n"
        "    print(n, flush=True)\n"
        "    faults.point(name)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, faults.ENVIRONMENT_NAME: armed},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    assert len(child.stdout.splitlines()) == passages
