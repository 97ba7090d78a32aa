"""What merchants pay: blended by default, interchange++ by agreement; each part is rounded half to even by itself."""

from pathlib import Path

import msgspec
import pytest
from desk import Desk

from payrail.gateway.adapters.merchants import MerchantsFile, MerchantsInvalid
from payrail.gateway.domain.pricing import Blended, InterchangePlusPlus
from payrail.ledger.payment_events import FeeParts

ACME = InterchangePlusPlus({"visa": 165, "amex": 240, "*": 200}, 14, 30, 10)


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [(10_000, "USD", 320), (10_000, "JPY", 320), (10_000, "KWD", 390), (50, "USD", 31), (150, "USD", 34)],
)
def test_a_blended_fee_is_one_rate_and_a_fixed_part(amount: int, currency: str, fee: int) -> None:
    assert Blended().fee(amount, currency, "visa") == (fee, None)


def test_interchange_depends_on_the_brand_and_every_part_is_rounded_by_itself() -> None:
    assert ACME.fee(10_000, "USD", "visa") == (219, FeeParts(165, 14, 40))
    assert ACME.fee(10_000, "USD", "amex") == (294, FeeParts(240, 14, 40))
    assert ACME.fee(10_000, "USD", "jcb") == (254, FeeParts(200, 14, 40))
    # 0.165, 0.014 and 0.030 of a yen: none of them makes one, though their sum is no nearer to zero.
    assert ACME.fee(10, "JPY", "visa") == (10, FeeParts(0, 0, 10))


def test_half_a_minor_unit_goes_to_the_even_one() -> None:
    halves = InterchangePlusPlus({"*": 50}, 0, 0, 0)
    assert [halves.fee(amount, "USD", "visa")[0] for amount in (100, 300, 500)] == [0, 2, 2]


def test_the_first_start_prices_one_merchant_each_way(tmp_path: Path) -> None:
    path = tmp_path / "merchants.json"
    made = MerchantsFile(path, "key")
    assert made.plan_of("m_demo") == Blended()
    assert isinstance(made.plan_of("m_acme"), InterchangePlusPlus)
    assert MerchantsFile(path, "key").plan_of("m_acme") == made.plan_of("m_acme")


def test_merchants_of_before_there_were_plans_pay_the_usual_price(tmp_path: Path) -> None:
    path = tmp_path / "merchants.json"
    path.write_bytes(b'[{"id":"m_old","name":"Old","keys":[]}]')
    assert MerchantsFile(path, "key").plan_of("m_old") == Blended()


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        ({"plan": "free"}, "free"),
        ({"plan": "blended", "basis_points": -1}, "basis_points"),
        ({"plan": "blended", "basis_point": 290}, "basis_point"),
        (
            {"plan": "interchange_plus_plus", "interchange_basis_points": {}, "scheme_basis_points": 1,
             "markup_basis_points": 1, "markup_fixed": 1},
            "all other brands",
        ),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_taken_is_refused_by_its_place(
    tmp_path: Path, plan: dict[str, object], reason: str
) -> None:
    path = tmp_path / "merchants.json"
    path.write_bytes(msgspec.json.encode([{"id": "m_x", "name": "X", "price_plan": plan}]))
    with pytest.raises(MerchantsInvalid, match=rf"merchants\.json: .*{reason}.*"):
        MerchantsFile(path, "key")


async def test_a_capture_is_priced_by_its_merchants_plan(desk: Desk) -> None:
    method = {"card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}}
    body = {"amount": 10_000, "currency": "USD", "payment_method": method}
    payment_id = (await desk.post("/payments", body, merchant="m_acme")).json()["id"]
    for step in ("authorize", "capture"):
        assert (await desk.post(f"/payments/{payment_id}/{step}", merchant="m_acme")).status_code == 200
    entries = (await desk.get(f"/payments/{payment_id}/ledger", merchant="m_acme"))["data"]
    captured = entries[-1]
    assert captured["data"]["merchant_fee"] == 219
    assert captured["data"]["fee_parts"] == {"interchange": 165, "scheme": 14, "markup": 40}
    assert {"account": "fee_revenue", "side": "credit", "amount": 219, "currency": "USD"} in captured[
        "postings"
    ]
