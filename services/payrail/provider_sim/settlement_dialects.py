"""The settlement files of the two providers as bytes. Pure: the same lines give the same bytes.

providerA writes what Stripe's payout reconciliation report has (itemized): one signed gross, fee and net per balance
transaction, the currency in lower case, PayRail's references as metadata. providerB writes what Adyen's settlement
details report has: debit and credit columns, the fee by who gets it (interchange++), PayRail's references as merchant
references, and a chargeback's fee as a row of its own. Both write amounts in major units, with the currency's decimals.
"""

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping

from payrail.ledger.money import exponent
from payrail.provider_sim.profiles import Profile
from payrail.provider_sim.references import letters_and_digits
from payrail.provider_sim.settlement import Line, Movement

STRIPE_COLUMNS = (
    "automatic_payout_id", "automatic_payout_effective_at", "balance_transaction_id", "created_utc",
    "available_on_utc", "currency", "gross", "fee", "net", "reporting_category", "source_id", "description",
    "charge_id", "payment_intent_id", "payment_metadata[reference]", "payment_metadata[authorization]",
)  # fmt: skip
ADYEN_COLUMNS = (
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method",
    "Creation Date", "TimeZone", "Type", "Modification Reference", "Gross Currency", "Gross Debit (GC)",
    "Gross Credit (GC)", "Exchange Rate", "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)",
    "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)", "Batch Number", "Modification Merchant Reference",
)  # fmt: skip
_REPORTING_CATEGORIES = {
    Movement.CAPTURE: "charge",
    Movement.REFUND: "refund",
    Movement.REFUND_FAILED: "refund_failure",
    Movement.CHARGEBACK: "dispute",
    Movement.CHARGEBACK_WON: "dispute_reversal",
}
_JOURNAL_TYPES = {
    Movement.CAPTURE: "Settled",
    Movement.REFUND: "Refunded",
    Movement.REFUND_FAILED: "RefundedReversed",
    Movement.CHARGEBACK: "Chargeback",
    Movement.CHARGEBACK_WON: "ChargebackReversed",
}
_PAYMENT_METHODS = {"3": "amex", "4": "visa", "5": "mc", "2": "mc"}
_PAYOUT_AFTER = dt.timedelta(days=2)
_FIRST_BATCH = dt.date(2019, 12, 31)

Row = tuple[str, ...]


def settlement_csv(profile: Profile, date: str, lines: Iterable[Line]) -> bytes:
    """The file of a day: a header, and a row or two for each line."""
    columns, rows = _DIALECTS[profile.manners]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows(profile, date, lines))
    return text.getvalue().encode()


def _stripe_rows(profile: Profile, date: str, lines: Iterable[Line]) -> Iterator[Row]:
    for line in lines:
        paid_out = f"{dt.date.fromisoformat(date) + _PAYOUT_AFTER} 00:00:00"
        currency = line.currency.lower()
        yield (
            f"po_1{_digest(profile.id, date, currency)}", paid_out,
            f"txn_3{_digest(line.movement, line.reference)}", _second(line.at), paid_out, currency,
            _decimal(line.gross, line.currency), _decimal(line.fee, line.currency),
            _decimal(line.gross - line.fee, line.currency), _REPORTING_CATEGORIES[line.movement],
            line.subject_reference, "", line.provider_reference if line.movement is Movement.CAPTURE else "",
            line.provider_authorization, line.reference, line.authorization,
        )  # fmt: skip


def _adyen_rows(_profile: Profile, date: str, lines: Iterable[Line]) -> Iterator[Row]:
    batch = str((dt.date.fromisoformat(date) - _FIRST_BATCH).days)
    for line in lines:
        head = (
            "PayRail", "PayRailECOM", line.provider_authorization, line.authorization,
            _PAYMENT_METHODS.get(line.card_bin[:1], "card"), _second(line.at), "UTC",
        )  # fmt: skip
        tail = (batch, line.reference)
        apart = line.fee if line.movement is Movement.CHARGEBACK else 0
        net = line.gross - (line.fee - apart)
        yield (
            *head, _JOURNAL_TYPES[line.movement], line.subject_reference,
            line.currency, *_debit_credit(line.gross, line.currency), "1", line.currency,
            *_debit_credit(net, line.currency), "", *_fee_columns(line), *tail,
        )  # fmt: skip
        if apart:
            yield (
                *head, "Fee", line.subject_reference, line.currency, "", "", "", line.currency,
                *_debit_credit(-apart, line.currency), "", "", "", "", *tail,
            )  # fmt: skip


def _fee_columns(line: Line) -> Row:
    """Markup, scheme fees and interchange; empty where there is no fee in the row."""
    if line.movement is Movement.CHARGEBACK or line.fee == 0:
        return ("", "", "")
    parts = line.fee_parts
    return tuple(_decimal(part, line.currency) for part in (parts.markup, parts.scheme, parts.interchange))


def _debit_credit(amount: int, currency: str) -> tuple[str, str]:
    return (_decimal(-amount, currency), "") if amount < 0 else ("", _decimal(amount, currency))


def _decimal(amount: int, currency: str) -> str:
    """Minor units as the decimal number of major units that they are: 1250 is 12.50 in USD, 1250 in JPY."""
    digits = exponent(currency)
    sign = "-" if amount < 0 else ""
    if not digits:
        return f"{sign}{abs(amount)}"
    whole, part = divmod(abs(amount), 10**digits)
    return f"{sign}{whole}.{part:0{digits}d}"


def _second(at: str) -> str:
    """RFC 3339 as ``YYYY-MM-DD hh:mm:ss``."""
    return f"{at[:10]} {at[11:19]}"


def _digest(*parts: str) -> str:
    return letters_and_digits(hashlib.sha256(":".join(parts).encode()).digest())


_DIALECTS: Mapping[str, tuple[Row, Callable[[Profile, str, Iterable[Line]], Iterator[Row]]]] = {
    "stripe_like": (STRIPE_COLUMNS, _stripe_rows),
    "adyen_like": (ADYEN_COLUMNS, _adyen_rows),
}
