"""A whole PayRail inside a test's process: what the fixture `payrail` gives, and the same as a context manager."""

import contextlib
import ssl
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from payrail.cli.services import log_path
from payrail.cli.stack import free_sockets, ports_of
from payrail.runtime.settings import Settings, SettingsRefused, packaged_settings
from payrail.testing.cards import Cards
from payrail.testing.clock import VirtualClock
from payrail.testing.findings import require_sound
from payrail.testing.inbox import Inbox, listening_inbox
from payrail.testing.latest_requests import latest_requests
from payrail.testing.providers import Providers
from payrail.testing.server_thread import serving
from payrail_sdk import AsyncPayRail, Identity, LedgerEntry, PayRail, Role

MERCHANT = "m_demo"
USER = "pytest"

# In real seconds. What a test waits for comes soon; what waits for a time of its own comes when the clock is moved.
_INTERVALS = {"provider_webhook_interval_s": 0.02, "outbox_interval_s": 0.05}


class PayRailStack:
    """A running PayRail: gateway, vault, two simulated providers and ledger jobs, on data of their own.

    Nothing outlives the test: keys, cards, payments and clock begin anew with the next stack.
    """

    base_url: str
    """Where the gateway listens."""
    data_dir: Path
    """All its files; `ledger/payments.jsonl` is the one to read first."""
    merchant_key: str
    """The API key of the merchant `m_demo`, of role operator: what the program under test is given."""
    console_key: str
    """The API key that may act for any merchant, in any role, for any user."""
    webhook_secret: str
    """What the merchant's webhooks are signed with."""
    client: PayRail
    """A client with the merchant's key. It does not retry, so that a test sees each answer as it is."""
    cards: Cards
    """Cards whose fate is fixed, by name."""
    providers: Providers
    """Failures of the simulated providers, on demand."""
    clock: VirtualClock
    """The one clock of all services."""
    inbox: Inbox
    """The webhooks of `m_demo`: what came, and how it is answered."""

    def __init__(
        self, settings: Settings, http_client: httpx.Client, inbox: Inbox, write_log: Callable[[], None]
    ) -> None:
        """Of a stack that is being served. `running_payrail` makes all of it."""
        self._write_log = write_log
        self.inbox = inbox
        self.base_url = settings.gateway_url
        self.data_dir = settings.payrail_data_dir
        self.merchant_key = settings.merchant_api_key
        self.console_key = settings.console_api_key
        self.webhook_secret = settings.merchant_webhook_secret
        self._new_client = partial(PayRail, base_url=self.base_url, max_retries=0, http_client=http_client)
        self.client = self._new_client(self.merchant_key)
        admin = self.as_("admin")
        self.cards = Cards()
        self.providers = Providers(admin)
        self.clock = VirtualClock(admin)

    def as_(self, role: Role, *, user: str = USER, merchant: str = MERCHANT) -> PayRail:
        """A client that acts in a role, as a user, for `m_demo` or `m_acme`: who approves a refund, who may not see."""
        return self._new_client(self.console_key, identity=Identity(merchant, role, user))

    def async_client(
        self, role: Role | None = None, *, user: str = USER, merchant: str = MERCHANT
    ) -> AsyncPayRail:
        """An asynchronous client: with the merchant's key, or in a role. Use it by `async with`."""
        if role is None:
            return _AsyncClient(self.merchant_key, self.base_url)
        return _AsyncClient(self.console_key, self.base_url, Identity(merchant, role, user))

    def ledger(self, payment_id: str, *, merchant: str = MERCHANT) -> Sequence[LedgerEntry]:
        """A payment's ledger entries with their postings, in order."""
        return list(self.as_("viewer", merchant=merchant).payments.ledger(payment_id))

    def verify(self) -> None:
        """Prove the data files, as `payrail verify` does. Raises `DataNotSound`, an `AssertionError`."""
        require_sound(self.data_dir)

    def account(self) -> str:
        """Where the data are and what was asked of the gateway last, with correlation ids: what a failed test shows."""
        self._write_log()
        lines = latest_requests(log_path(self.data_dir))
        return "\n".join(
            [f"data directory: {self.data_dir}", "latest requests, and their correlation ids:", *lines]
        )


class _AsyncClient(AsyncPayRail):
    """A client in the event loop of a test, which closes its connections as any other does."""

    def __init__(self, api_key: str, base_url: str, identity: Identity | None = None) -> None:
        self._direct = httpx.AsyncClient(**_direct())
        super().__init__(api_key, base_url, max_retries=0, identity=identity, http_client=self._direct)

    async def aclose(self) -> None:
        await self._direct.aclose()


def _direct() -> dict[str, Any]:
    """How to reach what is on this machine: no proxy lies between, and no certificate is ever asked for."""
    return {"trust_env": False, "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}


@contextlib.contextmanager
def running_payrail(data_dir: Path | str, *, verify: bool = True, **settings: Any) -> Iterator[PayRailStack]:
    """Serve a whole PayRail on free ports from `data_dir` for the length of the block.

    Args:
        data_dir: Made when it is not there. A stack that ran there before is taken up where it ended.
        verify: Whether to prove the data files at the end.
        settings: Any setting of PayRail in lower case, such as `seed=7` or `breaker_failure_threshold=2`. All others
            are as packaged: neither the environment nor a `.env` file has a say.

    Raises:
        SettingsRefused: There is no such setting, it cannot have that value, or it is the stack's own to choose.
        DataNotSound: At the end, if `verify`: the data files do not prove themselves.
    """
    sockets = free_sockets()
    with contextlib.ExitStack() as held:
        for opened in sockets.values():
            held.callback(opened.close)
        inbox = held.enter_context(listening_inbox())
        own = {"payrail_data_dir": Path(data_dir), **ports_of(sockets)}
        if taken := sorted(own.keys() & settings.keys()):
            raise SettingsRefused(f"the stack chooses {', '.join(taken)} itself")
        in_force = packaged_settings(**{**_INTERVALS, "merchant_webhook_url": inbox.url, **settings, **own})
        inbox.secrets.append(in_force.merchant_webhook_secret)
        write_log = held.enter_context(serving(in_force, sockets))
        with httpx.Client(**_direct()) as http_client:
            yield PayRailStack(in_force, http_client, inbox, write_log)
    if verify:
        require_sound(in_force.payrail_data_dir)
