"""What holds for all tests: the same examples of a property in every run, no limit on the time that one takes, and
nothing of PayRail's settings or of proxies in the environment.

Where PAYRAIL_SEEN names a folder, each process leaves there what the services answered.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from seen_answers import Seen, SeenAnswers
from stack_process import is_setting

# As Hypothesis does by itself where CI is set: a machine that pauses breaks no property, and what fails fails again.
settings.register_profile(
    "payrail", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# What these examples never find, others may: `pytest --hypothesis-profile search`.
settings.register_profile("search", settings.get_profile("payrail"), derandomize=False, print_blob=True)
settings.load_profile("payrail")

SEEN = pytest.StashKey[SeenAnswers]()


def pytest_configure(config: pytest.Config) -> None:
    clean_environment()
    if "PAYRAIL_SEEN" in os.environ:
        config.stash[SEEN] = SeenAnswers()
        config.stash[SEEN].watch()


def clean_environment() -> None:
    """Take away what somebody has set for a stack of their own, and have no proxy asked for this machine."""
    for name in filter(is_setting, list(os.environ)):
        del os.environ[name]
    direct = [os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, direct))


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
