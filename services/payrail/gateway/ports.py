"""What the gateway needs of the world: a vault, providers, and what routing stands on. `adapters` makes it real."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Protocol

from msgspec import Struct

from payrail.gateway.domain.actions import Action, Actions, Finished, Requested
from payrail.gateway.domain.breaker import Breaker
from payrail.gateway.domain.customers import Customer
from payrail.gateway.domain.errors import Refusal
from payrail.gateway.domain.notices import Notice, UnmatchedNotice
from payrail.gateway.domain.outcomes import Answer, Inquiry, RefundAnswer, RefundInquiry
from payrail.gateway.domain.pricing import PricePlan
from payrail.gateway.domain.routing import Availability, RulesInForce
from payrail.ledger.dispute import Dispute
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened, PaymentMethod
from payrail.ledger.refund import Refund


class CardDetails(Struct, frozen=True):
    """A card as the merchant gave it. Its text forms hide the number."""

    number: str
    exp_month: int
    exp_year: int
    holder_name: str | None = None

    def __repr__(self) -> str:
        return f"CardDetails(…{self.number[-4:]})"


class VaultUnavailable(Exception):
    """The vault did not answer; nothing was charged."""

    code = "vault_unavailable"
    detail = "The card vault did not answer. Nothing was charged; try again with the same key."
    headers: ClassVar = {"Retry-After": "1"}


class CardRefused(Exception):
    """The vault will not take the card. `code` is `card_invalid` or `card_expired`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TokenNotFound(Exception):
    """No such token, or not this merchant's."""

    code = "token_not_found"
    detail = "No card of yours has this token."


class CardUnreadable(Exception):
    """The vault holds the card, or cards, but cannot decrypt what it holds; `detail` says what helps."""

    code = "card_unreadable"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Holder(Struct, frozen=True):
    """Whose key it is: a user of a merchant, with a role."""

    merchant_id: str
    user_id: str
    role: str


class Merchants(Protocol):
    """The merchants, and whose key is whose."""

    def __contains__(self, merchant_id: str) -> bool: ...

    def holder(self, key: str) -> Holder | None:
        """Whose key this is, none if nobody's."""
        ...


class Vault(Protocol):
    """Card data in, tokens out. Raises `VaultUnavailable`, and `CardRefused` or `TokenNotFound` as said."""

    async def tokenize(self, merchant_id: str, card: CardDetails, correlation_id: str) -> PaymentMethod:
        """Store the card; the same card and merchant give the same token. Raises `CardRefused`."""
        ...

    async def describe(self, merchant_id: str, token: str, correlation_id: str) -> PaymentMethod:
        """What may be known of the card. Raises `TokenNotFound`."""
        ...

    async def charge_token(self, merchant_id: str, token: str, correlation_id: str) -> CardDetails:
        """The card itself, for one call to a provider. Raises `TokenNotFound` and `CardUnreadable`."""
        ...


class Customers(Protocol):
    """The merchants' customers. Raises `CustomerNotFound`, and `LogUnavailable` where a change cannot be written."""

    def find(self, merchant_id: str, customer_id: str) -> Customer:
        """The merchant's customer."""
        ...

    def of(self, merchant_id: str) -> Sequence[Customer]:
        """All of the merchant's, oldest first."""
        ...

    async def add(self, customer: Customer) -> Customer:
        """Keep a new one; the one that is there if there is one with its id."""
        ...

    async def change(
        self, merchant_id: str, customer_id: str, evolve: Callable[[Customer], Customer]
    ) -> Customer:
        """Replace it by what `evolve` makes of it as it is now; raises what that raises."""
        ...


class AccessFilter(Struct, frozen=True):
    """Which accesses to a merchant's cards to list. Times are RFC 3339; `created_to` itself is not in."""

    merchant_id: str
    token: str | None = None
    caller: str | None = None
    created_from: str | None = None
    created_to: str | None = None


class VaultKeys(Protocol):
    """What the vault's administrators see and do. Raises `VaultUnavailable`."""

    async def access_log(
        self, wanted: AccessFilter, *, limit: int, cursor: str | None, correlation_id: str
    ) -> Mapping[str, Any]:
        """A page of the contract's `AccessLogPage`, newest first. Raises `InvalidCursor`."""
        ...

    async def rotate_keys(self, mode: str, correlation_id: str) -> tuple[bool, Mapping[str, Any]]:
        """Whether every card is encrypted anew, and the contract's `KeyRotation`. Raises `RotationInProgress`, and
        `CardUnreadable` where some cannot be."""
        ...


class RotationInProgress(Refusal):
    """The vault is changing its keys already."""

    code = "rotation_in_progress"
    headers: ClassVar = {"Retry-After": "1"}

    def __init__(self) -> None:
        super().__init__("The vault is changing its key already; try again when that has ended.")


class Providers(Protocol):
    """Calls to the payment providers. No method raises for what a provider or the wire does: it is the answer."""

    async def authorize(
        self,
        payment: Payment,
        attempt: AttemptOpened,
        card: CardDetails,
        cvc: str | None,
        correlation_id: str,
    ) -> Answer:
        """Ask for a hold on the whole amount, under the attempt's id as reference."""
        ...

    async def capture(self, payment: Payment, attempt: AttemptOpened, correlation_id: str) -> Answer:
        """Take the attempt's amount out of the hold; with `final` the rest is released."""
        ...

    async def reverse(
        self, payment: Payment, attempt: AttemptOpened, original_reference: str, correlation_id: str
    ) -> Answer:
        """Release the hold, or forbid an authorization that the provider has not seen yet."""
        ...

    async def inquire(self, attempt: AttemptOpened, currency: str, correlation_id: str) -> Inquiry:
        """What became of the call with this reference, which was in this currency."""
        ...

    async def refund(
        self, payment: Payment, refund: Refund, attempt: AttemptOpened, correlation_id: str
    ) -> RefundAnswer:
        """Give the refund's amount back to the card."""
        ...

    async def inquire_refund(
        self, attempt: AttemptOpened, currency: str, correlation_id: str
    ) -> RefundInquiry:
        """What became of the refund with this reference, which was in this currency."""
        ...

    async def open_dispute(
        self, payment: Payment, dispute: Dispute, attempt: AttemptOpened, correlation_id: str
    ) -> Answer:
        """Have the holder of the card dispute what was captured."""
        ...

    async def submit_evidence(self, dispute: Dispute, attempt: AttemptOpened, correlation_id: str) -> Answer:
        """Hand in the dispute's newest evidence."""
        ...

    async def resolve_dispute(self, dispute: Dispute, attempt: AttemptOpened, correlation_id: str) -> Answer:
        """End the dispute as it is being resolved."""
        ...


class Notices(Protocol):
    """How the providers' webhooks are read."""

    def read(self, provider: str, headers: Mapping[str, str], raw: bytes, body: Mapping[str, Any]) -> Notice:
        """What a message says. `raw` is what was signed, `body` the same parsed. Raises `SignatureInvalid` and
        `WebhookStale`."""
        ...


class UnmatchedNotices(Protocol):
    """Webhooks about references that the ledger does not have, or about other amounts than it has."""

    def all(self) -> Sequence[UnmatchedNotice]:
        """Every one that was kept, by any process, in the order they came."""
        ...

    async def keep(self, notice: UnmatchedNotice) -> None:
        """Keep it; one that comes again is kept once. Raises `LogUnavailable`."""
        ...


class Rules(Protocol):
    """Where the routing rules come from."""

    def in_force(self) -> RulesInForce:
        """The last good rules."""
        ...


class Prices(Protocol):
    """What was agreed with each merchant."""

    def plan_of(self, merchant_id: str) -> PricePlan:
        """The merchant's price plan."""
        ...


class Breakers(Protocol):
    """The circuit breakers of all providers, shared by every process of the data directory."""

    def survey(self, attempt_id: str) -> Mapping[str, Availability]:
        """What each breaker says to this attempt. Where only probes pass it reserves one for the attempt, if one is
        free; `forget` gives it back."""
        ...

    def forget(self, attempt_id: str) -> None:
        """Give back what is still reserved for the attempt."""
        ...

    def states(self) -> Mapping[str, Breaker]:
        """Each breaker as it stands now."""
        ...


class ProviderRefused(Refusal):
    """A provider's control will not take the request; code and errors go to the caller as the provider said them."""

    def __init__(self, code: str, detail: str, errors: list[dict[str, str]]) -> None:
        super().__init__(detail)
        self.code = code
        self.errors = errors


class ProviderUnreachable(Exception):
    """A provider's control does not answer. Whether it did what was asked nobody knows; asking again is safe."""

    code = "provider_unavailable"
    detail = "The provider does not answer."
    headers: ClassVar = {"Retry-After": "1"}


class ProviderControls(Protocol):
    """What the simulated providers show of themselves, and the failures that can be put into them."""

    async def state(self, provider: str, correlation_id: str) -> Mapping[str, Any] | None:
        """The provider's own account of itself, none if it does not answer in good time."""
        ...

    async def inject_failure(
        self, provider: str, failure: Mapping[str, Any], correlation_id: str
    ) -> Mapping[str, Any]:
        """Make it fail as told; the rule in force. Raises `ProviderRefused` and `ProviderUnreachable`."""
        ...

    async def deliver_webhooks(self, correlation_id: str) -> datetime | None:
        """Have them send the webhooks that are due; when the next one is. Raises `ProviderUnreachable`."""
        ...

    async def clear_failures(self, provider: str, correlation_id: str) -> Mapping[str, Any]:
        """Take all its failures away; how many there were. Raises `ProviderUnreachable`."""
        ...


class ActionTrail(Protocol):
    """What was asked for and done that moved no money. Raises `LogUnavailable` where it cannot be written."""

    @property
    def actions(self) -> Actions:
        """Every action that was durable when this was asked, from any process."""
        ...

    async def begin(self, requested: Requested) -> Action:
        """Write down that it is asked for; the earlier action instead if that has the key. `IdempotencyKeyReused`."""
        ...

    async def finish(self, finished: Finished) -> None:
        """Write down what came of it; the first one to say so stands."""
        ...


class ClockFixed(Refusal):
    """This clock is the machine's and nobody moves it."""

    code = "not_in_production"

    def __init__(self) -> None:
        super().__init__("In production the clock is the machine's.")


class ClockBehindLedger(Refusal):
    """The move would take the clock behind what is already written."""

    code = "clock_behind_ledger"

    def __init__(self, newest: str) -> None:
        super().__init__(f"The newest ledger entry is of {newest}; the clock does not go behind it.")


class ClockOutOfRange(Refusal):
    """The move would take the clock to a year that it does not keep."""

    code = "clock_out_of_range"

    def __init__(self) -> None:
        super().__init__("The clock goes from the year 1970 to the year 9998.")


class ClockControl(Protocol):
    """The one clock of all services, for those who move it. `mover` names the move: the same one again does nothing.

    A move forward stops at `stop_at` if that comes first: whether it has arrived is returned, and the same move again
    goes on to where it was to go at first. Every process sees the new time when the call returns.

    It raises `ClockFixed`, `ClockOutOfRange`, `ClockBehindLedger` where it would pass `floor`, and `LogUnavailable`
    where the disk refuses it.
    """

    def offset_s(self) -> float:
        """How far it is from the machine's, in seconds; positive when it is ahead."""
        ...

    async def advance(self, by_s: int, *, mover: str, floor: str | None, stop_at: datetime | None) -> bool:
        """Move it by so many seconds, back if negative."""
        ...

    async def set(self, to: str, *, mover: str, floor: str | None, stop_at: datetime | None) -> bool:
        """Put it to a time, RFC 3339, from where it runs on."""
        ...


class ServiceReport(Struct, frozen=True):
    """How a service answered a question for its health: `ok`, `degraded`, or `unavailable` where it did not."""

    service: str
    status: str
    latency_ms: float | None
    version: str | None


class Services(Protocol):
    """The services that the gateway stands on."""

    async def reports(self, correlation_id: str) -> Sequence[ServiceReport]:
        """Each one's health, asked for now and all at once."""
        ...
