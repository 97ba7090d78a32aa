"""The pytest plugin: the fixtures `payrail` and `payrail_session`.

pytest imports this module in every project where PayRail is installed, so it imports nothing of PayRail itself.
"""

import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from payrail.testing.stack import PayRailStack

_MARKER = (
    "payrail(*, verify=True, **settings): how the fixture `payrail` starts its stack, such as seed=7, "
    "breaker_failure_threshold=2; verify=False leaves out the proof of the data files at the end"
)
_failed = pytest.StashKey[bool]()
_stack = pytest.StashKey["PayRailStack"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options and ini values of the plugin."""
    group = parser.getgroup("payrail", "PayRail, a payment gateway in the tests' process")
    group.addoption(
        "--payrail-keep-data",
        type=Path,
        metavar="DIR",
        help="Keep the data of every stack in a folder of DIR. By default only a test that fails keeps its own.",
    )
    group.addoption(
        "--payrail-seed", type=int, help="The seed of all fates. Overrides ini value payrail_seed."
    )
    parser.addini("payrail_seed", "The seed of all fates that no card fixes.", default="42")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def payrail(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["PayRailStack"]:
    """A whole PayRail for this test alone, in this process: clients, failures, clock, files.

    The test fails if the files it leaves do not verify. `@pytest.mark.payrail(...)` takes settings.
    """
    with _running(request, tmp_path_factory, _marked(request.node)) as stack:
        yield stack


@pytest.fixture(scope="session")
def payrail_session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["PayRailStack"]:
    """One PayRail for all tests that ask for it: they share its data, its failures and its clock."""
    with _running(request, tmp_path_factory, {}) as stack:
        yield stack


def _marked(test: pytest.Item) -> dict[str, Any]:
    """What the markers of the test, its class and its module say together; the nearest has the last word."""
    settings: dict[str, Any] = {}
    for marker in reversed(list(test.iter_markers("payrail"))):
        if marker.args:
            pytest.fail("@pytest.mark.payrail takes settings by name, such as seed=7", pytrace=False)
        settings |= marker.kwargs
    return settings


@contextmanager
def _running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]
) -> Iterator["PayRailStack"]:
    from payrail.testing.stack import running_payrail

    kept = request.config.getoption("payrail_keep_data")
    data_dir = _new_folder(kept, request.node.name) if kept else tmp_path_factory.mktemp("payrail") / "data"
    with running_payrail(data_dir, **{"seed": _seed(request.config), **settings}) as stack:
        request.node.stash[_stack] = stack
        yield stack
    # Reached only when the data verify: what does not is kept to be looked at, as what a failed test leaves is.
    if not kept and not request.node.stash.get(_failed, False):
        shutil.rmtree(data_dir.parent, ignore_errors=True)


def _new_folder(parent: Path, test: str) -> Path:
    """A folder named for the test that was not there yet: a stack takes up nothing that another one left, and shares
    nothing with it."""
    name = re.sub(r"[^\w.-]+", "-", test).strip("-") or "session"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(parent / one for one in names if _made(parent / one))


def _made(folder: Path) -> bool:
    """Whether the folder was made by this call: pytest-xdist runs several at once, and one of them gets the name."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def _seed(config: pytest.Config) -> int:
    given: int | None = config.getoption("payrail_seed")
    if given is not None:
        return given
    value = config.getini("payrail_seed")
    try:
        return int(value)
    except ValueError:
        pytest.fail(f"ini value payrail_seed must be a whole number, not {value!r}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell of a test that failed where its data are, and what was asked of the stack last."""
    report = yield
    if report.failed:
        item.stash[_failed] = item.session.stash[_failed] = True
        report.sections += [(name, stack.account()) for name, stack in _stacks_of(item)]
    return report


def _stacks_of(item: pytest.Item) -> Iterator[tuple[str, "PayRailStack"]]:
    """The stacks that a test has to do with, whichever way it came by its own: a fixture that failed on it, too."""
    own, shared = item.stash.get(_stack, None), item.session.stash.get(_stack, None)
    if own is not None:
        yield "payrail", own
    if shared is not None and "payrail_session" in getattr(item, "fixturenames", ()):
        yield "payrail_session", shared
