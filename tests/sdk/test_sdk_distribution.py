"""Wheel and sdist: what is in them, and that the wheel alone is enough for the README's examples, as they stand."""

import ast
import os
import re
import subprocess
import sys
import tarfile
from email.parser import Parser
from importlib.metadata import distribution, packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from stack_process import StackProcess

SDK = Path(__file__).resolve().parents[2] / "sdk"
EXAMPLES = re.findall(r"```python\n(.*?)```", (SDK / "README.md").read_text(), re.DOTALL)
GENERATED = ("gateway", "vault", "provider_sim", "ledger_jobs")
INDEX_TIMEOUT_S = 60


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist."""
    folder = tmp_path_factory.mktemp("built")
    build(SDK, folder, "sdist", "wheel")
    return folder


def build(source: Path, folder: Path, *kinds: str) -> None:
    targets = [argument for kind in kinds for argument in ("--target", kind)]
    command = [sys.executable, "-m", "hatchling", "build", *targets, "--directory", str(folder)]
    subprocess.run(command, cwd=source, capture_output=True, check=True)


@pytest.fixture(scope="module")
def python(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that was empty, and has the wheel and what it asks for."""
    environment = tmp_path_factory.mktemp("user") / "venv"
    interpreter = environment / "bin" / "python"
    uv("venv", "--quiet", "--no-project", "--python", sys.executable, str(environment))
    wanted = [f"{name}=={distribution(name).version}" for name in sorted(needed(["payrail-sdk"]))]
    pins = environment.parent / "pins.txt"
    pins.write_text("\n".join(pin for pin in wanted if not pin.startswith("payrail-sdk")))
    install = [
        "pip",
        "install",
        "--quiet",
        "--python",
        str(interpreter),
        "--constraint",
        str(pins),
        str(wheel(built)),
    ]
    # The versions that this environment has lie in the cache; the index is asked only where they do not.
    try:
        uv(*install, "--offline")
    except subprocess.CalledProcessError:
        uv(*install)
    return interpreter


def uv(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "uv", *arguments],
        env=os.environ | {"UV_HTTP_TIMEOUT": str(INDEX_TIMEOUT_S), "UV_SYSTEM_CERTS": "1"},
        capture_output=True,
        check=True,
        timeout=5 * INDEX_TIMEOUT_S,
    )


def wheel(folder: Path) -> Path:
    return next(folder.glob("payrail_sdk-*.whl"))


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


def run(python: Path, program: str, base_url: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [str(python), "-c", program],
        env=environment | {"PAYRAIL_BASE_URL": base_url},
        cwd=python.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_readme_has_examples() -> None:
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("example", EXAMPLES, ids=["payment", "errors", "options", "lists", "webhooks"])
def test_example_runs(example: str, python: Path, gateway: StackProcess) -> None:
    if "webhooks" in example:
        run(python, EXAMPLES[0], gateway.url())
    done = run(python, example, gateway.url())
    assert done.returncode == 0, done.stderr
    if "payments.capture" in example:
        assert done.stdout.startswith("CAPTURED 1999 EUR\n")
    if "CardError" in example:
        assert done.stdout.startswith("card_expired ")
    if "with_raw_response" in example:
        assert done.stdout == "201 False CREATED\n"
    if "webhooks.verify" in example:
        assert done.stdout == "payment.captured 1999\n"


def test_the_environment_has_nothing_of_the_server(python: Path) -> None:
    program = "import importlib.util as u; assert u.find_spec('payrail') is None and u.find_spec('connexion') is None"
    done = run(python, program)
    assert done.returncode == 0, done.stderr


def test_wheel_holds_all_that_is_public_and_its_types(python: Path, built: Path) -> None:
    imports = ", ".join(f"payrail_sdk.{name}.models" for name in GENERATED)
    program = (
        f"from payrail_sdk import *\nimport {imports}\nprint(__version__, GENERATOR, len(CONTRACT_VERSIONS))"
    )
    done = run(python, program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" 4\n")
    assert "payrail_sdk/py.typed" in ZipFile(wheel(built)).namelist()


def test_metadata_names_readme_license_and_python(built: Path) -> None:
    archive = ZipFile(wheel(built))
    name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Name"] == "payrail-sdk"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_payload() == (SDK / "README.md").read_text()


def test_wheel_made_from_the_sdist_is_the_same(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("payrail_sdk-*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    build(next(tmp_path.glob("payrail_sdk-*")), tmp_path, "wheel")
    assert contents(wheel(tmp_path)) == contents(wheel(built))


def contents(path: Path) -> dict[str, bytes]:
    archive = ZipFile(path)
    return {name: archive.read(name) for name in archive.namelist()}


def test_it_asks_for_what_it_imports_and_nothing_else() -> None:
    imported = {
        name.partition(".")[0]
        for module in (SDK / "payrail_sdk").rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        for name in names_of(node)
    }
    owners = packages_distributions()
    used = {owners[name][0] for name in imported - sys.stdlib_module_names - {"payrail_sdk"}}
    asked_for = {Requirement(each).name for each in distribution("payrail-sdk").requires or []}
    assert used == asked_for


def names_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
