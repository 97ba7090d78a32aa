"""How the providers are, failures on demand, and which provider a payment takes, blocking."""

from collections.abc import Sequence
from typing import Unpack

from ._senders import Sender
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
from .raw_response import raw


class Providers:
    """Look at the providers, and make them fail.

    Every method raises `PayRailError`s; each docstring names those that are its own.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawProviders":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawProviders(self)

    def list(self, **options: Unpack[CallOptions]) -> Sequence[ProviderHealth]:
        """The health board: breakers with their history, latest calls, and the failures in force."""
        board = self._sender.call(
            ProviderBoard, lambda client: list_providers.sync_detailed(client=client), options
        )
        return board.data

    def inject_failure(
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
        return self._sender.call(
            FailureRule,
            lambda client: inject_provider_failure.sync_detailed(provider, client=client, body=body),
            options,
        )

    def clear_failures(self, provider: ProviderId, **options: Unpack[CallOptions]) -> int:
        """Take all failures of a provider away; how many there were.

        Raises:
            PermissionDenied: The caller is no admin.
        """
        cleared = self._sender.call(
            ClearedFailures,
            lambda client: clear_provider_failures.sync_detailed(provider, client=client),
            options,
        )
        return cleared.cleared


class RawProviders:
    """`Providers` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Providers) -> None:
        self.list = raw(plain.list)
        self.inject_failure = raw(plain.inject_failure)
        self.clear_failures = raw(plain.clear_failures)


class Routing:
    """Look at the routing rules, and ask what they mean for a payment.

    Every method raises `PayRailError`s; each docstring names those that are its own.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @property
    def with_raw_response(self) -> "RawRouting":
        """The same methods, with the whole answers: see `RawResponse`."""
        return RawRouting(self)

    def rules(self, **options: Unpack[CallOptions]) -> RoutingRules:
        """The rules in force, and where they come from."""
        return self._sender.call(
            RoutingRules, lambda client: get_routing.sync_detailed(client=client), options
        )

    def explain(
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
        return self._sender.call(
            RoutingExplanation,
            lambda client: explain_routing.sync_detailed(client=client, body=body),
            options,
        )


class RawRouting:
    """`Routing` with the whole answers. Of lists it gets one page."""

    def __init__(self, plain: Routing) -> None:
        self.rules = raw(plain.rules)
        self.explain = raw(plain.explain)
