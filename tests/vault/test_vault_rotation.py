"""Changing the key: every card survives, the vault answers all the while, and the old key opens nothing."""

import asyncio
import json
import threading
from typing import Any

import pytest
from vault_bench import NOW, VISA, Bench, VaultClient, completed, many

from payrail.runtime import faults
from payrail.vault import rotation
from payrail.vault.cards import check_card
from payrail.vault.errors import CardUnreadable
from payrail.vault.keyring import Keyring
from waiting import LIMIT_S, until


def key_ids(bench: Bench) -> list[str]:
    return [key["id"] for key in json.loads((bench.files / "keys.json").read_text())["encryption_keys"]]


def cards_on_disk(bench: Bench) -> dict[str, dict[str, str]]:
    cards: dict[str, dict[str, str]] = json.loads((bench.files / "encrypted_cards.json").read_text())["items"]
    for line in (bench.files / "encrypted_cards.json.log").read_text().splitlines():
        cards.update(json.loads(line).get("put", {}))
    return cards


def kept_copy(bench: Bench, name: str) -> Keyring:
    """The keys as they are now, as somebody who copied the file would have them."""
    copy = bench.data_dir / name
    copy.write_bytes((bench.files / "keys.json").read_bytes())
    copy.chmod(0o600)
    return Keyring.open(copy, clock=bench.clock, ids=bench.ids)


async def until_rotated(bench: Bench) -> None:
    await until(lambda: len(key_ids(bench)) == 1)


@pytest.mark.parametrize("body", [None, {}, {"mode": "now"}])
async def test_rotating_changes_the_key_of_every_card_and_retires_the_old_one(
    vault: VaultClient, bench: Bench, body: object
) -> None:
    cards = [await vault.tokenized(number) for number in many(5)]
    (old,) = key_ids(bench)
    old_keys = kept_copy(bench, "kept.json")

    headers = {"Authorization": "Bearer gateway-internal-key"}
    sent: dict[str, Any] = {} if body is None else {"json": body}
    answer = await vault.post("/rotate-keys", headers=headers, **sent)

    (new,) = key_ids(bench)
    assert answer.status_code == 200
    assert answer.json() == {
        "active_key_id": new,
        "retired_key_ids": [old],
        "reencrypted": 5,
        "status": "done",
    }
    assert new != old
    assert {sealed["key_id"] for sealed in cards_on_disk(bench).values()} == {new}
    for token, sealed in cards_on_disk(bench).items():
        with pytest.raises(CardUnreadable):
            old_keys.unseal(token, sealed)
    for number, card in zip(many(5), cards, strict=True):
        assert (await vault.charged(card["token"]))["number"] == number
        assert await vault.tokenized(number) == card, "token and fingerprint stay as they are"


async def test_nothing_that_the_old_key_opens_is_left_on_the_disk(vault: VaultClient, bench: Bench) -> None:
    for number in many(3):
        await vault.tokenized(number)
    old = [sealed["ciphertext"].encode() for sealed in cards_on_disk(bench).values()]
    await vault.ask("/rotate-keys", {})
    left = b"".join(path.read_bytes() for path in bench.files.iterdir())
    assert len(old) == 3
    assert not [ciphertext for ciphertext in old if ciphertext in left]


async def test_an_empty_vault_rotates_too_and_again(vault: VaultClient, bench: Bench) -> None:
    for _ in range(2):
        before = key_ids(bench)
        answer = (await vault.ask("/rotate-keys", {})).json()
        assert (answer["retired_key_ids"], answer["reencrypted"]) == (before, 0)


async def test_the_vault_answers_while_it_rotates(vault: VaultClient, bench: Bench) -> None:
    """Held at each step of 32 cards until charges and tokenizations of old, new and changed cards are
    done."""
    numbers = many(150)
    tokens = [
        card["token"] for card in await asyncio.gather(*(vault.tokenized(number) for number in numbers))
    ]
    loop = asyncio.get_running_loop()
    worked: list[asyncio.Task[None]] = []

    async def work(step: int) -> None:
        number = numbers[-step]
        fresh = completed(f"5555{step:011d}")
        new = await vault.tokenized(fresh, holder_name="Grace Hopper")
        renamed = await vault.tokenized(number, holder_name=f"Ada {step}")
        assert (await vault.charged(new["token"]))["number"] == fresh
        card = await vault.charged(renamed["token"])
        assert (card["number"], card["holder_name"]) == (number, f"Ada {step}")
        assert (await vault.charged(tokens[step]))["number"] == numbers[step]

    def at_each_step() -> None:
        worked.append(loop.create_task(work(len(worked) + 1)))

    with faults.armed("vault.rotation.step_done", at_each_step):
        answer = await vault.ask("/rotate-keys", {})
    assert answer.json()["status"] == "done"
    assert len(worked) >= 5
    await asyncio.gather(*worked)
    (active,) = key_ids(bench)
    assert {sealed["key_id"] for sealed in cards_on_disk(bench).values()} == {active}
    for number, token in zip(numbers, tokens, strict=True):
        assert (await vault.charged(token))["number"] == number


async def test_constant_load_through_several_rotations_loses_no_card_and_no_change(
    vault: VaultClient, bench: Bench
) -> None:
    numbers = many(40)
    names: dict[str, str] = {}
    rotations = 0
    rotated = asyncio.Event()

    async def load(worker: int) -> None:
        turn = 0
        while not rotated.is_set():
            number = numbers[(worker * 10 + turn % 10)]
            name = f"Name {worker} {turn}"
            card = await vault.tokenized(number, holder_name=name, exp_year=2030 + turn % 10)
            names[number] = name
            charged = await vault.charged(card["token"])
            assert (charged["number"], charged["holder_name"]) == (number, name)
            turn += 1

    workers = [asyncio.create_task(load(worker)) for worker in range(4)]
    while rotations < 5 or len(names) <= len(workers):
        answer = await vault.ask("/rotate-keys", {})
        assert answer.status_code == 200, answer.text
        rotations += 1
    rotated.set()
    await asyncio.gather(*workers)
    assert len(key_ids(bench)) == 1
    for number, name in names.items():
        token = (await vault.tokenized(number))["token"]
        assert (await vault.charged(token))["holder_name"] == name


async def test_a_card_on_its_way_to_the_disk_when_the_key_changes_is_not_forgotten(
    vault: VaultClient, bench: Bench
) -> None:
    go_on, held = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        _wait(go_on)

    with faults.armed("vault.cards.before_sync", hold):
        tokenizing = asyncio.create_task(vault.tokenized(VISA))
        await until(held.is_set)
        rotating = asyncio.create_task(vault.ask("/rotate-keys", {}))
        await until(lambda: len(key_ids(bench)) > 1)
        go_on.set()
        token = (await tokenizing)["token"]
        assert (await rotating).json()["reencrypted"] == 1
    assert len(key_ids(bench)) == 1
    assert (await vault.charged(token))["number"] == VISA


async def test_a_card_renamed_while_it_is_encrypted_anew_keeps_its_new_name(bench: Bench) -> None:
    """Both write the same card; the rotation's copy with the older name must not come last."""
    go_on, held = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        _wait(go_on)

    opened = await bench.opened()
    store = opened.store
    token = await store.tokenize("m_demo", check_card(VISA, 12, 2031, "Ada Lovelace", NOW.date()))
    store.keyring.add_key()
    with faults.armed("vault.cards.before_sync", hold):
        renamed = check_card(VISA, 12, 2031, "Ada King", NOW.date())
        renaming = asyncio.create_task(store.tokenize("m_demo", renamed))
        await until(held.is_set)
        resealing = asyncio.create_task(store.reseal([token]))
        for _ in range(20):  # Turns enough for a careless writer to queue its copy.
            await asyncio.sleep(0)
        go_on.set()
        await renaming
        assert await resealing == 0, "the new name was sealed with the new key already"
    assert store.reveal("m_demo", token)["holder_name"] == "Ada King"
    await opened.close()


async def test_a_background_rotation_answers_at_once_and_ends_by_itself(
    vault: VaultClient, bench: Bench
) -> None:
    for number in many(3):
        await vault.tokenized(number)
    (old,) = key_ids(bench)
    answer = await vault.ask("/rotate-keys", {"mode": "background"})
    assert answer.status_code == 202
    assert answer.json() == {
        "active_key_id": key_ids(bench)[0],
        "retired_key_ids": [],
        "reencrypted": 0,
        "status": "running",
    }
    await until_rotated(bench)
    assert key_ids(bench) == [answer.json()["active_key_id"]] != [old]


async def test_a_rotation_that_takes_long_is_not_waited_for_to_its_end(
    vault: VaultClient, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "WAIT_S_MAX", 0.01)
    await vault.tokenized(VISA)
    go_on = threading.Event()
    with faults.armed("vault.cards.snapshot.before_replace", lambda: _wait(go_on)):
        answer = await vault.ask("/rotate-keys", {"mode": "now"})
        assert (answer.status_code, answer.json()["status"]) == (202, "running")
        go_on.set()
        await until_rotated(bench)
    assert key_ids(bench) == [answer.json()["active_key_id"]]


async def test_a_second_rotation_is_refused_while_one_runs(vault: VaultClient, bench: Bench) -> None:
    await vault.tokenized(VISA)
    go_on = threading.Event()
    with faults.armed("vault.cards.snapshot.before_replace", lambda: _wait(go_on)):
        await vault.ask("/rotate-keys", {"mode": "background"})
        answer = await vault.ask("/rotate-keys", {"mode": "background"})
        assert (answer.status_code, answer.json()["code"]) == (409, "rotation_in_progress")
        assert answer.headers["retry-after"] == "1"
        go_on.set()
        await until_rotated(bench)


async def test_a_rotation_that_a_full_disk_stopped_is_continued_by_the_next_one(
    vault: VaultClient, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    token = (await vault.tokenized(VISA))["token"]
    (old,) = key_ids(bench)
    with faults.armed("vault.cards.before_sync", fail):
        answer = await vault.ask("/rotate-keys", {})
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert "the next one continues it" in caplog.text
    new, kept = key_ids(bench)
    assert kept == old
    assert (await vault.charged(token))["number"] == VISA

    answer = await vault.ask("/rotate-keys", {})
    assert answer.json() == {
        "active_key_id": new,
        "retired_key_ids": [old],
        "reencrypted": 1,
        "status": "done",
    }


@pytest.mark.parametrize("passage", [1, 2])
async def test_a_key_file_that_cannot_be_written_changes_nothing(
    vault: VaultClient, bench: Bench, passage: int
) -> None:
    """First when the new key is added, then when the old one is to be retired."""
    left = [passage]

    def fail() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(28, "No space left on device")

    token = (await vault.tokenized(VISA))["token"]
    with faults.armed("vault.keys.before_replace", fail):
        assert (await vault.ask("/rotate-keys", {})).status_code == 503
    assert len(key_ids(bench)) == passage
    assert (await vault.charged(token))["number"] == VISA
    assert (await vault.ask("/rotate-keys", {})).status_code == 200
    assert (await vault.charged(token))["number"] == VISA


async def test_a_rotation_cut_short_by_the_end_of_the_vault_goes_on_at_the_next_start(bench: Bench) -> None:
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        raise asyncio.CancelledError

    async with bench.vault() as vault:
        token = (await vault.tokenized(VISA))["token"]
        with faults.armed("vault.rotation.step_done", stop):
            await vault.ask("/rotate-keys", {"mode": "background"})
            await until(stopped.is_set)
        assert cards_on_disk(bench)[str(token)]["key_id"] == key_ids(bench)[0]
    assert len(key_ids(bench)) == 2
    async with bench.vault() as vault:
        await until_rotated(bench)
        assert (await vault.charged(token))["number"] == VISA


async def test_rotating_is_recorded(vault: VaultClient) -> None:
    await vault.ask("/rotate-keys", {}, X_Correlation_Id="spring-cleaning")
    line = (await vault.accesses())[0]
    assert (line["operation"], line["correlation_id"], line["outcome"]) == (
        "rotate_keys",
        "spring-cleaning",
        "ok",
    )


def _wait(event: threading.Event) -> None:
    assert event.wait(LIMIT_S)


async def test_a_card_that_no_key_opens_keeps_the_old_key_until_it_is_given_again(bench: Bench) -> None:
    """Its ciphertext may be put back from a copy, and would need that key. All others are encrypted anew."""
    async with bench.vault() as vault:
        damaged, sound = [(await vault.tokenized(number))["token"] for number in many(2)]
    (old,) = key_ids(bench)
    with bench.edited("encrypted_cards.json") as items:
        items[damaged]["ciphertext"] = "gone"
    async with bench.vault() as vault:
        for _ in range(2):
            answer = await vault.ask("/rotate-keys", {})
            assert (answer.status_code, answer.json()["code"]) == (409, "card_unreadable")
            assert answer.json()["detail"].startswith("Cards that cannot be decrypted: 1.")
        new, kept = key_ids(bench)
        assert kept == old
        assert cards_on_disk(bench)[str(sound)]["key_id"] == new
    async with bench.vault() as vault:
        assert (await vault.charged(sound))["number"] == many(2)[1]
        assert (
            await vault.ask("/charge-token", {"merchant_id": "m_demo", "token": damaged})
        ).status_code == 409
        await vault.tokenized(many(2)[0])
        assert (await vault.ask("/rotate-keys", {})).json()["retired_key_ids"] == [old]
        assert (await vault.charged(damaged))["number"] == many(2)[0]
