"""What holds for all tests: where PAYRAIL_SEEN names a folder, each process leaves there what the services answered."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from seen_answers import Seen, SeenAnswers

SEEN = pytest.StashKey[SeenAnswers]()


def pytest_configure(config: pytest.Config) -> None:
    if "PAYRAIL_SEEN" in os.environ:
        config.stash[SEEN] = SeenAnswers()
        config.stash[SEEN].watch()


def pytest_sessionfinish(session: pytest.Session) -> None:
    seen = session.config.stash.get(SEEN, None)
    if seen is None:
        return
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    if worker == "main" and session.config.getoption("numprocesses", None):
        return  # The workers are who runs the tests.
    factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined] # noqa: SLF001
    seen.note_logs(factory.getbasetemp())
    seen.write(Path(os.environ["PAYRAIL_SEEN"]) / f"{worker}.json")


@pytest.fixture
def note_answer(pytestconfig: pytest.Config) -> Callable[[Seen], None]:
    """Takes answers of which no log can tell, because the test keeps the stack from writing it."""
    return pytestconfig.stash.get(SEEN, SeenAnswers()).add
