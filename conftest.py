"""What holds for all tests: the same examples of a property in every run, and no limit on the time that one takes.

Where PAYRAIL_SEEN names a folder, each process leaves there what the services answered.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from seen_answers import Seen, SeenAnswers

# As Hypothesis does by itself where CI is set: a machine that pauses breaks no property, and what fails fails again.
settings.register_profile(
    "payrail", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("payrail")

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
