"""Keys and cards that do not belong together are noticed at the start, a damaged card when it is needed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from payrail.testing.cards import Cards
from payrail_sdk import ApiError, Identity, NewCardParams, PayRail
from stack_process import StackProcess


def make_payment(stack: StackProcess, card: NewCardParams | None = None) -> str:
    with PayRail(stack.merchant_key, stack.url()) as client:
        return client.payments.create(amount=1999, currency="EUR", payment_method=card or Cards().approved).id


@pytest.mark.parametrize("options", [[], ["--isolated"]], ids=["embedded", "isolated"])
def test_vault_key_of_another_installation_is_one_line_that_says_what_to_do(
    start_stack: Callable[..., StackProcess], tmp_path: Path, options: list[str]
) -> None:
    keys = []
    for name in ("one", "other"):
        stack = start_stack(*options, data_dir=tmp_path / name)
        make_payment(stack)
        stack.stop()
        keys.append(stack.data_dir / "vault" / "keys.json")
    keys[1].write_bytes(keys[0].read_bytes())
    ledger = (stack.data_dir / "ledger" / "payments.jsonl").read_bytes()
    assert stack.launch().wait() == 1
    (line,) = stack.err
    assert line.startswith(
        f"Error: vault could not start: {keys[1]} does not open the cards of encrypted_cards.json"
    )
    assert line.endswith("; put back the key file that belongs to this data directory\n")
    assert (stack.data_dir / "ledger" / "payments.jsonl").read_bytes() == ledger


def test_damaged_card_refuses_its_charge_and_the_rotation_until_it_is_given_again(
    start_stack: Callable[..., StackProcess],
) -> None:
    stack = start_stack()
    payment_id = make_payment(stack)
    make_payment(stack, Cards().declined)
    stack.stop()
    stack.restart().stop()  # Every start moves what the log holds into the document.
    damage_first_card(stack.data_dir / "vault" / "encrypted_cards.json")
    stack.restart()
    with PayRail(stack.console_key, stack.url(), identity=Identity("m_demo", "admin", "ana")) as admin:
        for refused in (lambda: admin.payments.authorize(payment_id), admin.vault.rotate_keys):
            with pytest.raises(ApiError) as caught:
                refused()
            assert (caught.value.status, caught.value.code) == (409, "card_unreadable")
        assert admin.payments.get(payment_id).state == "CREATED"
        make_payment(stack)
        assert admin.payments.authorize(payment_id).state == "AUTHORIZED"
        assert admin.vault.rotate_keys().status == "done"


def damage_first_card(path: Path) -> None:
    document = json.loads(path.read_text())
    first = next(iter(document["items"].values()))
    first["ciphertext"] = first["ciphertext"].swapcase()
    path.write_text(json.dumps(document))
