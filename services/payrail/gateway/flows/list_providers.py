"""The health board: what the breakers say, how the providers did lately, and what they say of themselves."""

import asyncio
import heapq
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import asdict

from payrail.gateway.domain.breaker import Breaker
from payrail.gateway.domain.provider_health import recent_calls
from payrail.gateway.flows.gateway import Gateway
from payrail.ledger.dispute import Dispute
from payrail.ledger.payment import Payment
from payrail.ledger.refund import Refund
from payrail.ledger.state import LedgerState
from payrail.runtime.clock import rfc3339


async def list_providers(gateway: Gateway, correlation_id: str) -> dict[str, Any]:
    """`{data}` with one line per provider. A provider that does not answer is still on the board, as not reachable."""
    await gateway.journal.catch_up()
    breakers = gateway.breakers.states()
    calls = recent_calls(_newest_first(gateway.journal.state), breakers)
    states = await asyncio.gather(
        *(gateway.provider_controls.state(provider, correlation_id) for provider in breakers)
    )
    return {
        "data": [
            {
                "id": provider,
                "reachable": state is not None,
                "profile": state["profile"] if state else None,
                "breaker": breaker_view(breaker),
                **asdict(calls[provider]),
                "failures": state["failures"] if state else [],
            }
            for (provider, breaker), state in zip(breakers.items(), states, strict=True)
        ]
    }


def _newest_first(state: LedgerState) -> Iterator[Payment | Refund | Dispute]:
    """Everything that may have asked a provider for something, by when it was begun."""
    books: tuple[dict[str, Any], ...] = (state.payments, state.refunds, state.disputes)
    newest = (reversed(book.values()) for book in books)
    return heapq.merge(*newest, key=lambda entity: entity.created_at, reverse=True)


def breaker_view(breaker: Breaker) -> Mapping[str, Any]:
    """The contract's `Breaker`; the latest change of state comes first."""
    return {
        "state": breaker.state,
        "consecutive_failures": breaker.consecutive_failures,
        "opened_at": rfc3339(breaker.opened_at) if breaker.opened_at else None,
        "history": [
            {"from": change.before, "to": change.after, "at": rfc3339(change.at), "reason": change.reason}
            for change in reversed(breaker.history)
        ],
    }
