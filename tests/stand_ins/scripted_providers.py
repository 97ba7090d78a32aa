"""Two providers that really keep state, on a wire that may lose, delay or refuse what is sent.

A provider is idempotent by reference, and the reversal of a reference it has not seen leaves a tombstone: that
authorization can no longer be approved. What happens on the wire is scripted call by call; an empty script means that
every call arrives and is answered.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from payrail.gateway.domain.outcomes import (
    Answer,
    Approved,
    Contradicted,
    Declined,
    Inquiry,
    NotFound,
    NotProcessed,
    Reversed,
    Unknown,
)
from payrail.gateway.ports import CardDetails
from payrail.ledger.payment import Payment
from payrail.ledger.payment_events import AttemptOpened, Decline

#: `answered`: arrives and is answered. `lost_before`: never arrives. `lost_after`: arrives, the answer is lost.
#: `late`: the caller hears nothing, and it arrives when `deliver` is called. `not_processed`: surely did not arrive.
#: `contradicts`: arrives, and is answered and recorded for another amount than was asked for.
#: `hang`: arrives nowhere and the caller waits until it is cancelled, as in a process that is killed meanwhile.
Wire = Literal["answered", "lost_before", "lost_after", "late", "not_processed", "contradicts", "hang"]
Operation = Literal["authorize", "capture", "reverse", "inquire"]


class Record(Struct):
    """What a provider knows of one reference. An authorization is live while its money is held or was taken."""

    operation: str
    payment_id: str
    answer: Approved | Declined | Contradicted | Reversed
    live: bool = False
    amount: int = 0
    final: bool = False


class Call(Struct, frozen=True):
    """One call as the gateway made it."""

    operation: Operation
    provider: str
    reference: str
    amount: int


class ScriptedProviders:
    """`Providers` for tests. `fates` says what an authorization meets at a provider: approval, or a decline code."""

    def __init__(self) -> None:
        self.fates: dict[str, str] = {}
        self.capture_fate = "approved"
        self.reverse_fate = "approved"
        self.calls: list[Call] = []
        self.live_max = 0
        self.before_call: Callable[[], None] = lambda: None
        self._wires: defaultdict[Operation, deque[Wire]] = defaultdict(deque)
        self._records: dict[tuple[str, str], Record] = {}
        self._late: list[Callable[[], object]] = []
        self.hanging = asyncio.Event()

    def script(self, operation: Operation, *wires: Wire, times: int = 1) -> None:
        """What the wire does to the next calls of this kind, so many times over."""
        self._wires[operation].extend(wires * times)

    def deliver(self) -> None:
        """Let everything arrive that is late."""
        while self._late:
            self._late.pop(0)()

    def called(self, operation: Operation) -> list[Call]:
        return [call for call in self.calls if call.operation == operation]

    def live_holds(self, payment_id: str) -> list[str]:
        """Where money of the payment is held or taken, by provider."""
        return [
            p for (p, _), record in self._records.items() if record.live and record.payment_id == payment_id
        ]

    def captured(self, payment_id: str) -> int:
        """What was taken of the payment, in minor units."""
        return sum(
            record.amount
            for record in self._records.values()
            if record.payment_id == payment_id and record.operation == "capture" and _approved(record)
        )

    # ---- the port ---------------------------------------------------------------------------------------------------

    async def authorize(
        self,
        payment: Payment,
        attempt: AttemptOpened,
        card: CardDetails,
        cvc: str | None,
        correlation_id: str,
    ) -> Answer:
        def work() -> Record:
            fate = self.fates.get(attempt.provider, "approved")
            answer = _answer(fate, f"pi_{attempt.id}")
            return Record("authorize", payment.id, answer, live=fate == "approved", amount=attempt.amount)

        assert card.number, cvc
        return await self._send("authorize", payment, attempt, work, correlation_id)

    async def capture(self, payment: Payment, attempt: AttemptOpened, correlation_id: str) -> Answer:
        def work() -> Record:
            answer = _answer(self.capture_fate, f"ch_{attempt.id}", fee=59)
            return Record("capture", payment.id, answer, amount=attempt.amount, final=attempt.final)

        return await self._send("capture", payment, attempt, work, correlation_id)

    async def reverse(
        self, payment: Payment, attempt: AttemptOpened, original_reference: str, correlation_id: str
    ) -> Answer:
        def work() -> Record:
            answer = _answer(self.reverse_fate, f"re_{attempt.id}")
            if isinstance(answer, Approved):
                self._reverse(payment, attempt.provider, original_reference)
            return Record("reverse", payment.id, answer)

        return await self._send("reverse", payment, attempt, work, correlation_id)

    async def inquire(self, attempt: AttemptOpened, currency: str, correlation_id: str) -> Inquiry:
        assert correlation_id, currency
        wire = self._call("inquire", attempt)
        await asyncio.sleep(0)
        if wire != "answered":
            return Unknown("inquiry_unavailable")
        record = self._records.get((attempt.provider, attempt.id))
        return NotFound() if record is None else record.answer

    # ---- the wire and the books -------------------------------------------------------------------------------------

    async def _send(
        self,
        operation: Operation,
        payment: Payment,
        attempt: AttemptOpened,
        work: Callable[[], Record],
        correlation_id: str,
    ) -> Answer:
        assert correlation_id
        wire = self._call(operation, attempt)
        await asyncio.sleep(0)
        key = (attempt.provider, attempt.id)
        if wire == "hang":
            self.hanging.set()
            await asyncio.Event().wait()
        if wire == "not_processed":
            return NotProcessed("connection_failed")
        if wire == "late":
            self._late.append(lambda: self._arrive(key, payment.id, work))
        elif wire != "lost_before":
            record = self._arrive(key, payment.id, work)
            if wire == "contradicts" and not isinstance(record.answer, Reversed):
                record.answer = Contradicted()
                return Unknown("contradictory_answer")
            if wire == "answered":
                assert not isinstance(record.answer, Contradicted)
                return Unknown("unreadable_answer") if isinstance(record.answer, Reversed) else record.answer
        return Unknown("timeout")

    def _call(self, operation: Operation, attempt: AttemptOpened) -> Wire:
        self.before_call()
        self.calls.append(Call(operation, attempt.provider, attempt.id, attempt.amount))
        wires = self._wires[operation]
        return wires.popleft() if wires else "answered"

    def _arrive(self, key: tuple[str, str], payment_id: str, work: Callable[[], Record]) -> Record:
        if key not in self._records:
            self._records[key] = work()
        self.live_max = max(self.live_max, len(self.live_holds(payment_id)))
        return self._records[key]

    def _reverse(self, payment: Payment, provider: str, original_reference: str) -> None:
        original = self._records.get((provider, original_reference))
        if original is None or self.captured(payment.id) == 0:
            self._records[provider, original_reference] = Record("authorize", payment.id, Reversed())


def _answer(fate: str, reference: str, fee: int = 0) -> Approved | Declined:
    if fate == "approved":
        return Approved(reference, fee, latency_ms=3)
    return Declined(Decline(fate, "The provider said no.", "05"), latency_ms=3)


def _approved(record: Record) -> bool:
    return isinstance(record.answer, Approved)
