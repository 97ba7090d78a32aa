"""What holds for all tests: examples are the same in every run, and no setting or proxy of the machine takes part.

Where PAYRAIL_SEEN names a folder, each process leaves there what the services answered.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from payrail.runtime.settings import Settings
from seen_answers import Seen, SeenAnswers

# A slow moment proves nothing of an example, and what a run finds by chance the next one does not show. To look for
# what the same examples never find: `pytest --hypothesis-profile search`.
settings.register_profile(
    "same",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("same"), derandomize=False, print_blob=True)
settings.load_profile("same")

for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
    del os.environ[name]
for name in ("NO_PROXY", "no_proxy"):
    os.environ[name] = f"{os.environ.get(name, '')},127.0.0.1"

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
