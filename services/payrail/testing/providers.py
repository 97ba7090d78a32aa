"""Failures of the simulated providers on demand, for as long as a test wants them."""

from collections.abc import Sequence
from typing import Self, cast

from payrail_sdk import PayRail
from payrail_sdk.gateway.models import (
    DeclineCode,
    FailureMode,
    FailureOperation,
    FailureRule,
    ProviderHealth,
    ProviderId,
)


class InjectedFailure:
    """A failure in force. It ends with `end`, with the `with` block that it opens, or with the stack."""

    def __init__(self, control: "ProviderControl", rule: FailureRule) -> None:
        self._control = control
        self.rule = rule

    def end(self) -> None:
        """Take this failure away; others of the same provider stay in force."""
        self._control.end(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class ProviderControl:
    """One simulated provider: how it is, and what goes wrong with it."""

    def __init__(self, admin: PayRail, provider_id: ProviderId) -> None:
        self.id = provider_id
        self._providers = admin.providers
        self._injected: list[InjectedFailure] = []

    def fail(
        self,
        mode: FailureMode,
        *,
        operation: FailureOperation | None = None,
        rate: float = 1.0,
        remaining: int | None = None,
        last4: str | None = None,
        latency_ms: int | None = None,
        decline_code: DeclineCode | None = None,
    ) -> InjectedFailure:
        """Make it fail from now on; as the head of a `with` block, until its end.

        Args:
            mode: What happens to a call that is hit. `error`: refused, not processed. `timeout`: neither processed nor
                answered. `lost_response`: processed, never answered. `decline`, `latency`: as they say. The modes that
                end in `webhook`, and `bad_signature`, hit the webhook that tells of a call instead.
            operation: Only these calls; all, inquiries included, when left out.
            rate: The share of calls that are hit, 0 to 1; which ones follows from the seed.
            remaining: How many calls are hit at most.
            last4: Only cards that end so.
            latency_ms: How late the answer comes, with mode `latency`. This is real time.
            decline_code: The reason, with mode `decline`.

        Raises:
            payrail_sdk.ValidationFailed: They do not go together.
        """
        rule = self._providers.inject_failure(
            self.id,
            mode,
            rate=rate,
            operation=operation,
            latency_ms=latency_ms,
            decline_code=decline_code,
            remaining=remaining,
            last4=last4,
        )
        failure = InjectedFailure(self, rule)
        self._injected.append(failure)
        return failure

    def hold_webhooks(self) -> InjectedFailure:
        """Have none of its webhooks get through until the end of the `with` block; then they come, late.

        Each one that was due is tried again some time after the block: advance the clock to have it at once.
        """
        return self.fail("bad_signature")

    def clear(self) -> None:
        """Take all its failures away."""
        self._providers.clear_failures(self.id)
        self._injected.clear()

    def failures(self) -> Sequence[FailureRule]:
        """The failures in force, oldest first, with what remains of them."""
        return self.health().failures

    def health(self) -> ProviderHealth:
        """How it is seen from the gateway: breaker, success rate, latency, failures in force."""
        return next(one for one in self._providers.list() if one.id == self.id)

    def end(self, failure: InjectedFailure) -> None:
        """Take one failure away. The provider can only forget all, so the others are injected anew, in their order."""
        if failure not in self._injected:
            return
        self._injected.remove(failure)
        others = [rule for rule in self.failures() if rule.id != failure.rule.id]
        self._providers.clear_failures(self.id)
        handles = {one.rule.id: one for one in self._injected}
        for rule in others:
            renewed = self._inject_again(rule)
            if rule.id in handles:
                handles[rule.id].rule = renewed

    def _inject_again(self, rule: FailureRule) -> FailureRule:
        return self._providers.inject_failure(
            self.id,
            rule.mode,
            rate=rule.rate,
            operation=rule.operation,
            latency_ms=rule.latency_ms,
            decline_code=cast("DeclineCode | None", rule.decline_code),
            remaining=rule.remaining,
            last4=rule.last4,
        )


class Providers:
    """Both simulated providers. Payments in USD, EUR and GBP go to `a` first, those in other currencies to `b`."""

    a: ProviderControl
    """`providerA`, Stripe-like."""
    b: ProviderControl
    """`providerB`, Adyen-like."""

    def __init__(self, admin: PayRail) -> None:
        self.a = ProviderControl(admin, "providerA")
        self.b = ProviderControl(admin, "providerB")

    def clear(self) -> None:
        """Take all failures of both away."""
        self.a.clear()
        self.b.clear()
