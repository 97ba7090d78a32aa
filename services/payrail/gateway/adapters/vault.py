"""The vault, through its generated client."""

from collections import OrderedDict
from http import HTTPStatus
from typing import Any

from payrail.gateway.ports import CardDetails, CardRefused, CardUnreadable, TokenNotFound, VaultUnavailable
from payrail.ledger.payment_events import PaymentMethod
from payrail.runtime import faults
from payrail.runtime.client_errors import NO_ANSWER
from payrail_sdk.vault import AuthenticatedClient
from payrail_sdk.vault.api.tokens import charge_token, detokenize, tokenize
from payrail_sdk.vault.models import (
    ChargeableCard,
    ChargeTokenRequest,
    DetokenizeRequest,
    TokenizedCard,
    TokenizeRequest,
)
from payrail_sdk.vault.types import UNSET, Response

BEFORE_CALL = faults.declare("vault.before_call", "the vault is about to be called")
AFTER_CALL = faults.declare("vault.after_call", "the vault has answered, nothing is made of it yet")

_DESCRIBED_MAX = 10_000
UNREADABLE_CARD = "card_unreadable"
_UNREADABLE_DETAIL = (
    "The vault cannot read this card any more. A payment with the card itself puts it there anew."
)


class SdkVault:
    """`Vault` over the wire. Whatever is not a clear answer is `VaultUnavailable`."""

    def __init__(self, client: AuthenticatedClient) -> None:
        self._client = client
        self._described: OrderedDict[tuple[str, str], PaymentMethod] = OrderedDict()

    async def tokenize(self, merchant_id: str, card: CardDetails, correlation_id: str) -> PaymentMethod:
        body = TokenizeRequest(
            merchant_id=merchant_id,
            number=card.number,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            holder_name=card.holder_name or UNSET,
        )
        method = _method(await self._call(tokenize, body, correlation_id))
        self._remember(merchant_id, method)
        return method

    async def describe(self, merchant_id: str, token: str, correlation_id: str) -> PaymentMethod:
        """See `Vault.describe`. What a token stands for does not change, but for the expiry that the card's owner gives
        anew: that one may be shown as it was. A charge always takes the card as the vault has it."""
        known = self._described.get((merchant_id, token))
        if known is not None:
            return known
        body = DetokenizeRequest(merchant_id=merchant_id, token=token)
        method = _method(await self._call(detokenize, body, correlation_id))
        self._remember(merchant_id, method)
        return method

    def _remember(self, merchant_id: str, method: PaymentMethod) -> None:
        self._described[merchant_id, method.token] = method
        if len(self._described) > _DESCRIBED_MAX:
            self._described.popitem(last=False)

    async def charge_token(self, merchant_id: str, token: str, correlation_id: str) -> CardDetails:
        body = ChargeTokenRequest(merchant_id=merchant_id, token=token)
        card = await self._call(charge_token, body, correlation_id)
        if not isinstance(card, ChargeableCard):
            raise VaultUnavailable
        return CardDetails(card.number, card.exp_month, card.exp_year, card.holder_name)

    async def _call(self, operation: Any, body: Any, correlation_id: str) -> object:
        """The parsed 2xx answer of `operation`, else the error that its problem stands for."""
        faults.point(BEFORE_CALL)
        try:
            response: Response[Any] = await operation.asyncio_detailed(
                client=self._client, body=body, x_correlation_id=correlation_id
            )
        except NO_ANSWER:
            raise VaultUnavailable from None
        faults.point(AFTER_CALL)
        code = getattr(response.parsed, "code", None)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return response.parsed
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise TokenNotFound
        if response.status_code == HTTPStatus.CONFLICT and code == UNREADABLE_CARD:
            raise CardUnreadable(_UNREADABLE_DETAIL)
        if response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and code in (
            "card_invalid",
            "card_expired",
        ):
            raise CardRefused(code)
        raise VaultUnavailable


def _method(card: object) -> PaymentMethod:
    if not isinstance(card, TokenizedCard):
        raise VaultUnavailable
    return PaymentMethod(
        token=card.token,
        brand=card.brand,
        bin=card.bin_,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        fingerprint=card.fingerprint,
    )
