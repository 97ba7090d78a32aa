"""What is generated and what the contracts give cannot part without the test command saying so."""

import shutil
import subprocess
import sys
from pathlib import Path

import bundles
import pytest

from node_tools import NODE_MAJOR_MIN, node_major

sys.path.insert(0, str(bundles.ROOT / "openapi"))

from drift import differences
from generate import generated_files

#: One file of each place that belongs to the generator.
FILES = [
    "services/payrail/contracts/ledger-jobs.json",
    "sdk/payrail_sdk/_generated.json",
    "sdk/payrail_sdk/gateway/__init__.py",
    "sdk/payrail_sdk/provider_sim/models/provider_state.py",
    "frontend/src/gen/gateway.ts",
]
STRAYS = [
    "services/payrail/contracts/payouts.json",
    "sdk/payrail_sdk/vault/api/cards/forgotten.py",
    "sdk/payrail_sdk/ledger_jobs/notes.txt",
    "frontend/src/gen/vault.ts",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of everything that is generated."""
    root = tmp_path / "checkout"
    for name, path in generated_files(bundles.ROOT).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, root / name)
    return root


def test_untouched_checkout_does_not_differ(checkout: Path) -> None:
    assert differences(checkout, bundles.ROOT) == []
    assert len(generated_files(checkout)) > 100


@pytest.mark.parametrize("name", FILES)
def test_deleted_file_is_named(name: str, checkout: Path) -> None:
    (checkout / name).unlink()
    assert differences(checkout, bundles.ROOT) == [f"{name}: is missing"]


@pytest.mark.parametrize("name", FILES)
def test_altered_file_is_named(name: str, checkout: Path) -> None:
    path = checkout / name
    path.write_text(path.read_text() + "\n")
    assert differences(checkout, bundles.ROOT) == [f"{name}: differs from what its contract gives"]


@pytest.mark.parametrize("name", STRAYS)
def test_file_too_many_is_named(name: str, checkout: Path) -> None:
    (checkout / name).parent.mkdir(parents=True, exist_ok=True)
    (checkout / name).write_text("left behind")
    assert differences(checkout, bundles.ROOT) == [f"{name}: is generated from no contract"]


@pytest.mark.skipif(node_major() < NODE_MAJOR_MIN, reason=f"generation needs Node {NODE_MAJOR_MIN} or newer")
def test_changed_contract_without_regenerating_fails_and_says_what_to_run(checkout: Path) -> None:
    """Together with a deleted and an altered file, by the command that `make test` runs."""
    openapi = checkout / "openapi"
    shutil.copytree(bundles.ROOT / "openapi", openapi, ignore=shutil.ignore_patterns("node_modules"))
    for folder in ("openapi", "frontend"):
        (checkout / folder / "node_modules").symlink_to(bundles.ROOT / folder / "node_modules")
    contract = openapi / "gateway" / "clock.yaml"
    contract.write_text(contract.read_text().replace("operationId: get_clock", "operationId: read_clock"))
    (checkout / FILES[0]).unlink()
    (checkout / FILES[3]).write_text("altered")

    command = [sys.executable, str(openapi / "drift.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert {
        f"{FILES[0]}: is missing",
        f"{FILES[3]}: differs from what its contract gives",
        "services/payrail/contracts/gateway.json: differs from what its contract gives",
        "sdk/payrail_sdk/_generated.json: differs from what its contract gives",
        "sdk/payrail_sdk/gateway/api/clock/get_clock.py: is generated from no contract",
        "sdk/payrail_sdk/gateway/api/clock/read_clock.py: is missing",
        "frontend/src/gen/gateway.ts: differs from what its contract gives",
    } == set(lines[:-1])
    assert lines[-1].endswith("Run `make generate` and commit the result.")


def test_the_test_command_looks_for_drift() -> None:
    command = ["make", "--dry-run", "test"]
    planned = subprocess.run(command, cwd=bundles.ROOT, capture_output=True, text=True, check=True)
    with_node = node_major() >= NODE_MAJOR_MIN
    assert ("openapi/drift.py" in planned.stdout) is with_node
