"""A project outside this repository has the two wheels, what they ask for, and the examples of docs/testing.md."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
STEP_S_MAX = 300
EXAMPLE_LINES_MAX = 30
MANUAL = (ROOT / "docs" / "testing.md").read_text()
EXAMPLE, MARKED = re.findall(r"^```python\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program that nothing of this checkout reaches; what it said. It must succeed."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL"))
    }
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=kept | {"UV_HTTP_TIMEOUT": "60", "UV_SYSTEM_CERTS": "1"},
        capture_output=True,
        text=True,
        timeout=STEP_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built_wheel(source: Path, directory: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", directory, cwd=source)
    (wheel,) = directory.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an environment of its own. The packages have the versions that are tested here."""
    project = tmp_path_factory.mktemp("project")
    server = built_wheel(ROOT, tmp_path_factory.mktemp("server"))
    sdk = built_wheel(ROOT / "sdk", tmp_path_factory.mktemp("sdk"))
    pins = project / "pins.txt"
    pins.write_text(
        "\n".join(
            re.findall(r"^[\w.-]+==[^\s\\;]+", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE)
        )
    )
    run(UV, "venv", "--quiet", "--python", sys.executable, project / "env", cwd=project)
    run(
        UV, "pip", "install", "--quiet", "--python", project / "env", "--constraint", pins,
        sdk, f"payrail[testing] @ {server.as_uri()}",
        cwd=project,
    )  # fmt: skip
    return project


def test_example_is_short() -> None:
    assert len(EXAMPLE.splitlines()) <= EXAMPLE_LINES_MAX


def test_examples_pass_with_nothing_but_the_two_wheels(project: Path) -> None:
    (project / "test_shop.py").write_text(EXAMPLE)
    (project / "test_breaker.py").write_text(MARKED)
    said = run(
        project / "env/bin/python", "-m", "pytest", "-rA", "--color=no", "-p", "no:cacheprovider", cwd=project
    )
    passed = re.findall(r"^PASSED test_\w+\.py::test_(\w+)", said, re.MULTILINE)
    assert [name.split("_")[0] for name in passed] == ["breaker", "lost", "late", "authorization"], said
    where = run(project / "env/bin/python", "-c", "import payrail; print(payrail.__path__)", cwd=project)
    assert str(ROOT) not in where


def test_strict_type_checker_knows_what_the_example_uses(project: Path, pytestconfig: pytest.Config) -> None:
    program = project / "typed.py"
    program.write_text(
        f"{MARKED}\n{EXAMPLE}\n\ndef wrong(payrail: PayRailStack) -> None:\n    payrail.clock.advance(weeks=1)\n"
    )
    environment = ["--python-executable", project / "env/bin/python"]
    cache = ["--cache-dir", pytestconfig.rootpath / ".mypy_cache" / "outside-project"]
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-color-output",
        "--config-file=",
        *environment,
        *cache,
        program,
    ]
    done = subprocess.run(
        [*map(str, command)], cwd=project, capture_output=True, text=True, timeout=STEP_S_MAX, check=False
    )
    (line,) = [line for line in done.stdout.splitlines() if "error:" in line]
    assert 'Unexpected keyword argument "weeks"' in line
