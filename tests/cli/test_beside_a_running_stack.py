"""Commands that look at, or work on, the data directory of a stack that runs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from payrail.cli.main import main
from payrail.runtime.clock import SystemClock
from stack_process import StackProcess
from waiting import wait_until

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackProcess]:
    """Its clock is put to noon, so that the day does not end between a payment and what is asked of its day."""
    data_dir = tmp_path_factory.mktemp("beside") / "data"
    SystemClock(data_dir / "clock.json").set(NOON)
    stack = StackProcess(data_dir).start()
    yield stack
    stack.kill()


@pytest.fixture(scope="module")
def payment_id(stack: StackProcess) -> str:
    """A captured payment; each of its requests has a correlation id of its own."""
    body = {"amount": 10_000, "currency": "USD", "payment_method": {"card": CARD}}
    with stack.client() as client:

        def post(path: str, name: str, sent: object) -> str:
            headers = {"Idempotency-Key": name, "X-Correlation-Id": f"trace-{name}"}
            answer = client.post(path, json=sent, headers=headers)
            assert answer.is_success, answer.text
            return str(answer.json()["id"])

        made = post("/payments", "create", body)
        post(f"/payments/{made}/authorize", "authorize", {})
        post(f"/payments/{made}/capture", "capture", {})
    return made


def payrail(stack: StackProcess, *arguments: str) -> Result:
    return CliRunner().invoke(
        main,
        [*arguments, "--data-dir", str(stack.data_dir)],
        env={"LEDGER_JOBS_PORT": str(stack.ports["ledger-jobs"])},
    )


def test_the_running_jobs_settle_the_day(stack: StackProcess, payment_id: str) -> None:
    today = NOON.date().isoformat()
    done = payrail(stack, "settle", "--date", today)
    assert done.exit_code == 0, done.output
    assert f"{today}: preliminary, 1 movements" in done.output
    assert payment_id in (stack.data_dir / "settlement" / f"settlement_{today}.csv").read_text()
    refused = payrail(stack, "settle", "--date", "2999-01-01")
    assert (refused.exit_code, "has not begun" in refused.output) == (1, True)


def test_a_request_is_traced_through_all_files(stack: StackProcess, payment_id: str) -> None:
    def shown() -> list[dict[str, str]]:
        traced = payrail(stack, "trace", "trace-authorize", "--json")
        steps: list[dict[str, str]] = json.loads(traced.output)["steps"]
        return steps

    wanted = {
        "vault: charge_token", "provider: authorize", "payment.authorization_started", "payment.authorized",
        "event: payment.authorized", "gateway: authorize_payment", "provider-sim: provider_authorize",
    }  # fmt: skip
    # Events and lines of the log are written after the answer was given.
    wait_until(lambda: wanted <= {step["what"] for step in shown()}, f"there are {wanted}")
    steps = shown()
    what = [step["what"] for step in steps]
    assert what.index("payment.authorization_started") < what.index("payment.authorized")
    assert [step["at"][:23] for step in steps] == sorted(step["at"][:23] for step in steps)
    assert not any("capture" in one for one in what)


def test_a_payment_is_traced_through_all_its_requests(stack: StackProcess, payment_id: str) -> None:
    shown = payrail(stack, "trace", payment_id)
    assert shown.exit_code == 0
    for one in (
        "request trace-create",
        "request trace-capture",
        "payment.captured",
        "Cr fee_revenue 320 USD",
    ):
        assert one in shown.output


def test_what_nobody_knows_cannot_be_traced(stack: StackProcess) -> None:
    shown = payrail(stack, "trace", "nothing-of-the-kind")
    assert shown.exit_code == 1
    assert "holds nothing of nothing-of-the-kind" in shown.output


def test_the_trial_balance_is_zero_in_sum_at_every_entry(stack: StackProcess, payment_id: str) -> None:
    assert payment_id
    for at in range(7):
        shown = json.loads(payrail(stack, "balances", "--at", str(at), "--json").output)
        assert shown["seq"] == at
        assert sum(account["balance"] for account in shown["accounts"]) == 0
    accounts = json.loads(payrail(stack, "balances", "--json").output)["accounts"]
    balances = {account["account"]: account["balance"] for account in accounts}
    assert balances["merchant_pending:m_demo"] == -9_680
    assert "all accounts" in payrail(stack, "balances").output
