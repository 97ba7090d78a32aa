"""The README does what it says: its blocks run as they stand against a stack that was just started. So does the page on
webhooks; and the links of all pages lead somewhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from payrail.provider_sim.magic_cards import MAGIC_CARDS
from stack_process import StackProcess
from waiting import LIMIT_S

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "data" / "README.md",
]
PAGES = [page for page in PAGES if "node_modules" not in page.parts]


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def here(text: str, stack: StackProcess) -> str:
    """A block with the documented ports replaced by those of the test's stack, and nothing else."""
    for service, documented in (("gateway", 8026), ("provider-sim", 8028)):
        text = text.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{stack.ports[service]}")
    return text


def paste(block: str, stack: StackProcess) -> str:
    """Run a block in bash, in the folder that holds `data/`; its standard output."""
    return run(["bash", "-e", "-o", "pipefail", "-c", here(block, stack)], stack.data_dir.parent)


def run(command: list[str], cwd: Path, **env: str) -> str:
    environment = {**os.environ, **env}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def documents(text: str) -> list[dict[str, Any]]:
    """The JSON documents that stand one after the other in a text."""
    found, decoder, text = [], json.JSONDecoder(), text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:].strip()
    return found


@pytest.fixture
def payment_block() -> str:
    return next(block for block in blocks("bash") if "/capture" in block)


def test_curl_lines_carry_a_payment_to_its_capture(stack_process: StackProcess, payment_block: str) -> None:
    authorized, captured = documents(paste(payment_block, stack_process))
    assert authorized["state"] == "AUTHORIZED"
    assert captured["state"] == "CAPTURED"
    assert captured["id"] == authorized["id"]
    assert captured["amount_captured"] == 4999


def test_curl_lines_pasted_twice_make_one_payment(stack_process: StackProcess, payment_block: str) -> None:
    assert paste(payment_block, stack_process) == paste(payment_block, stack_process)
    with stack_process.client() as client:
        assert len(client.get("/payments").json()["data"]) == 1


def test_ledger_shows_intent_before_outcome_where_the_readme_looks(
    stack_process: StackProcess, payment_block: str
) -> None:
    paste(payment_block, stack_process)
    look = next(block for block in blocks("bash") if "payments.jsonl" in block)
    types = [entry["type"] for entry in documents(paste(look, stack_process))]
    assert types == [
        "payment.authorization_started",
        "payment.authorized",
        "payment.capture_started",
        "payment.captured",
    ]


def test_python_lines_carry_a_payment_to_its_capture(stack_process: StackProcess) -> None:
    (block,) = blocks("python")
    out = run([sys.executable, "-c", block], ROOT, PAYRAIL_BASE_URL=stack_process.url())
    payment_id, *rest = out.split()
    assert payment_id.startswith("pay_")
    assert rest == ["PARTIALLY_CAPTURED", "1999"]


def test_injected_failure_sends_the_payment_to_the_other_provider(
    stack_process: StackProcess, payment_block: str
) -> None:
    inject = next(block for block in blocks("bash") if "inject-failure" in block)
    assert documents(paste(inject, stack_process))[0]["mode"] == "error"
    authorized, _captured = documents(paste(payment_block, stack_process))
    assert authorized["provider"] == "providerB"
    assert [(a["provider"], a["outcome"]) for a in authorized["attempts"]] == [
        ("providerA", "not_processed"),
        ("providerB", "approved"),
    ]


def test_every_card_of_the_table_does_what_the_table_says(stack_process: StackProcess) -> None:
    """Those that need no waiting: the approval and the declines."""
    table = dict(re.findall(r"^\| (`4.*`) \| (.*) \|$", README, re.MULTILINE))
    told = {number: fate for numbers, fate in table.items() for number in re.findall(r"\d{16}", numbers)}
    at_once = {n: fate for n, fate in told.items() if fate.startswith(("approved, always", "declined"))}
    assert len(at_once) == 8
    with stack_process.client() as client:
        for number, fate in at_once.items():
            card = {"number": number, "exp_month": 12, "exp_year": 2039}
            body = {"amount": 4999, "currency": "EUR", "payment_method": {"card": card}}
            created = client.post("/payments", json=body, headers={"Idempotency-Key": number[-6:]})
            path = f"/payments/{created.json()['id']}/authorize"
            payment = client.post(path, json={}, headers={"Idempotency-Key": "authorize"}).json()
            assert payment["state"] == ("AUTHORIZED" if fate.startswith("approved") else "DECLINED"), number
            tries_both = "other provider" in fate
            assert len(payment["attempts"]) == (2 if tries_both else 1), number


def test_every_card_with_a_fixed_fate_is_in_the_table() -> None:
    table = "".join(re.findall(r"^\| `4.*$", README, re.MULTILINE))
    assert sorted(re.findall(r"\d{16}", table)) == sorted(MAGIC_CARDS)


def test_endpoint_of_the_webhooks_page_is_made(stack_process: StackProcess) -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text()
    (block,) = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (endpoint,) = documents(paste(block, stack_process))
    assert endpoint["secret"].startswith("whsec_")
    assert endpoint["event_types"] == ["payment.captured", "refund.succeeded"]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text()):
        assert (page.parent / target).exists(), target
