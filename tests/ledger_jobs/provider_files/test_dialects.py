"""Reading the providers' files: what they say in minor units, and exactly where a file says what nobody understands."""

import polars as pl
import pytest

from payrail.ledger_jobs.provider_files.dialects import (
    ADYEN_COLUMNS,
    COLUMNS,
    STRIPE_COLUMNS,
    ProviderFileInvalid,
    empty_provider_rows,
    paid_out,
    parse_provider_file,
)
from payrail.provider_sim import settlement_dialects

DAY = "2026-03-31"
STRIPE_HEADER = ",".join(STRIPE_COLUMNS)
ADYEN_HEADER = ",".join(ADYEN_COLUMNS)


def stripe(**cells: str) -> str:
    """A row of providerA; cells by column, `reference` for ours."""
    row = dict.fromkeys(STRIPE_COLUMNS, "") | {
        "created_utc": "2026-03-31 12:00:00",
        "currency": "usd",
        "gross": "10.00",
        "fee": "0.59",
        "net": "9.41",
        "reporting_category": "charge",
        "source_id": "ch_1",
        "payment_metadata[reference]": cells.pop("reference", "att_1"),
        "payment_metadata[authorization]": "att_0",
    }
    return ",".join((row | cells).values())


def adyen(**cells: str) -> str:
    """A row of providerB; cells by column with underscores for blanks and brackets."""
    row = dict.fromkeys(ADYEN_COLUMNS, "") | {
        "Merchant Reference": "att_0",
        "Creation Date": "2026-03-31 12:00:00",
        "TimeZone": "UTC",
        "Type": "Settled",
        "Modification Reference": "K1",
        "Gross Currency": "USD",
        "Gross Credit (GC)": "10.00",
        "Exchange Rate": "1",
        "Net Currency": "USD",
        "Net Credit (NC)": "9.70",
        "Markup (NC)": "0.12",
        "Scheme Fees (NC)": "0.01",
        "Interchange (NC)": "0.17",
        "Modification Merchant Reference": "att_1",
    }
    return ",".join((row | cells).values())


CHARGEBACK = {
    "Type": "Chargeback", "Gross Credit (GC)": "", "Gross Debit (GC)": "10.00", "Net Credit (NC)": "",
    "Net Debit (NC)": "10.00", "Markup (NC)": "", "Scheme Fees (NC)": "", "Interchange (NC)": "",
}  # fmt: skip
FEE = CHARGEBACK | {"Type": "Fee", "Gross Debit (GC)": "", "Net Debit (NC)": "8.00"}


def parse(provider: str, *rows: str) -> list[dict[str, object]]:
    header = STRIPE_HEADER if provider == "providerA" else ADYEN_HEADER
    content = "\n".join((header, *rows)) + "\n"
    return parse_provider_file(provider, DAY, content.encode()).to_dicts()


def test_both_sides_of_the_dialects_have_the_same_columns() -> None:
    """Simulator and jobs share no code, so the two lists are compared here."""
    assert settlement_dialects.STRIPE_COLUMNS == STRIPE_COLUMNS
    assert settlement_dialects.ADYEN_COLUMNS == ADYEN_COLUMNS


def test_a_stripe_like_row_is_read_in_minor_units() -> None:
    (row,) = parse("providerA", stripe())
    assert row == {
        "line": 2, "provider": "providerA", "date": DAY, "at": "2026-03-31T12:00:00.000Z",
        "operation": "capture", "reference": "att_1", "authorization": "att_0", "provider_reference": "ch_1",
        "currency": "USD", "gross": 1000, "fee": 59,
    }  # fmt: skip


def test_an_adyen_like_row_is_read_in_minor_units_with_all_its_fees() -> None:
    (row,) = parse("providerB", adyen())
    assert (row["operation"], row["gross"], row["fee"], row["reference"]) == ("capture", 1000, 30, "att_1")
    assert (row["authorization"], row["provider_reference"]) == ("att_0", "K1")


@pytest.mark.parametrize(
    ("currency", "gross", "minor"),
    [("jpy", "1250", 1250), ("kwd", "-12.345", -12345), ("usd", "0.05", 5), ("usd", "-0.05", -5)],
)
def test_amounts_follow_the_exponent_of_their_currency(currency: str, gross: str, minor: int) -> None:
    fee = {"jpy": "0", "kwd": "0.000", "usd": "0.00"}[currency]
    (row,) = parse("providerA", stripe(currency=currency, gross=gross, fee=fee, net=gross))
    assert row["gross"] == minor


@pytest.mark.parametrize(
    ("category", "operation"),
    [
        ("charge", "capture"), ("refund", "refund"), ("refund_failure", "refund_failed"),
        ("dispute", "chargeback"), ("dispute_reversal", "chargeback_won"), ("fee", "fee"),
    ],
)  # fmt: skip
def test_every_category_is_an_operation(category: str, operation: str) -> None:
    (row,) = parse("providerA", stripe(reporting_category=category))
    assert row["operation"] == operation


def test_the_fee_row_of_a_chargeback_is_the_fee_of_it() -> None:
    (row,) = parse("providerB", adyen(**CHARGEBACK), adyen(**FEE))
    assert (row["line"], row["operation"], row["gross"], row["fee"]) == (2, "chargeback", -1000, 800)


def test_a_chargeback_that_stands_there_twice_has_its_fee_twice() -> None:
    rows = parse("providerB", *(adyen(**CHARGEBACK), adyen(**FEE)) * 2)
    assert [(row["line"], row["operation"], row["fee"]) for row in rows] == [
        (2, "chargeback", 800),
        (4, "chargeback", 800),
    ]


def test_a_fee_that_belongs_to_nothing_stays_a_row() -> None:
    (row,) = parse("providerB", adyen(**FEE))
    assert (row["operation"], row["gross"], row["fee"]) == ("fee", 0, 800)


def test_a_file_without_rows_is_a_quiet_day() -> None:
    frame = parse_provider_file("providerB", DAY, f"{ADYEN_HEADER}\n".encode())
    assert frame.equals(empty_provider_rows())
    assert frame.schema == empty_provider_rows().schema
    assert tuple(frame.columns) == COLUMNS


def test_what_is_paid_out_is_summed_by_currency() -> None:
    rows = [stripe(), stripe(currency="jpy", gross="500", fee="40", net="460"), stripe()]
    content = "\n".join((STRIPE_HEADER, *rows)) + "\n"
    assert paid_out(parse_provider_file("providerA", DAY, content.encode())) == {"JPY": 460, "USD": 1882}


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"currency": "USD"}, "currency"),
        ({"currency": "xyz"}, "currency"),
        ({"reporting_category": "topup"}, "reporting_category"),
        ({"created_utc": "31.03.2026 12:00"}, "created_utc"),
        ({"gross": "10.0"}, "gross"),
        ({"gross": "10"}, "gross"),
        ({"gross": ""}, "gross"),
        ({"gross": "1e3"}, "gross"),
        ({"gross": "+10.00"}, "gross"),
        ({"gross": ".00"}, "gross"),
        ({"currency": "jpy", "gross": "10."}, "gross"),
        ({"fee": "0.590"}, "fee"),
        ({"net": "9.42"}, "net"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_by_line_and_column(cells: dict[str, str], column: str) -> None:
    with pytest.raises(ProviderFileInvalid) as refused:
        parse("providerA", stripe(), stripe(**cells))
    assert (refused.value.line, refused.value.column) == (3, column)
    assert f"line 3, column {column}" in refused.value.detail


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"Type": "MiscCosts"}, "Type"),
        ({"TimeZone": "CET"}, "TimeZone"),
        ({"Exchange Rate": "1.08"}, "Exchange Rate"),
        ({"Net Currency": "EUR"}, "Net Currency"),
        ({"Gross Currency": "usd", "Net Currency": "usd"}, "Gross Currency"),
        ({"Net Credit (NC)": "9.71"}, "Net Credit (NC)"),
        ({"Interchange (NC)": "0.1"}, "Interchange (NC)"),
    ],
)
def test_a_cell_of_the_other_dialect_is_named_too(cells: dict[str, str], column: str) -> None:
    with pytest.raises(ProviderFileInvalid) as refused:
        parse("providerB", adyen(), adyen(**cells))
    assert (refused.value.line, refused.value.column) == (3, column)


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"", 1, "automatic_payout_id"),
        (STRIPE_HEADER.replace("gross", "brutto").encode() + b"\n", 1, "gross"),
        (STRIPE_HEADER.encode() + b",more\n", 1, "more"),
        (ADYEN_HEADER.encode() + b"\n", 1, "automatic_payout_id"),
        (f"{STRIPE_HEADER}\n{stripe()}\n{stripe()},more\n".encode(), 3, None),
        (f"{STRIPE_HEADER}\n{stripe()}\nonly,three,cells\n".encode(), 3, None),
        (f"{STRIPE_HEADER}\n{stripe()}\n".encode() + b"\xff\xfe" + stripe().encode() + b"\n", 3, None),
    ],
)
def test_a_file_that_is_no_table_of_its_dialect_is_refused(
    content: bytes, line: int, column: str | None
) -> None:
    with pytest.raises(ProviderFileInvalid) as refused:
        parse_provider_file("providerA", DAY, content)
    assert (refused.value.line, refused.value.column) == (line, column)


def test_the_frame_has_integers_where_money_is() -> None:
    schema = empty_provider_rows().schema
    assert {name for name, kind in schema.items() if kind == pl.Int64} == {"line", "gross", "fee"}
