"""How the providers are, failures on demand, and which provider a payment takes, asynchronously."""

from collections.abc import Sequence
from typing import Unpack

from ._senders import AsyncSender
from .call_options import CallOptions
from .gateway.api.providers import clear_provider_failures, inject_provider_failure, list_providers
from .gateway.api.routing import explain_routing, get_routing
from .gateway.models import (
    CardBrand,
    ClearedFailures,
    DeclineCode,
    FailureMode,
    FailureOperation,
    FailureRule,
    InjectFailureRequest,
    ProviderBoard,
    ProviderHealth,
    ProviderId,
    RoutingExplanation,
    RoutingRules,
)
from .params import or_unset, routing_question
from .raw_response import async_raw


class AsyncProviders:
    """Look at the providers, and make them fail.

    Every method raises `PayRailError`s; each docstring names those that are its own.
    """

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawProviders":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawProviders(self)

    async def list(self, **options: Unpack[CallOptions]) -> Sequence[ProviderHealth]:
        """The health board: breakers with their history, latest calls, and the failures in force."""
        board = await self._sender.call(
            ProviderBoard, lambda client: list_providers.asyncio_detailed(client=client), options
        )
        return board.data

    async def inject_failure(
        self,
        provider: ProviderId,
        mode: FailureMode,
        *,
        rate: float = 1.0,
        operation: FailureOperation | None = None,
        latency_ms: int | None = None,
        decline_code: DeclineCode | None = None,
        remaining: int | None = None,
        last4: str | None = None,
        **options: Unpack[CallOptions],
    ) -> FailureRule:
        """Make a simulated provider fail from now on; an admin's right. It is not repeated by itself.

        Args:
            provider: "providerA" or "providerB".
            mode: What happens to a call that is hit.
            rate: The share of calls that are hit, from 0 to 1.
            operation: Only these calls; all, inquiries included, when left out.
            latency_ms: How late to answer, with mode "latency".
            decline_code: The reason, with mode "decline".
            remaining: How many calls to hit at most.
            last4: Only cards that end so.
            options: See `CallOptions`.

        Raises:
            ValidationFailed: The fields do not go together.
            PermissionDenied: The caller is no admin.
        """
        body = InjectFailureRequest(
            mode=mode,
            rate=rate,
            operation=or_unset(operation),
            latency_ms=or_unset(latency_ms),
            decline_code=or_unset(decline_code),
            remaining=or_unset(remaining),
            last4=or_unset(last4),
        )
        return await self._sender.call(
            FailureRule,
            lambda client: inject_provider_failure.asyncio_detailed(provider, client=client, body=body),
            options,
        )

    async def clear_failures(self, provider: ProviderId, **options: Unpack[CallOptions]) -> int:
        """Take all failures of a provider away; how many there were.

        Raises:
            PermissionDenied: The caller is no admin.
        """
        cleared = await self._sender.call(
            ClearedFailures,
            lambda client: clear_provider_failures.asyncio_detailed(provider, client=client),
            options,
        )
        return cleared.cleared


class AsyncRawProviders:
    """As `RawProviders`, with `await`."""

    def __init__(self, plain: AsyncProviders) -> None:
        self.list = async_raw(plain.list)
        self.inject_failure = async_raw(plain.inject_failure)
        self.clear_failures = async_raw(plain.clear_failures)


class AsyncRouting:
    """Look at the routing rules, and ask what they mean for a payment.

    Every method raises `PayRailError`s; each docstring names those that are its own.
    """

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "AsyncRawRouting":
        """The same methods, with the whole answers: see `RawResponse`."""
        return AsyncRawRouting(self)

    async def rules(self, **options: Unpack[CallOptions]) -> RoutingRules:
        """The rules in force, and where they come from."""
        return await self._sender.call(
            RoutingRules, lambda client: get_routing.asyncio_detailed(client=client), options
        )

    async def explain(
        self,
        payment_id: str | None = None,
        *,
        amount: int | None = None,
        currency: str | None = None,
        country: str | None = None,
        brand: CardBrand | None = None,
        bin: str | None = None,  # noqa: A002 - the contract's word
        **options: Unpack[CallOptions],
    ) -> RoutingExplanation:
        """Which provider a payment would take now, and why, without making it.

        Args:
            payment_id: A payment that exists; or else say what it would be:
            amount: Minor units of the currency.
            currency: ISO 4217 code.
            country: ISO 3166-1 alpha-2 code (default "US").
            brand: The card's brand.
            bin: The card's first six digits.
            options: See `CallOptions`.

        Raises:
            NotFound: There is no such payment, or it is another merchant's.
            ValidationFailed: Neither a payment's id nor amount and currency.
            CurrencyUnsupported: PayRail does not take the currency.
        """
        body = routing_question(
            payment_id, amount=amount, currency=currency, country=country, brand=brand, card_bin=bin
        )
        return await self._sender.call(
            RoutingExplanation,
            lambda client: explain_routing.asyncio_detailed(client=client, body=body),
            options,
        )


class AsyncRawRouting:
    """As `RawRouting`, with `await`."""

    def __init__(self, plain: AsyncRouting) -> None:
        self.rules = async_raw(plain.rules)
        self.explain = async_raw(plain.explain)
