"""Generators of other languages take the contracts, too: here OpenAPI Generator, which brings its own Java, for Go."""

import re
import subprocess
import sys
from pathlib import Path

import bundles
import pytest


@pytest.mark.parametrize("service", bundles.SERVICES)
def test_openapi_generator_makes_a_go_client_with_every_operation(service: str, tmp_path: Path) -> None:
    """It checks the document first and refuses one that it finds a fault in."""
    contract = str(bundles.CONTRACTS / f"{service}.json")
    asked = ["generate", "--input-spec", contract, "--generator-name", "go", "--output", str(tmp_path / "go")]
    command = [sys.executable, "-c", "import openapi_generator_cli as tool; tool.cli()", *asked]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    clients = "".join(file.read_text() for file in (tmp_path / "go").glob("api_*.go"))
    made = set(re.findall(r"^func \(a \*\w+Service\) (\w+)\(", clients, re.MULTILINE))
    names = {operation.name for operation in bundles.operations() if operation.service == service}
    assert {name.title().replace("_", "") for name in names} <= made
