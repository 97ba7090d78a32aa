"""Swagger UI of each service in a real browser, with nothing loaded from elsewhere."""

import json
import os
import subprocess
from pathlib import Path

import httpx
import pytest

from node_tools import ROOT, node_tool, plain_environment
from stack_process import StackProcess
from waiting import LIMIT_S

CHROMIUM = Path(os.environ.get("CHROMIUM_PATH", "/usr/bin/chromium"))
#: What is tried at each service: operation, status and something that a good answer holds.
TRIED = {
    "gateway": ("create_payment", 201, '"CREATED"'),
    "vault": ("tokenize", 201, '"tok_'),
    "provider-sim": ("get_provider_state", 200, '"providerA"'),
    "ledger-jobs": ("list_jobs", 200, '"data"'),
}


def test_authorize_and_try_it_out_work_at_every_service(stack_process: StackProcess) -> None:
    """With the example that the contract gives, and the page's own requests going nowhere but to the service."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium: install the package chromium, or set CHROMIUM_PATH ({CHROMIUM})")
    services = [
        {
            "name": name,
            "url": stack_process.url(name),
            "key": stack_process.merchant_key if name == "gateway" else stack_process.internal_key,
            "operationId": operation,
            "status": status,
            "answer": answer,
        }
        for name, (operation, status, answer) in TRIED.items()
    ]
    done = subprocess.run(
        [node_tool("frontend", "playwright"), "test", "swagger-ui"],
        cwd=ROOT / "frontend",
        env=plain_environment(SERVICES=json.dumps(services), CHROMIUM_PATH=str(CHROMIUM)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{2 * len(TRIED)} passed" in done.stdout


@pytest.mark.parametrize("service", TRIED)
def test_browser_is_told_to_load_and_send_nothing_elsewhere(
    service: str, stack_process: StackProcess
) -> None:
    page = httpx.get(stack_process.url(service) + "/docs/", timeout=LIMIT_S, trust_env=False)
    policy = page.headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'self'"
    assert directives["connect-src"] == "'self'"
    assert "http" not in policy
    assert "*" not in policy
