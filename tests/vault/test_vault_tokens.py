"""Cards in, tokens out, and the way back: through the contract, as callers do it."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
from vault_bench import MASTERCARD, VISA, Bench, VaultClient, many

from payrail.runtime import faults
from payrail.runtime.append_log import LockHeld
from payrail.runtime.card_numbers import find_card_number
from payrail.vault.errors import VaultUnusable
from waiting import until


async def test_a_card_becomes_a_token_and_the_token_the_card(vault: VaultClient) -> None:
    tokenized = await vault.tokenized(VISA, holder_name="Ada Lovelace")
    assert tokenized == {
        "token": tokenized["token"],
        "brand": "visa",
        "bin": "424242",
        "last4": "4242",
        "exp_month": 12,
        "exp_year": 2031,
        "fingerprint": tokenized["fingerprint"],
    }
    assert await vault.charged(tokenized["token"]) == {
        "number": VISA,
        "exp_month": 12,
        "exp_year": 2031,
        "holder_name": "Ada Lovelace",
        "brand": "visa",
        "last4": "4242",
    }


async def test_detokenizing_gives_the_last_four_and_never_the_number(vault: VaultClient) -> None:
    tokenized = await vault.tokenized(VISA)
    body = {"merchant_id": "m_demo", "token": tokenized["token"]}
    answer = await vault.ask("/detokenize", body, caller="jobs")
    assert answer.status_code == 200
    assert answer.json() == tokenized
    assert VISA not in answer.text


async def test_the_same_number_gives_the_same_token_and_fingerprint(vault: VaultClient) -> None:
    first, second = await vault.tokenized(VISA), await vault.tokenized(VISA)
    assert first == second
    other = await vault.tokenized(MASTERCARD)
    assert other["token"] != first["token"]
    assert other["fingerprint"] != first["fingerprint"]


async def test_another_merchant_gets_a_token_of_its_own_with_the_same_fingerprint(vault: VaultClient) -> None:
    demo, acme = await vault.tokenized(VISA), await vault.tokenized(VISA, merchant_id="m_acme")
    assert demo["token"] != acme["token"]
    assert demo["fingerprint"] == acme["fingerprint"]


async def test_the_expiry_and_the_name_given_last_win(vault: VaultClient) -> None:
    first = await vault.tokenized(VISA, exp_month=1, exp_year=2030, holder_name="Ada Lovelace")
    again = await vault.tokenized(VISA, exp_month=2, exp_year=2035)
    assert again == {**first, "exp_month": 2, "exp_year": 2035}
    card = await vault.charged(first["token"])
    assert (card["exp_month"], card["exp_year"], card["holder_name"]) == (2, 2035, "Ada Lovelace")
    await vault.tokenized(VISA, exp_month=2, exp_year=2035, holder_name="Ada King")
    assert (await vault.charged(first["token"]))["holder_name"] == "Ada King"


async def test_two_tokenizations_of_one_card_at_once_give_one_token(vault: VaultClient, bench: Bench) -> None:
    numbers = many(5)
    cards = await asyncio.gather(*(vault.tokenized(number) for number in numbers * 8))
    assert len({card["token"] for card in cards}) == 5
    assert [card["token"] for card in cards[:5]] == [card["token"] for card in cards[-5:]]
    stored = (bench.files / "encrypted_cards.json.log").read_text().splitlines()
    assert len(stored) == 5


async def test_cards_are_there_after_a_restart(bench: Bench) -> None:
    async with bench.vault() as vault:
        tokens = [(await vault.tokenized(number))["token"] for number in many(3)]
    async with bench.vault() as vault:
        assert [(await vault.charged(token))["number"] for token in tokens] == many(3)
        assert [(await vault.tokenized(number))["token"] for number in many(3)] == tokens


@pytest.mark.parametrize("path", ["/detokenize", "/charge-token"])
async def test_another_merchants_token_is_as_good_as_none(vault: VaultClient, path: str) -> None:
    token = (await vault.tokenized(VISA))["token"]
    foreign = await vault.ask(path, {"merchant_id": "m_acme", "token": token})
    missing = await vault.ask(path, {"merchant_id": "m_acme", "token": "tok_" + "0" * 26})
    for answer in (foreign, missing):
        assert answer.status_code == 404
        assert answer.json()["code"] == "token_not_found"
    shown = [{**answer.json(), "correlation_id": "", "instance": ""} for answer in (foreign, missing)]
    assert shown[0] == shown[1], "nobody learns which tokens others have"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/tokenize", {"gateway", "seed"}),
        ("/detokenize", {"gateway", "jobs", "seed"}),
        ("/charge-token", {"gateway"}),
        ("/rotate-keys", {"gateway"}),
    ],
)
async def test_each_caller_may_use_its_own_operations_alone(
    vault: VaultClient, path: str, allowed: set[str]
) -> None:
    for caller in ("gateway", "jobs", "seed"):
        answer = await vault.ask(path, {}, caller=caller)
        assert (answer.status_code == 403) == (caller not in allowed), (caller, answer.text)


async def test_without_a_known_key_nothing_is_answered(vault: VaultClient) -> None:
    token = (await vault.tokenized(VISA))["token"]
    body = {"merchant_id": "m_demo", "token": token}
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic Z2F0ZXdheQ=="}):
        answer = await vault.post("/charge-token", json=body, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "card_invalid"),
        ({"number": "42424242424242"}, "card_invalid"),
        ({"exp_month": 2, "exp_year": 2026}, "card_expired"),
        ({"number": "4242-4242-4242-4242"}, "validation_failed"),
        ({"exp_month": 13}, "validation_failed"),
        ({"cvc": "123"}, "validation_failed"),
        ({"holder_name": "4000 0000 0000 0002"}, "sensitive_data"),
        ({"merchant_id": "m_4242424242424242"}, "sensitive_data"),
    ],
)
async def test_a_card_that_cannot_be_taken_is_refused_and_nothing_kept(
    vault: VaultClient, bench: Bench, card: dict[str, object], code: str
) -> None:
    body = {"merchant_id": "m_demo", "number": VISA, "exp_month": 12, "exp_year": 2031, **card}
    answer = await vault.ask("/tokenize", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (bench.files / "tokens.json.log").read_bytes() == b""
    assert (bench.files / "encrypted_cards.json.log").read_bytes() == b""


async def test_expiry_follows_the_clock_of_all_services(vault: VaultClient, bench: Bench) -> None:
    await vault.tokenized(VISA, exp_month=3, exp_year=2026)
    bench.clock.set(datetime(2026, 4, 1, tzinfo=UTC))
    body = {"merchant_id": "m_demo", "number": VISA, "exp_month": 3, "exp_year": 2026}
    assert (await vault.ask("/tokenize", body)).json()["code"] == "card_expired"


async def test_a_full_disk_answers_503_keeps_nothing_and_recovers(vault: VaultClient, bench: Bench) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    body = {"merchant_id": "m_demo", "number": VISA, "exp_month": 12, "exp_year": 2031}
    for point in ("vault.cards.before_sync", "vault.tokens.half_written"):
        with faults.armed(point, fail):
            answer = await vault.ask("/tokenize", body)
            assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
            assert answer.headers["retry-after"] == "1"
            assert (await vault.get("/health")).json()["status"] == "degraded"
        assert json.loads((bench.files / "tokens.json").read_text())["items"] == {}
    token = (await vault.tokenized(VISA))["token"]
    assert (await vault.charged(token))["number"] == VISA
    assert (await vault.get("/health")).json()["status"] == "ok"


async def test_a_caller_that_gives_up_leaves_no_half_card(bench: Bench) -> None:
    async with bench.vault() as vault:
        asking = asyncio.create_task(vault.tokenized(VISA))
        cards = bench.files / "encrypted_cards.json.log"
        await until(lambda: cards.stat().st_size > 0)
        asking.cancel()
        token = (await vault.tokenized(VISA))["token"]
        assert (await vault.charged(token))["number"] == VISA
        assert len(cards.read_text().splitlines()) == 1


async def test_health_and_documents_need_no_key(vault: VaultClient) -> None:
    health = (await vault.get("/health")).json()
    assert health == {
        "status": "ok",
        "service": "vault",
        "version": version("payrail"),
        "time": "2026-03-02T09:15:00.000Z",
    }
    assert (await vault.get("/openapi.json")).json()["info"]["title"] == "PayRail vault"


async def test_a_vault_that_is_not_open_says_so(bench: Bench) -> None:
    client = VaultClient(bench.app())
    assert (await client.ask("/tokenize", {})).status_code == 503
    assert (await client.get("/health")).json()["status"] == "degraded"


# ---- files ------------------------------------------------------------------------------------------------


async def test_only_the_owner_can_read_the_vaults_files(vault: VaultClient, bench: Bench) -> None:
    await vault.tokenized(VISA)
    assert {oct(path.stat().st_mode & 0o777) for path in bench.files.iterdir()} == {"0o600"}
    assert oct(bench.files.stat().st_mode & 0o777) == "0o700"


async def test_a_key_file_that_others_can_read_is_made_private_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench.vault():
        pass
    keys = bench.files / "keys.json"
    keys.chmod(0o644)
    async with bench.vault():
        assert oct(keys.stat().st_mode & 0o777) == "0o600"
    assert "could be read by others" in caplog.text


@pytest.mark.usefixtures("vault")
async def test_a_second_vault_on_the_same_files_is_refused_and_told_who_has_them(bench: Bench) -> None:
    with pytest.raises(LockHeld, match=f"process {os.getpid()}"):
        await bench.opened()


@pytest.mark.parametrize("name", ["keys.json", "tokens.json", "encrypted_cards.json"])
async def test_a_lost_file_refuses_the_start_and_costs_nothing_once_it_is_back(
    bench: Bench, name: str
) -> None:
    async with bench.vault() as vault:
        token = (await vault.tokenized(VISA))["token"]
    async with bench.vault():
        pass
    lost = bench.files / name
    kept = lost.read_bytes()
    lost.unlink()
    for _ in range(2):
        with pytest.raises(VaultUnusable, match=r"encrypted_cards\.json"):
            await bench.opened()
    lost.write_bytes(kept)
    async with bench.vault() as vault:
        assert (await vault.charged(token))["number"] == VISA


@pytest.mark.parametrize(
    "content", ["", "{}", '{"version":1,"fingerprint_key":"AAAA","encryption_keys":[]}', "\xff"]
)
async def test_a_key_file_that_is_none_is_refused_and_kept(bench: Bench, content: str) -> None:
    bench.files.mkdir()
    (bench.files / "keys.json").write_text(content)
    with pytest.raises(VaultUnusable, match=r"keys\.json"):
        await bench.opened()
    assert (bench.files / "keys.json").read_text() == content


async def test_a_ciphertext_under_another_token_is_not_given_out(bench: Bench) -> None:
    """Who can write the files must not be able to make one card be charged as another."""
    async with bench.vault() as vault:
        first, second, third = [(await vault.tokenized(number))["token"] for number in many(3)]
    with bench.edited("encrypted_cards.json") as items:
        items[first], items[second] = items[second], items[first]
    async with bench.vault() as vault:
        answer = await vault.ask("/charge-token", {"merchant_id": "m_demo", "token": first})
        assert (answer.status_code, answer.json()["code"]) == (409, "card_unreadable")
        assert (await vault.accesses())[0]["outcome"] == "card_unreadable"
        assert (await vault.charged(third))["number"] == many(3)[2]


async def test_a_card_that_cannot_be_read_is_replaced_when_it_is_given_again(bench: Bench) -> None:
    async with bench.vault() as vault:
        token = (await vault.tokenized(VISA, holder_name="Ada Lovelace"))["token"]
        await vault.tokenized(MASTERCARD)
    with bench.edited("encrypted_cards.json") as items:
        items[token]["ciphertext"] = items[token]["ciphertext"][:-9]
    async with bench.vault() as vault:
        answer = await vault.ask("/charge-token", {"merchant_id": "m_demo", "token": token})
        assert (answer.status_code, answer.json()["code"]) == (409, "card_unreadable")
        assert (await vault.tokenized(VISA))["token"] == token
        assert (await vault.charged(token))["number"] == VISA
    with bench.edited("encrypted_cards.json") as items:
        items[token]["ciphertext"] = "gone"
    async with bench.vault() as vault:
        assert (await vault.tokenized(VISA, holder_name="Ada King"))["token"] == token
        assert (await vault.charged(token))["holder_name"] == "Ada King"


async def _after_a_rotation(bench: Bench) -> bytes:
    """The key file as it was before the last rotation: a stale one."""
    kept = (bench.files / "keys.json").read_bytes()
    async with bench.vault() as vault:
        assert (await vault.ask("/rotate-keys", {})).status_code == 200
    return kept


async def _of_another_installation(bench: Bench) -> bytes:
    other = Bench(bench.data_dir / "other")
    async with other.vault() as vault:
        await vault.tokenized(VISA)
    return (other.files / "keys.json").read_bytes()


async def _with_another_fingerprint_key(bench: Bench) -> bytes:
    keys = json.loads((bench.files / "keys.json").read_text())
    keys["fingerprint_key"] = "A" * 43 + "="
    return json.dumps(keys).encode()


@pytest.mark.parametrize(
    "foreign", [_of_another_installation, _after_a_rotation, _with_another_fingerprint_key]
)
async def test_a_foreign_key_file_refuses_the_start_and_costs_nothing_once_the_right_one_is_back(
    bench: Bench, foreign: Callable[[Bench], Awaitable[bytes]]
) -> None:
    """Else no card could be charged, and each number given again would get a second token."""
    async with bench.vault() as vault:
        token = (await vault.tokenized(VISA))["token"]
    content = await foreign(bench)
    keys = bench.files / "keys.json"
    kept = keys.read_bytes()
    keys.write_bytes(content)
    with pytest.raises(VaultUnusable, match=r"keys\.json does not open the cards .* put back the key file"):
        await bench.opened()
    assert keys.read_bytes() == content
    keys.write_bytes(kept)
    async with bench.vault() as vault:
        assert (await vault.charged(token))["number"] == VISA


async def test_no_number_name_or_cvc_is_written_anywhere(bench: Bench) -> None:
    """Every file of the directory and every line of the log, after everything that a vault does."""
    numbers = [VISA, MASTERCARD, *many(40)]
    async with bench.vault() as vault:
        cards = await asyncio.gather(
            *(vault.tokenized(number, holder_name="A. Lovelace") for number in numbers)
        )
        assert (await vault.ask("/rotate-keys", {})).status_code == 200
        await asyncio.gather(*(vault.charged(card["token"]) for card in cards))
        for body in (
            {"merchant_id": "m_demo", "number": VISA, "exp_month": 12, "exp_year": 2031, "cvc": "987"},
            {"merchant_id": "m_demo", "number": VISA, "exp_month": 1, "exp_year": 2020},
            {"merchant_id": VISA, "token": VISA},
            {"merchant_id": "m_demo", "number": VISA[:-1] + "1", "exp_month": 12, "exp_year": 2031},
        ):
            assert (await vault.ask("/tokenize", body, X_Correlation_Id=VISA)).status_code == 422
        await vault.get("/access-log", params={"token": VISA})
        await vault.get(f"/{VISA}", params={"number": VISA})
    async with bench.vault():
        pass
    written = bench.everything_written()
    assert len(written) > 8
    for name, content in written.items():
        _assert_holds_no_card(name, content, numbers)


def _assert_holds_no_card(name: str, content: bytes, numbers: list[str]) -> None:
    for number in numbers:
        assert number.encode() not in content, name
        assert number[:-4].encode() not in content, name
    assert b"Lovelace" not in content, name
    assert b'"987"' not in content, name
    for line in content.decode().splitlines():
        assert not find_card_number(line), name


def test_the_scan_for_numbers_would_find_one() -> None:
    with pytest.raises(AssertionError):
        _assert_holds_no_card("file", f'{{"a":"{VISA}"}}\n'.encode(), [VISA])
