"""From the start of `payrail up` to the first authorized payment, on an empty data directory; and, to compare, from the
start of the bare app to its first durable answer.

Run: `.venv/bin/python -m benchmarks.start_up`.
"""

import argparse
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from statistics import median

import uvloop

from benchmarks.load import Connection, expect
from benchmarks.payments import CARD, headers, payment_body
from benchmarks.servers import Server, bare_server, payrail_server

FirstAnswer = Callable[[Connection], Awaitable[None]]


async def first_authorized_payment(connection: Connection) -> None:
    payment = expect(await connection.post("/payments", payment_body(CARD), headers()), 201)
    path = f"/payments/{payment['id']}/authorize"
    authorized = expect(await connection.post(path, b"", headers()), 200)
    if authorized["state"] != "AUTHORIZED":
        raise RuntimeError(f"the payment is {authorized['state']}")


async def first_durable_answer(connection: Connection) -> None:
    expect(await connection.post("/payments", payment_body(CARD), headers()), 201)


async def seconds_until(server: Callable[[], AbstractContextManager[Server]], answer: FirstAnswer) -> float:
    """Seconds from the start of the server's process until the answer is there."""
    started = time.perf_counter()
    with server() as running:
        connection = await Connection.open(running.port)
        await answer(connection)
        took_s = time.perf_counter() - started
        connection.close()
    return took_s


async def measure(rounds: int) -> None:
    payrail_s: list[float] = []
    bare_s: list[float] = []
    for turn in range(rounds + 1):
        figures = (
            await seconds_until(bare_server, first_durable_answer),
            await seconds_until(payrail_server, first_authorized_payment),
        )
        if turn:  # The first round brings the files into memory.
            for values, figure in zip((bare_s, payrail_s), figures, strict=True):
                values.append(figure)
    print(
        f"{median(payrail_s):6.2f}  seconds from `payrail up` to the first authorized payment (at most 2; "
        f"{min(payrail_s):.2f} to {max(payrail_s):.2f}; a bare app {median(bare_s):.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    uvloop.run(measure(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
