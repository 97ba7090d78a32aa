"""The README's examples run as they stand, from the wheel, with nothing but what the wheel asks for."""

import os
import re
import subprocess
import sys
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from stack_process import StackProcess

SDK = Path(__file__).resolve().parents[2] / "sdk"
EXAMPLES = re.findall(r"```python\n(.*?)```", (SDK / "README.md").read_text(), re.DOTALL)
GENERATED = ("gateway", "vault", "provider_sim", "ledger_jobs")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel unpacked and links to the distributions that it asks for, and those ask for."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(site)]
    subprocess.run(command, cwd=SDK, capture_output=True, check=True)
    wheel = next(site.glob("payrail_sdk-*.whl"))
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    metadata = Parser().parsestr(next(site.glob("*.dist-info/METADATA")).read_text())
    for name in needed(metadata.get_all("Requires-Dist") or []):
        link_distribution(name, site)
    return site


def needed(requirements: list[str]) -> set[str]:
    """The names of all distributions that follow from these requirements."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        if (requirement.marker is None or requirement.marker.evaluate({"extra": ""})) and (
            requirement.name not in found
        ):
            found.add(requirement.name)
            waiting += distribution(requirement.name).requires or []
    return found


def link_distribution(name: str, site: Path) -> None:
    files = distribution(name).files or []
    for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
        (site / top).symlink_to(Path(str(distribution(name).locate_file(top))).resolve())


def run(program: str, site: Path, base_url: str) -> subprocess.CompletedProcess[str]:
    """Run a program that sees the standard library and `site`, and nothing else."""
    prelude = f"import sys; sys.path.insert(0, {str(site)!r})\n"
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-S", "-c", prelude + program],
        env=environment | {"PAYRAIL_BASE_URL": base_url},
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
    )


def test_readme_has_examples() -> None:
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("example", EXAMPLES, ids=["payment", "errors", "lists"])
def test_example_runs(example: str, installed: Path, gateway: StackProcess) -> None:
    done = run(example, installed, gateway.url())
    assert done.returncode == 0, done.stderr
    if "capture" in example:
        assert done.stdout.startswith("CAPTURED 1999 EUR\n")
    if "CardError" in example:
        assert done.stdout.startswith("card_expired ")


def test_wheel_holds_all_that_is_public(installed: Path) -> None:
    imports = ", ".join(f"payrail_sdk.{name}.models" for name in GENERATED)
    done = run(
        "from payrail_sdk import *\n"
        f"import {imports}\n"
        "print(__version__, GENERATOR, len(CONTRACT_VERSIONS))\n"
        "import importlib.util\n"
        "assert importlib.util.find_spec('payrail') is None",
        installed,
        "",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" 4\n")
    assert (installed / "payrail_sdk" / "py.typed").exists()
