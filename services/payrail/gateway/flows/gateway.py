"""What every flow of the gateway stands on, and what every command brings with it."""

from collections.abc import Callable

from msgspec import Struct

from payrail.gateway.domain.origin import Origin, Reserved
from payrail.gateway.domain.routing import Router
from payrail.gateway.flows.due_work import DueWork
from payrail.gateway.job_ports import Jobs, ReconciliationJobs, SettlementJobs
from payrail.gateway.outbox_port import Outbox
from payrail.gateway.ports import (
    ActionTrail,
    Breakers,
    ClockControl,
    Customers,
    Notices,
    Prices,
    ProviderControls,
    Providers,
    Rules,
    Services,
    UnmatchedNotices,
    Vault,
    VaultKeys,
)
from payrail.ledger.entry import Actor, Claim
from payrail.runtime.clock import Clock, rfc3339_of_ms
from payrail.runtime.journal import Journal
from payrail.runtime.leases import Leases
from payrail.runtime.metrics import Metrics

AUTHORIZATION_LIFETIME_MS = 7 * 24 * 3600 * 1000
DISPUTE_RESPONSE_MS = 7 * 24 * 3600 * 1000


class Caller(Struct, frozen=True):
    """Who asks: a user of a merchant, with a role."""

    merchant_id: str
    user_id: str
    role: str

    @property
    def name(self) -> str:
        """What the log line says of the caller."""
        return self.user_id


class Request(Struct, frozen=True):
    """The circumstances of one command: its caller, correlation id, and idempotency key, empty if it has none."""

    caller: Caller
    correlation_id: str
    idempotency_key: str

    def claim(self, operation: str, fingerprint: str) -> Claim:
        """The claim on the key for `operation`, which is method and path."""
        return Claim(self.caller.merchant_id, operation, self.idempotency_key, fingerprint)


class Gateway(Struct, frozen=True):
    """The collaborators of the flows. `owner` names this process in the intents it writes; `version` is the
    gateway's. `providers` asks the `breakers` before each call and tells them what came of it."""

    journal: Journal
    vault: Vault
    providers: Providers
    clock: Clock
    leases: Leases
    new_id: Callable[[str], str]
    owner: str
    version: str
    rules: Rules
    breakers: Breakers
    provider_controls: ProviderControls
    services: Services
    metrics: Metrics
    trail: ActionTrail
    clock_control: ClockControl
    due: DueWork
    vault_keys: VaultKeys
    customers: Customers
    notices: Notices
    unmatched: UnmatchedNotices
    prices: Prices
    jobs: Jobs
    settlements: SettlementJobs
    reconciliations: ReconciliationJobs
    outbox: Outbox

    def now(self) -> str:
        """The time in the ledger's form: RFC 3339 UTC with milliseconds."""
        return rfc3339_of_ms(self.clock.now_ms())

    def origin(self, actor: Actor, correlation_id: str) -> Origin:
        """The origin of an entry that is written now."""
        return Origin(actor, correlation_id, self.now())

    def origin_of(self, request: Request) -> Origin:
        """The origin of an entry that a caller's command causes."""
        return self.origin(Actor(request.caller.user_id, request.caller.role), request.correlation_id)

    def reserve(self) -> Reserved:
        """A fresh attempt id for this process."""
        return Reserved(self.new_id("att"), self.owner)

    def router(self, attempt_id: str) -> Router:
        """The rules in force and what is available to this attempt, as of now."""
        return Router(self.rules.in_force().rules, self.breakers.survey(attempt_id))

    def expiry(self) -> str:
        """When an authorization that is given now expires."""
        return rfc3339_of_ms(self.clock.now_ms() + AUTHORIZATION_LIFETIME_MS)

    def response_deadline(self) -> str:
        """By when a dispute that is opened now has to be answered."""
        return rfc3339_of_ms(self.clock.now_ms() + DISPUTE_RESPONSE_MS)
