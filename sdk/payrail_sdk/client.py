"""The clients: `PayRail` blocks, `AsyncPayRail` awaits; they do the same."""

from typing import Self, Unpack

import httpx

from ._senders import AsyncSender, Sender
from ._settings import Identity, settings
from .async_audit import AsyncAudit, AsyncVault
from .async_clock import AsyncTheClock
from .async_customers import AsyncCustomers
from .async_dead_letters import AsyncDeadLetters
from .async_disputes import AsyncDisputes
from .async_events import AsyncEvents
from .async_payments import AsyncPayments
from .async_provider_webhooks import AsyncProviderWebhooks
from .async_providers import AsyncProviders, AsyncRouting
from .async_reconciliations import AsyncReconciliations
from .async_refunds import AsyncRefunds
from .async_settlements import AsyncSettlements
from .async_webhook_endpoints import AsyncWebhookEndpoints
from .audit import Audit, Vault
from .call_options import CallOptions
from .clock import TheClock
from .customers import Customers
from .dead_letters import DeadLetters
from .disputes import Disputes
from .events import Events
from .gateway.api.health import get_health, get_metrics, get_services_health
from .gateway.api.reports import get_balances, get_summary
from .gateway.models import Balances, Health, ServicesHealth, Summary
from .params import or_unset
from .payments import Payments
from .provider_webhooks import ProviderWebhooks
from .providers import Providers, Routing
from .raw_response import async_raw, raw
from .reconciliations import Reconciliations
from .refunds import Refunds
from .settlements import Settlements
from .webhook_endpoints import WebhookEndpoints
from .webhooks import Webhooks

TIMEOUT_S = 60.0
MAX_RETRIES = 2


class PayRail:
    """A client of a PayRail gateway.

        with PayRail("sk_…") as payrail:
            payment = payrail.payments.create(amount=1234, currency="EUR", payment_method={"token": "tok_…"})

    It may be used by several threads. Close it, or use it as a context manager.
    """

    payments: Payments
    """Make, authorize, capture and cancel payments, and look at them."""
    providers: Providers
    """How the providers are, and failures on demand."""
    provider_webhooks: ProviderWebhooks
    """What the providers told of things that did not begin here."""
    routing: Routing
    """Which provider a payment takes, and why."""
    refunds: Refunds
    """Request, approve and reject refunds, and look at them."""
    disputes: Disputes
    """Open, answer and end disputes, and look at them."""
    settlements: Settlements
    """What each day comes to, and is paid out."""
    reconciliations: Reconciliations
    """What ledger, settlement files and providers say of the same money."""
    events: Events
    """What happened, as webhooks tell it."""
    webhook_endpoints: WebhookEndpoints
    """Where events are sent to."""
    dead_letters: DeadLetters
    """Events that an endpoint did not take, however often they were sent."""
    customers: Customers
    """Those who pay, with the cards that are saved for them."""
    audit: Audit
    """Who did what, when, and at whose request."""
    vault: Vault
    """The keys that the vault encrypts cards with."""
    clock: TheClock
    """The one clock of all services, which tests may move."""
    webhooks: Webhooks
    """Webhooks that PayRail sends to you: check whether one is PayRail's."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        max_retries: int = MAX_RETRIES,
        identity: Identity | None = None,
        http_client: httpx.Client | None = None,
    ) -> None:
        """Set up a client; nothing is sent yet.

        Args:
            api_key: A merchant's key, or the console's; `PAYRAIL_API_KEY` of the environment when left out.
            base_url: Where the gateway listens; `PAYRAIL_BASE_URL` when left out, else http://127.0.0.1:8026.
            timeout_s: How long to wait for each piece of an answer, a day at most. A connection must be made in 5
                seconds, or in this time if it is less.
            max_retries: Further tries after the first, for failures that may pass: no connection, no answer in time,
                429, 502, 503, 504 and a 409 `idempotency_in_progress`. They wait exponentially longer with full jitter,
                8 seconds at most and `Retry-After` at least, and at most 60 seconds in all.
            identity: For whom to act; only the console's key may say so.
            http_client: A client of your own, for proxies, certificates or connection limits. You close it.

        Raises:
            ValueError: There is no key, or a value cannot work.
        """
        self._sender = Sender(
            settings(api_key, base_url, wait_s=timeout_s, retries=max_retries, identity=identity),
            http_client,
        )
        self.payments = Payments(self._sender)
        self.providers = Providers(self._sender)
        self.provider_webhooks = ProviderWebhooks(self._sender)
        self.routing = Routing(self._sender)
        self.refunds = Refunds(self._sender)
        self.disputes = Disputes(self._sender)
        self.settlements = Settlements(self._sender)
        self.reconciliations = Reconciliations(self._sender)
        self.events = Events(self._sender)
        self.webhook_endpoints = WebhookEndpoints(self._sender)
        self.dead_letters = DeadLetters(self._sender)
        self.customers = Customers(self._sender)
        self.audit = Audit(self._sender)
        self.vault = Vault(self._sender)
        self.clock = TheClock(self._sender)
        self.webhooks = Webhooks()

    @property
    def with_raw_response(self) -> "RawPayRail":
        """The client's own methods, with the whole answers: see `RawResponse`. Each resource has one, too."""
        return RawPayRail(self)

    def health(self, **options: Unpack[CallOptions]) -> Health:
        """How the gateway is."""
        return self._sender.call(Health, lambda client: get_health.sync_detailed(client=client), options)

    def services_health(self, **options: Unpack[CallOptions]) -> ServicesHealth:
        """How the gateway and the services behind it are, asked for now."""
        return self._sender.call(
            ServicesHealth, lambda client: get_services_health.sync_detailed(client=client), options
        )

    def balances(self, at: int | None = None, **options: Unpack[CallOptions]) -> Balances:
        """What was posted to each account, up to a position `at` in the ledger, or to its end. Debits are positive."""
        return self._sender.call(
            Balances, lambda client: get_balances.sync_detailed(client=client, at=or_unset(at)), options
        )

    def summary(self, **options: Unpack[CallOptions]) -> Summary:
        """The dashboard's figures: things by state, money by currency."""
        return self._sender.call(Summary, lambda client: get_summary.sync_detailed(client=client), options)

    def metrics(self, **options: Unpack[CallOptions]) -> str:
        """The metrics of the worker that answers, in Prometheus' text format."""
        return self._sender.call(str, lambda client: get_metrics.sync_detailed(client=client), options)

    def close(self) -> None:
        """Close the connections. The client cannot be used any more."""
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncPayRail:
    """A client of a PayRail gateway for asynchronous programs.

        async with AsyncPayRail("sk_…") as payrail:
            payment = await payrail.payments.get("pay_…")

    Use it in one event loop. Close it, or use it as a context manager.
    """

    payments: AsyncPayments
    """Make, authorize, capture and cancel payments, and look at them."""
    providers: AsyncProviders
    """How the providers are, and failures on demand."""
    provider_webhooks: AsyncProviderWebhooks
    """What the providers told of things that did not begin here."""
    routing: AsyncRouting
    """Which provider a payment takes, and why."""
    refunds: AsyncRefunds
    """Request, approve and reject refunds, and look at them."""
    disputes: AsyncDisputes
    """Open, answer and end disputes, and look at them."""
    settlements: AsyncSettlements
    """What each day comes to, and is paid out."""
    reconciliations: AsyncReconciliations
    """As the same of `PayRail`."""
    events: AsyncEvents
    """What happened, as webhooks tell it."""
    webhook_endpoints: AsyncWebhookEndpoints
    """Where events are sent to."""
    dead_letters: AsyncDeadLetters
    """Events that an endpoint did not take, however often they were sent."""
    customers: AsyncCustomers
    """Those who pay, with the cards that are saved for them."""
    audit: AsyncAudit
    """Who did what, when, and at whose request."""
    vault: AsyncVault
    """The keys that the vault encrypts cards with."""
    clock: AsyncTheClock
    """The one clock of all services, which tests may move."""
    webhooks: Webhooks
    """Webhooks that PayRail sends to you: check whether one is PayRail's."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        max_retries: int = MAX_RETRIES,
        identity: Identity | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        """As `PayRail`."""
        self._sender = AsyncSender(
            settings(api_key, base_url, wait_s=timeout_s, retries=max_retries, identity=identity),
            http_client,
        )
        self.payments = AsyncPayments(self._sender)
        self.providers = AsyncProviders(self._sender)
        self.provider_webhooks = AsyncProviderWebhooks(self._sender)
        self.routing = AsyncRouting(self._sender)
        self.refunds = AsyncRefunds(self._sender)
        self.disputes = AsyncDisputes(self._sender)
        self.settlements = AsyncSettlements(self._sender)
        self.reconciliations = AsyncReconciliations(self._sender)
        self.events = AsyncEvents(self._sender)
        self.webhook_endpoints = AsyncWebhookEndpoints(self._sender)
        self.dead_letters = AsyncDeadLetters(self._sender)
        self.customers = AsyncCustomers(self._sender)
        self.audit = AsyncAudit(self._sender)
        self.vault = AsyncVault(self._sender)
        self.clock = AsyncTheClock(self._sender)
        self.webhooks = Webhooks()

    @property
    def with_raw_response(self) -> "AsyncRawPayRail":
        """The client's own methods, with the whole answers: see `RawResponse`. Each resource has one, too."""
        return AsyncRawPayRail(self)

    async def health(self, **options: Unpack[CallOptions]) -> Health:
        """How the gateway is."""
        return await self._sender.call(
            Health, lambda client: get_health.asyncio_detailed(client=client), options
        )

    async def services_health(self, **options: Unpack[CallOptions]) -> ServicesHealth:
        """How the gateway and the services behind it are, asked for now."""
        return await self._sender.call(
            ServicesHealth, lambda client: get_services_health.asyncio_detailed(client=client), options
        )

    async def balances(self, at: int | None = None, **options: Unpack[CallOptions]) -> Balances:
        """What was posted to each account, up to a position `at` in the ledger, or to its end. Debits are positive."""
        return await self._sender.call(
            Balances, lambda client: get_balances.asyncio_detailed(client=client, at=or_unset(at)), options
        )

    async def summary(self, **options: Unpack[CallOptions]) -> Summary:
        """The dashboard's figures: things by state, money by currency."""
        return await self._sender.call(
            Summary, lambda client: get_summary.asyncio_detailed(client=client), options
        )

    async def metrics(self, **options: Unpack[CallOptions]) -> str:
        """The metrics of the worker that answers, in Prometheus' text format."""
        return await self._sender.call(
            str, lambda client: get_metrics.asyncio_detailed(client=client), options
        )

    async def aclose(self) -> None:
        """Close the connections. The client cannot be used any more."""
        await self._sender.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class RawPayRail:
    """What `PayRail` itself offers, with the whole answers."""

    def __init__(self, plain: PayRail) -> None:
        self.health = raw(plain.health)
        self.services_health = raw(plain.services_health)
        self.balances = raw(plain.balances)
        self.summary = raw(plain.summary)
        self.metrics = raw(plain.metrics)


class AsyncRawPayRail:
    """As `RawPayRail`, with `await`."""

    def __init__(self, plain: AsyncPayRail) -> None:
        self.health = async_raw(plain.health)
        self.services_health = async_raw(plain.services_health)
        self.balances = async_raw(plain.balances)
        self.summary = async_raw(plain.summary)
        self.metrics = async_raw(plain.metrics)
