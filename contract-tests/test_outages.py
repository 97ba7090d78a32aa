"""Whatever a service lacks, it says so in a way that its contract lists; it never answers 500."""

import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import bundles
import httpx
import pytest
from bundles import PROBLEM_JSON, Operation
from requests_from_contracts import body_of, headers_of, keys_for, url_of

from payrail.cli.stack import Stack, embedded
from payrail.runtime.lifespan import alive
from payrail.runtime.settings import load_settings
from seen_answers import Seen
from stack_process import StackProcess
from waiting import LIMIT_S

OPERATIONS = bundles.operations()
SERVICES = {service: [o for o in OPERATIONS if o.service == service] for service in bundles.SERVICES}
Note = Callable[[Seen], None]


@asynccontextmanager
async def without(missing: str, data_dir: Path) -> AsyncIterator[Stack]:
    """A stack in which one service is not started, as when it cannot open its files."""
    stack = embedded(load_settings(payrail_data_dir=data_dir, provider_timeout_s=1))
    async with AsyncExitStack() as living:
        for service, app in stack.apps.items():
            if service != missing:
                await living.enter_async_context(alive(app))
        yield stack
        stack.stopping()
        await stack.close()


async def ask(stack: Stack, operation: Operation) -> httpx.Response:
    transport = httpx.ASGITransport(stack.apps[operation.service])
    headers = {**headers_of(operation), **keys_for(stack.settings, operation)}
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{operation.service}") as client:
        return await client.request(
            operation.method, url_of(operation), headers=headers, json=body_of(operation)
        )


def undocumented(operation: Operation, answer: httpx.Response) -> str | None:
    """What is wrong with the answer by its contract, if anything; a 500 always is."""
    documented = operation.definition["responses"].get(str(answer.status_code))
    if documented is None or answer.status_code == 500:
        return f"{operation}: {answer.status_code} {answer.text}"
    if answer.is_success:
        return None
    validator = bundles.response_validator(documented["content"][PROBLEM_JSON]["schema"])
    found = bundles.faults(validator, answer.json())
    return f"{operation}: {found}" if found else None


async def wrong_answers(stack: Stack, operations: list[Operation]) -> tuple[list[str], set[str]]:
    """Which answers are not as the contract has them, and which codes came with a 503."""
    wrong, codes = [], set()
    for operation in operations:
        answer = await ask(stack, operation)
        wrong += [fault for fault in [undocumented(operation, answer)] if fault]
        if answer.status_code == 503:
            codes.add(answer.json()["code"])
    return wrong, codes


async def test_a_stack_that_has_ended_says_that_it_is_not_available(tmp_path: Path) -> None:
    async with embedded(load_settings(payrail_data_dir=tmp_path)).alive() as stack:
        pass
    wrong, codes = await wrong_answers(stack, OPERATIONS)
    assert wrong == []
    assert codes >= {"ledger_unavailable", "service_unavailable"}


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("vault", {"vault_unavailable"}),
        # A day cannot be reconciled without the providers' files: the gateway passes on what the job says.
        ("provider-sim", {"provider_unavailable", "job_failed"}),
    ],
)
async def test_a_gateway_whose_neighbour_is_away_says_so(
    missing: str, expected: set[str], tmp_path: Path
) -> None:
    async with without(missing, tmp_path) as stack:
        wrong, codes = await wrong_answers(stack, [o for o in OPERATIONS if o.service != missing])
    assert wrong == []
    assert codes >= expected


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackProcess]:
    stack = StackProcess(tmp_path / "data").start()
    yield stack
    stack.kill()


def test_a_full_disk_is_a_503_and_costs_nothing_that_was_kept(stack: StackProcess, note_answer: Note) -> None:
    """No file may grow any more, from one moment to the next: what a write meets on a full disk."""
    settings = load_settings()
    wrong, codes = [], set()
    create, get = (
        next(o for o in OPERATIONS if o.name == name) for name in ("create_payment", "get_payment")
    )
    payment_id = shown_id = str(get.parameters[0]["example"])
    with httpx.Client(timeout=LIMIT_S, trust_env=False) as client:

        def send(operation: Operation, key: str) -> httpx.Response:
            headers = {**headers_of(operation), **keys_for(settings, operation)}
            headers |= {"Idempotency-Key": key} if "Idempotency-Key" in headers else {}
            url = (stack.url(operation.service) + url_of(operation)).replace(shown_id, payment_id)
            return client.request(operation.method, url, headers=headers, json=body_of(operation))

        payment_id = send(create, "before").json()["id"]
        resource.prlimit(stack.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        for operation in OPERATIONS:
            answer = send(operation, "full")
            wrong += [fault for fault in [undocumented(operation, answer)] if fault]
            if not answer.is_success:
                codes.add(code := answer.json()["code"])
                note_answer(Seen(operation.service, operation.name, answer.status_code, code))
        resource.prlimit(stack.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert send(create, "before").headers["Idempotent-Replayed"] == "true"
    assert wrong == []
    assert codes >= {"storage_unavailable", "ledger_unavailable"}
