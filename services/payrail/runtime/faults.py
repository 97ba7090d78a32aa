"""Named fault points: the hook by which crash tests kill a process at one exact step.

A module declares its points at import and passes them in code::

    BEFORE_SWAP = faults.declare("vault.rotation.before_swap", "the new key is saved, no card uses it")
    ...
    faults.point(BEFORE_SWAP)

Nothing happens until a point is armed. Two ways to arm one:

- the environment ``PAYRAIL_FAULT=name`` or ``PAYRAIL_FAULT=name:3``: the process kills itself with SIGKILL
  at the first, or the third, passage. Nothing is flushed and no handler runs, as in a power cut of the
  process.
- ``with faults.armed(name, callback):`` in a test of the same process: the callback runs at each passage,
  in the thread that passes; what it raises is raised at the point.

``known()`` lists every declared point, so that a crash test can go through all of them.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

ENVIRONMENT_NAME = "PAYRAIL_FAULT"

_known: dict[str, str] = {}
_armed: dict[str, Callable[[], None]] = {}


class UnknownFaultPoint(LookupError):
    """A point was passed or armed that no module declared: a misspelt name would make a crash test prove
    nothing."""


def declare(name: str, description: str) -> str:
    """Make a point known and return its name. Declaring the same name again changes only its description."""
    _known[name] = description
    return name


def known() -> Mapping[str, str]:
    """Every declared point with its description, in the order of declaration."""
    return dict(_known)


def point(name: str) -> None:
    """Pass a fault point: one look at a dictionary that is empty unless something is armed."""
    if _armed:
        _strike(name)


def is_armed(name: str) -> bool:
    """Whether passing the point would do something; for steps that must be split to be interrupted
    half-way."""
    return name in _armed


@contextmanager
def armed(name: str, callback: Callable[[], None]) -> Iterator[None]:
    """Run ``callback`` whenever the point is passed, until the block ends."""
    if name not in _known:
        raise UnknownFaultPoint(name)
    previous = _armed.get(name)
    _armed[name] = callback
    try:
        yield
    finally:
        if previous is None:
            _armed.pop(name, None)
        else:
            _armed[name] = previous


def arm_from_environment(environment: Mapping[str, str] = os.environ) -> None:
    """Arm what ``PAYRAIL_FAULT`` names. Called once at import; the point itself may be declared later."""
    value = environment.get(ENVIRONMENT_NAME, "")
    if not value:
        return
    name, _, nth = value.partition(":")
    _armed[name] = _killer(int(nth) if nth else 1)


def _strike(name: str) -> None:
    if name not in _known:
        raise UnknownFaultPoint(name)
    action = _armed.get(name)
    if action is not None:
        action()


def _killer(nth: int) -> Callable[[], None]:
    remaining = nth

    def kill_at_last() -> None:
        nonlocal remaining
        remaining -= 1
        if remaining <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return kill_at_last


arm_from_environment()
