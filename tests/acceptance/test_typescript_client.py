"""The TypeScript client, type-checked, at a running stack."""

import subprocess

from node_tools import ROOT, node_tool, plain_environment
from stack_process import StackProcess

FRONTEND = ROOT / "frontend"


def test_typescript_agrees_with_the_contract() -> None:
    """The test file holds calls that must not compile, too."""
    done = subprocess.run(
        [node_tool("frontend", "tsc"), "--noEmit"], cwd=FRONTEND, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_payment_runs_and_failures_come_by_code_over_the_typescript_client(
    stack_process: StackProcess,
) -> None:
    tool = node_tool("frontend", "vitest")
    done = subprocess.run(
        [tool, "run", "--reporter=verbose"],
        cwd=FRONTEND,
        env=plain_environment(
            PAYRAIL_BASE_URL=stack_process.url(), PAYRAIL_API_KEY=stack_process.merchant_key
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a payment > runs from its creation over authorization and capture to the list" in done.stdout
