"""What operations take, and how it becomes the generated models."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict, TypeVar, cast

from .call_options import CallOptions
from .gateway.models import (
    AuthorizePaymentRequest,
    CaptureMethod,
    CapturePaymentRequest,
    CardBrand,
    CardInput,
    CreateCustomerRequest,
    CreatePaymentRequest,
    ExplainRoutingRequest,
    Metadata,
    NewCardMethod,
    PaymentState,
    ProviderId,
    SavePaymentMethodRequest,
    TokenMethod,
)
from .gateway.types import UNSET, Unset

Value = TypeVar("Value")


class CardParams(TypedDict):
    """A card as its holder gives it."""

    number: str
    """Digits only."""
    exp_month: int
    """1 to 12."""
    exp_year: int
    """Four digits. A card is valid to the end of its month."""
    holder_name: NotRequired[str]


class NewCardParams(TypedDict):
    """Pay with this card. Its number goes to the vault before anything else happens."""

    card: CardParams


class TokenParams(TypedDict):
    """Pay with a card that the vault holds already."""

    token: str


PaymentMethodParam = NewCardParams | TokenParams | NewCardMethod | TokenMethod | CardInput
"""What pays: `{"card": {…}}`, `{"token": "tok_…"}`, or the generated models of the same."""


class PaymentFilters(CallOptions, total=False):
    """Which payments to list, and how the call is made. All filters that are given must hold."""

    state: PaymentState | Sequence[PaymentState] | None
    """In one of these states."""
    currency: str | None
    """ISO 4217 code."""
    provider: ProviderId | None
    """Taken by this provider."""
    created_from: datetime | None
    """Created then or later. Needs a time zone."""
    created_to: datetime | None
    """Created before. Needs a time zone."""
    amount_min: int | None
    """Of at least this amount, in minor units."""
    amount_max: int | None
    """Of at most this amount, in minor units."""
    merchant_reference: str | None
    """With exactly this reference."""
    customer_id: str | None
    """Of this customer."""
    q: str | None
    """Holding this text, whatever its case, in id, references, description, metadata or last four digits."""


class PaymentQuery(TypedDict, total=False):
    """`PaymentFilters` as the generated function takes them."""

    state: list[PaymentState] | Unset
    currency: str | Unset
    provider: ProviderId | Unset
    created_from: datetime | Unset
    created_to: datetime | Unset
    amount_min: int | Unset
    amount_max: int | Unset
    merchant_reference: str | Unset
    customer_id: str | Unset
    q: str | Unset


def create_payment_request(
    *,
    amount: int,
    currency: str,
    payment_method: PaymentMethodParam,
    capture_method: CaptureMethod | None,
    country: str | None,
    customer_id: str | None,
    merchant_reference: str | None,
    description: str | None,
    metadata: Mapping[str, str] | None,
) -> CreatePaymentRequest:
    """The body of `create_payment`."""
    return CreatePaymentRequest(
        amount,
        currency,
        _payment_method(payment_method),
        capture_method=or_unset(capture_method),
        country=or_unset(country),
        customer_id=or_unset(customer_id),
        merchant_reference=or_unset(merchant_reference),
        description=or_unset(description),
        metadata=UNSET if metadata is None else Metadata.from_dict(metadata),
    )


def create_customer_request(
    name: str | None,
    email: str | None,
    merchant_reference: str | None,
    description: str | None,
    metadata: Mapping[str, str] | None,
) -> CreateCustomerRequest:
    """The body of `create_customer`."""
    return CreateCustomerRequest(
        name=or_unset(name),
        email=or_unset(email),
        merchant_reference=or_unset(merchant_reference),
        description=or_unset(description),
        metadata=UNSET if metadata is None else Metadata.from_dict(metadata),
    )


def save_payment_method_request(given: PaymentMethodParam) -> SavePaymentMethodRequest:
    """The body of `save_payment_method`."""
    method = _payment_method(given)
    if isinstance(method, NewCardMethod):
        return SavePaymentMethodRequest(card=method.card)
    return SavePaymentMethodRequest(token=method.token)


def authorize_payment_request(cvc: str | None) -> AuthorizePaymentRequest | Unset:
    """The body of `authorize_payment`, which is left out when there is nothing to say."""
    return UNSET if cvc is None else AuthorizePaymentRequest(cvc)


def capture_payment_request(amount: int | None, *, final: bool) -> CapturePaymentRequest | Unset:
    """The body of `capture_payment`, which is left out when all is to be captured."""
    if amount is None and not final:
        return UNSET
    return CapturePaymentRequest(or_unset(amount), final)


def payment_query(filters: Mapping[str, Any]) -> PaymentQuery:
    """The query of `list_payments`. Raises ValueError for a time without a zone: it would name no moment."""
    query: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    if isinstance(query.get("state"), str):
        query["state"] = [query["state"]]
    for name in ("created_from", "created_to"):
        if name in query and query[name].tzinfo is None:
            raise ValueError(f"{name} needs a time zone, such as datetime.UTC")
    return cast(PaymentQuery, query)


def zoned(at: datetime) -> datetime:
    """The time, if it has a zone. Raises ValueError for one that would name no moment."""
    if at.tzinfo is None:
        raise ValueError("the time needs a zone, such as datetime.UTC")
    return at


def path_id(given: str, of: str = "payment") -> str:
    """The id, if it can stand in a path. Raises ValueError for one that would name another path, as "" does."""
    if given in ("", ".", ".."):
        raise ValueError(f"{of}_id must be a {of}'s id")
    return given


def one_or_more(given: Value | Sequence[Value] | None) -> list[Value] | Unset:
    """A filter that may be repeated."""
    if given is None:
        return UNSET
    return [cast(Value, given)] if isinstance(given, str) else list(cast("Sequence[Value]", given))


def routing_question(
    payment_id: str | None,
    *,
    amount: int | None,
    currency: str | None,
    country: str | None,
    brand: CardBrand | None,
    card_bin: str | None,
) -> ExplainRoutingRequest:
    """The body of explain."""
    return ExplainRoutingRequest(
        payment_id=or_unset(payment_id),
        amount=or_unset(amount),
        currency=or_unset(currency),
        country=or_unset(country),
        brand=or_unset(brand),
        bin_=or_unset(card_bin),
    )


def or_unset(value: Value | None) -> Value | Unset:
    """The generated code's word for what is left out."""
    return UNSET if value is None else value


def _payment_method(given: PaymentMethodParam) -> NewCardMethod | TokenMethod:
    """The generated model. An unknown or a missing field is a TypeError, as for any call."""
    if isinstance(given, NewCardMethod | TokenMethod):
        return given
    if isinstance(given, CardInput):
        return NewCardMethod(given)
    fields = cast(Mapping[str, Any], given)
    if "card" in fields:
        return NewCardMethod(**{**fields, "card": CardInput(**fields["card"])})
    return TokenMethod(**fields)
