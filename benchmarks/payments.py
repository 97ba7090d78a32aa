"""Payments under load against a bare durable app: throughput, two workers against one, CPU of a payment's life.

Each figure is a ratio of medians over interleaved rounds of one run; the machine's speed cancels out.
"""

import argparse
import itertools
import os
import tempfile
import time
from pathlib import Path
from statistics import median

import orjson
import uvloop

from benchmarks.bare_app import build
from benchmarks.load import Connection, expect, require, run_load
from benchmarks.servers import Server, bare_server, payrail_server
from payrail.runtime.append_log import AppendLog
from payrail.runtime.in_process import InProcessClient
from payrail.runtime.settings import load_settings

CONNECTIONS = 32
CARD = {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}}
_numbers = itertools.count()


_KEY = load_settings().merchant_api_key


def headers() -> str:
    """A merchant's key, and an idempotency key that no request had before."""
    return f"authorization: Bearer {_KEY}\r\nidempotency-key: bench-{next(_numbers)}\r\n"


def payment_body(method: object) -> bytes:
    """A new payment by this method."""
    return orjson.dumps({"amount": 4999, "currency": "USD", "payment_method": method})


async def token_at(server: Server) -> str:
    """A token of the demo merchant, from a payment made with a card."""
    connection = await Connection.open(server.port)
    created = expect(await connection.post("/payments", payment_body(CARD), headers()), 201)
    connection.close()
    return created["payment_method"]["token"]  # type: ignore[index, no-any-return]


async def creates_per_s(server: Server, method: object, units: int) -> float:
    """Payments created per second over 32 connections."""
    body = payment_body(method)

    async def create(connection: Connection, _number: int) -> None:
        require(await connection.post("/payments", body, headers()), 201)

    return units / await run_load(server.port, create, connections=CONNECTIONS, units=units)


async def life_cpu_s(server: Server, units: int) -> float:
    """CPU seconds of one life: create with a card, authorize, capture."""
    body = payment_body(CARD)

    async def live(connection: Connection, _number: int) -> None:
        payment = expect(await connection.post("/payments", body, headers()), 201)
        path = f"/payments/{payment['id']}"
        require(await connection.post(f"{path}/authorize", b"", headers()), 200)
        captured = expect(await connection.post(f"{path}/capture", b"", headers()), 200)
        if captured["state"] != "CAPTURED":
            raise RuntimeError(f"the payment is {captured['state']}")

    before = server.cpu_s()
    await run_load(server.port, live, connections=CONNECTIONS, units=units)
    return (server.cpu_s() - before) / units


async def bare_request_cpu_s(server: Server, units: int) -> float:
    """CPU seconds of one bare durable request."""
    before = server.cpu_s()
    await creates_per_s(server, CARD, units)
    return (server.cpu_s() - before) / units


async def bare_call_cpu_s(units: int) -> float:
    """CPU seconds of one call in process to a bare app."""
    with tempfile.TemporaryDirectory() as directory:
        log = AppendLog.open(Path(directory) / "lines.jsonl")
        client = InProcessClient(build(log))
        before = time.process_time()
        for _ in range(units):
            await client.request("POST", "/echo", json={"amount": 4999, "currency": "USD"})
        took_s = time.process_time() - before
        log.close()
    return took_s / units


async def measure(rounds: int, units: int) -> dict[str, float]:
    """All ratios; larger is better for throughput, smaller for cost."""
    rates_and_costs: list[list[float]] = [[] for _ in range(6)]
    bare_rate, one_rate, two_rate, bare_cpu, call_cpu, life_cpu = rates_and_costs
    with bare_server() as bare, payrail_server() as one, payrail_server("--workers", "2") as two:
        one_token, two_token = {"token": await token_at(one)}, {"token": await token_at(two)}
        for turn in range(rounds + 1):
            figures = (
                await creates_per_s(bare, one_token, units),
                await creates_per_s(one, one_token, units),
                await creates_per_s(two, two_token, units),
                await bare_request_cpu_s(bare, units),
                await bare_call_cpu_s(units),
                await life_cpu_s(one, units // 3),
            )
            if turn:  # The first round warms up.
                for values, figure in zip(rates_and_costs, figures, strict=True):
                    values.append(figure)
    yardstick = 3 * median(bare_cpu) + 4 * median(call_cpu)
    print(
        f"bare {median(bare_rate):.0f}/s, payments {median(one_rate):.0f}/s, two workers {median(two_rate):.0f}/s"
    )
    print(
        f"CPU: bare request {median(bare_cpu) * 1e6:.0f} us, bare call {median(call_cpu) * 1e6:.0f} us, "
        f"life {median(life_cpu) * 1e6:.0f} us"
    )
    return {
        "POST /payments (token) against a bare durable request, 32 connections (at least 0.5)": median(
            one_rate
        )
        / median(bare_rate),
        "two workers against one (at least 1.2)": median(two_rate) / median(one_rate),
        "CPU of a life against 3 bare requests and 4 bare calls (at most 2.5)": median(life_cpu) / yardstick,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--units", type=int, default=3000, help="requests of each round")
    options = parser.parse_args()
    for name, ratio in uvloop.run(measure(options.rounds, options.units)).items():
        print(f"{ratio:6.2f}  {name}")


if __name__ == "__main__":
    os.environ.setdefault("PAYRAIL_ENV", "development")
    main()
