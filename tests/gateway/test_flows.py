"""The flows over a ledger of files, without the wire."""

from pathlib import Path

from shop import shop_on_files


async def test_life_of_a_payment_and_its_replays(tmp_path: Path) -> None:
    async with shop_on_files(tmp_path) as shop:
        created = await shop.create(key="create")
        again = await shop.create(key="create")
        assert again.replayed
        assert again.body == created.body
        payment_id = created.body["id"]
        authorized = await shop.authorize(payment_id, "authorize")
        assert (authorized.status, authorized.body["state"]) == (200, "AUTHORIZED")
        assert (await shop.capture(payment_id, 300)).body["state"] == "PARTIALLY_CAPTURED"
        assert (await shop.capture(payment_id)).body["state"] == "CAPTURED"
        late = await shop.authorize(payment_id, "authorize")
        assert late.replayed
        assert late.body == authorized.body


async def test_a_reopened_ledger_folds_to_the_same_state(tmp_path: Path) -> None:
    async with shop_on_files(tmp_path) as shop:
        for _ in range(5):
            await shop.authorized_payment()
        closed = shop.journal.state
    async with shop_on_files(tmp_path) as reopened:
        assert reopened.journal.seq == 15
        assert reopened.journal.state.payments == closed.payments
        assert reopened.journal.state.claims == closed.claims
