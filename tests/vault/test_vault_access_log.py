"""Every access is one line, refused ones too, and an access that cannot be recorded is not granted."""

import asyncio
import json

import pytest
from vault_bench import KEYS, MASTERCARD, VISA, Bench, VaultClient, many

from payrail.runtime import faults

CARD = {"merchant_id": "m_demo", "number": VISA, "exp_month": 12, "exp_year": 2031}
NO_TOKEN = "tok_" + "0" * 26


def lines(bench: Bench) -> list[dict[str, object]]:
    return [json.loads(line) for line in (bench.files / "access_log.jsonl").read_text().splitlines()]


async def test_a_granted_access_is_on_the_disk_before_its_answer_goes_out(
    vault: VaultClient, bench: Bench
) -> None:
    tokenized = await vault.tokenized(VISA)
    await vault.ask(
        "/charge-token",
        {"merchant_id": "m_demo", "token": tokenized["token"]},
        X_Correlation_Id="order-1042",
    )
    assert lines(bench)[1] == {
        "at": "2026-03-02T09:15:00.000Z",
        "operation": "charge_token",
        "merchant_id": "m_demo",
        "token": tokenized["token"],
        "caller": "gateway",
        "correlation_id": "order-1042",
        "outcome": "ok",
    }


@pytest.mark.parametrize(
    ("path", "body", "caller", "expected"),
    [
        (
            "/tokenize",
            {**CARD, "exp_year": 2020},
            "seed",
            ("tokenize", "m_demo", None, "seed", "card_expired"),
        ),
        (
            "/tokenize",
            {**CARD, "number": "4" * 16},
            "seed",
            ("tokenize", "m_demo", None, "seed", "card_invalid"),
        ),
        ("/tokenize", {}, "gateway", ("tokenize", None, None, "gateway", "validation_failed")),
        ("/tokenize", CARD, "jobs", ("tokenize", None, None, "jobs", "forbidden")),
        ("/charge-token", {}, "seed", ("charge_token", None, None, "seed", "forbidden")),
        (
            "/charge-token",
            {"merchant_id": "m_acme", "token": NO_TOKEN},
            "gateway",
            ("charge_token", "m_acme", NO_TOKEN, "gateway", "token_not_found"),
        ),
        (
            "/detokenize",
            {"merchant_id": "m_acme", "token": NO_TOKEN},
            "jobs",
            ("detokenize", "m_acme", NO_TOKEN, "jobs", "token_not_found"),
        ),
        (
            "/rotate-keys",
            {"mode": "later"},
            "gateway",
            ("rotate_keys", None, None, "gateway", "validation_failed"),
        ),
        ("/rotate-keys", {}, "seed", ("rotate_keys", None, None, "seed", "forbidden")),
    ],
)
async def test_a_refused_access_is_one_line_with_its_reason(
    vault: VaultClient, bench: Bench, path: str, body: object, caller: str, expected: tuple[str | None, ...]
) -> None:
    answer = await vault.ask(path, body, caller=caller)
    assert answer.status_code >= 400
    (line,) = lines(bench)
    named = ("operation", "merchant_id", "token", "caller", "outcome")
    assert tuple(line[name] for name in named) == expected
    assert line["correlation_id"] == answer.headers["x-correlation-id"]


@pytest.mark.parametrize(
    ("headers", "content", "outcome"),
    [
        ({}, b"{}", "unauthorized"),
        ({"Authorization": "Bearer wrong"}, b"{}", "unauthorized"),
        ({"Authorization": f"Bearer {KEYS['gateway']}"}, b"{", "malformed_json"),
        ({"Authorization": f"Bearer {KEYS['gateway']}"}, b"\xff", "invalid_encoding"),
        ({"Authorization": f"Bearer {KEYS['gateway']}"}, b" " * 1_100_000, "payload_too_large"),
        (
            {"Authorization": f"Bearer {KEYS['gateway']}", "Content-Type": "text/plain"},
            b"{}",
            "unsupported_media_type",
        ),
    ],
)
async def test_what_is_refused_before_it_is_understood_is_recorded_too(
    vault: VaultClient, bench: Bench, headers: dict[str, str], content: bytes, outcome: str
) -> None:
    headers = {"Content-Type": "application/json", **headers}
    await vault.post("/charge-token", content=content, headers=headers)
    (line,) = lines(bench)
    assert (line["operation"], line["outcome"]) == ("charge_token", outcome)
    assert line["caller"] == ("gateway" if outcome != "unauthorized" else None)


async def test_a_path_in_other_spelling_is_recorded_as_what_it_is(vault: VaultClient, bench: Bench) -> None:
    tokenized = await vault.tokenized(VISA)
    answer = await vault.ask("/%63harge-token", {"merchant_id": "m_demo", "token": tokenized["token"]})
    assert answer.json()["number"] == VISA
    assert lines(bench)[-1]["operation"] == "charge_token"


async def test_what_is_no_access_is_not_recorded(vault: VaultClient, bench: Bench) -> None:
    for path in ("/health", "/openapi.json", "/docs", "/nothing", "/charge-token"):
        await vault.get(path)
    assert lines(bench) == []


@pytest.mark.parametrize("path", ["/tokenize", "/charge-token", "/detokenize"])
async def test_an_access_that_cannot_be_recorded_is_not_granted(
    vault: VaultClient, bench: Bench, path: str
) -> None:
    token = (await vault.tokenized(VISA))["token"]
    before = lines(bench)

    def fail() -> None:
        raise OSError(28, "No space left on device")

    body = CARD if path == "/tokenize" else {"merchant_id": "m_demo", "token": token}
    for point in ("vault.access_log.half_written", "vault.access_log.before_sync"):
        with faults.armed(point, fail):
            answer = await vault.ask(path, body, X_Correlation_Id="order-1")
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert answer.headers["x-correlation-id"] == answer.json()["correlation_id"] == "order-1"
        assert VISA not in answer.text
        assert str(token) not in answer.text
    assert lines(bench) == before
    assert (await vault.ask(path, body)).status_code < 300
    assert lines(bench)[-1]["outcome"] == "ok"


async def test_pages_go_back_in_time_and_stay_as_they_are_while_lines_are_added(vault: VaultClient) -> None:
    tokens = [(await vault.tokenized(number))["token"] for number in many(25)]
    headers = {"Authorization": f"Bearer {KEYS['gateway']}"}
    seen: list[object] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        query = {"limit": "10", **({"cursor": cursor} if cursor else {})}
        page = (await vault.get("/access-log", params=query, headers=headers)).json()
        seen += [line["token"] for line in page["data"] if line["operation"] == "tokenize"]
        cursor = page["next_cursor"]
        pages += 1
        await vault.tokenized(MASTERCARD)
    assert seen == tokens[::-1]
    assert pages == 3


async def test_filters_narrow_the_log(vault: VaultClient, bench: Bench) -> None:
    first = (await vault.tokenized(VISA))["token"]
    bench.clock.set(bench.clock.now().replace(hour=12, minute=0))
    second = (await vault.tokenized(VISA, merchant_id="m_acme"))["token"]
    await vault.ask("/detokenize", {"merchant_id": "m_demo", "token": first}, caller="jobs")

    async def found(**query: object) -> list[object]:
        return [line["token"] for line in await vault.accesses(**query) if line["token"]]

    assert await found() == [first, second, first]
    assert await found(token=second) == [second]
    assert await found(caller="jobs") == [first]
    assert await found(merchant_id="m_acme") == [second]
    assert await found(created_from="2026-03-02T13:00:00+01:00") == [first, second]
    assert await found(created_to="2026-03-02T12:00:00Z") == [first]
    assert await found(created_from="2026-03-02T12:00:00.001Z") == []
    assert await found(token=first, caller="gateway") == [first]


async def test_lines_far_back_are_found_across_many_reads_of_the_file(
    vault: VaultClient, bench: Bench
) -> None:
    token = (await vault.tokenized(VISA))["token"]
    await asyncio.gather(
        *(vault.ask("/detokenize", {"merchant_id": "m_acme", "token": NO_TOKEN}) for _ in range(700))
    )
    assert (bench.files / "access_log.jsonl").stat().st_size > 2 * 65536
    assert [line["operation"] for line in await vault.accesses(token=token)] == ["tokenize"]


@pytest.mark.parametrize("cursor", ["AAAA", "YTE", "YTk5OTk5OTk", "YTA", "a"])
async def test_a_cursor_that_this_log_never_gave_is_refused(vault: VaultClient, cursor: str) -> None:
    await vault.tokenized(VISA)
    headers = {"Authorization": f"Bearer {KEYS['gateway']}"}
    answer = await vault.get("/access-log", params={"cursor": cursor}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


async def test_reading_the_log_is_an_access_too(vault: VaultClient) -> None:
    await vault.accesses(merchant_id="m_demo")
    (line,) = await vault.accesses()
    assert (line["operation"], line["merchant_id"], line["outcome"]) == ("get_access_log", "m_demo", "ok")


async def test_a_torn_last_line_is_set_aside_and_the_log_goes_on(bench: Bench) -> None:
    async with bench.vault() as vault:
        await vault.tokenized(VISA)
    log = bench.files / "access_log.jsonl"
    log.write_bytes(log.read_bytes() + b'{"at":"2026-03-02T09')
    async with bench.vault() as vault:
        await vault.tokenized(VISA)
        assert len(await vault.accesses()) == 2
    assert (bench.files / "access_log.jsonl.quarantine").read_bytes() == b'{"at":"2026-03-02T09\n'
