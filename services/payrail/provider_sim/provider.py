"""One simulated provider at work: its book in memory, its two files, and the failures that hit its calls.

Deciding happens in memory at once, so calls that race for one authorization see each other; the answer waits until
the record is durable. Operations of one authorization are written one after another: when a write fails, its record is
withdrawn and nothing has been decided upon it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

from payrail.provider_sim.errors import OperationNotFound, ProviderError, RecordsUnavailable
from payrail.provider_sim.failures import (
    UNHARMED,
    Change,
    Cleared,
    Injected,
    Mode,
    Rule,
    RuleBook,
    Strike,
    Target,
    Used,
    check,
)
from payrail.provider_sim.fate import Card, Verdict, judge_authorization
from payrail.provider_sim.followups import dispute_that_follows
from payrail.provider_sim.magic_cards import LATE_APPROVAL_S, REFUND_SETTLES_S, Behaviour
from payrail.provider_sim.notices import Notice, is_still_true
from payrail.provider_sim.operations import (
    Book,
    Record,
    Request,
    decide,
    outcome_at,
    replay,
)
from payrail.provider_sim.profiles import DeclineReason, Operation, Outcome, Profile
from payrail.provider_sim.records import line_of, load_records, load_rules
from payrail.provider_sim.references import message_id, provider_reference
from payrail.provider_sim.settlement_files import SettlementFiles
from payrail.provider_sim.silence import Silence
from payrail.provider_sim.views import View, operation_document, view_of
from payrail.provider_sim.webhooks import Outbox, Send
from payrail.runtime import faults
from payrail.runtime.append_log import AppendLog, LogUnavailable
from payrail.runtime.clock import Clock, rfc3339_of_ms

WRITING = tuple(operation for operation in Operation if operation is not Operation.INQUIRY)


def _points(moment: str, description: str) -> dict[Operation, str]:
    return {op: faults.declare(f"sim.{op}.{moment}", f"{op}: {description}") for op in WRITING}


BEFORE_RECORD = _points("before_record", "decided, nothing is written")
AFTER_RECORD = _points("after_record", "the record is durable")
BEFORE_ANSWER = _points("before_answer", "all is done but the answer")
BEFORE_INQUIRY = faults.declare("sim.inquiry.before_answer", "inquiry: looked up, not answered")
BEFORE_RULE = faults.declare("sim.failures.before_write", "a change of the failure rules is not written")
AFTER_RULE = faults.declare("sim.failures.after_write", "a change of the failure rules is durable")


class Provider:
    """A provider that is open. It owns its files until `close`."""

    def __init__(
        self,
        profile: Profile,
        *,
        seed: int,
        clock: Clock,
        silence: Silence,
        records: AppendLog,
        failures: AppendLog,
        planted: AppendLog,
        outbox: Outbox,
    ) -> None:
        self.profile = profile
        self._seed = seed
        self._clock = clock
        self._silence = silence
        self._record_log = records
        self._failure_log = failures
        self._outbox = outbox
        self._book = Book(profile)
        self._rules = RuleBook(seed, profile.id)
        self._settlement = SettlementFiles(profile, seed, self._book, self._rules, planted)
        self._in_flight: dict[str, asyncio.Future[int]] = {}

    @classmethod
    def open(cls, profile: Profile, *, directory: Path, seed: int, clock: Clock, silence: Silence) -> Self:
        """Open or make the provider's files in ``directory`` and bring its memory up to them.

        Raises `LockHeld` when another process has them, `ProviderFileInvalid` for a line that is not the simulator's.
        """
        with ExitStack() as opened:
            records = AppendLog.open(
                directory / f"{profile.id}_records.jsonl", name=f"sim.{profile.id}.records"
            )
            opened.callback(records.close)
            failures = AppendLog.open(
                directory / f"{profile.id}_failures.jsonl", name=f"sim.{profile.id}.failures"
            )
            opened.callback(failures.close)
            planted = AppendLog.open(
                directory / f"{profile.id}_planted.jsonl", name=f"sim.{profile.id}.planted"
            )
            opened.callback(planted.close)
            outbox = Outbox.open(profile, directory, clock, seed=seed)
            opened.callback(outbox.close)
            provider = cls(
                profile, seed=seed, clock=clock, silence=silence, records=records, failures=failures,
                planted=planted, outbox=outbox,
            )  # fmt: skip
            load_records(records, provider._take_in, provider._book)
            load_rules(failures, provider._rules)
            provider._settlement.load_plants()
            opened.pop_all()
        return provider

    def close(self) -> None:
        """Write what waits and release the files."""
        self._record_log.close()
        self._failure_log.close()
        self._settlement.close()
        self._outbox.close()

    # ---- webhooks -----------------------------------------------------------------------------------------------

    async def send_webhooks(self, send: Send) -> int:
        """Send all webhooks that are due now, each once; how many were taken."""
        return await self._outbox.send_due(self._compose, self._hit_webhook, send)

    @property
    def outbox(self) -> Outbox:
        """The webhooks that are owed."""
        return self._outbox

    def _compose(self, notice: Notice) -> tuple[str, Mapping[str, Any]] | None:
        record, profile = notice.record, self.profile
        if not is_still_true(notice, self._status(record)):
            return None
        document = operation_document(profile, view_of(record, notice.status))
        body = {
            "type": profile.events[record.request.operation],
            "timestamp": rfc3339_of_ms(self._clock.now_ms()),
            "data": document,
        }
        if record.request.reason is not None:
            body["reason"] = record.request.reason
        return message_id(profile.id, record.request.reference, notice.status), body

    async def _hit_webhook(self, notice: Notice) -> Strike:
        if not self._rules.any:
            return UNHARMED
        strike = self._rules.strike_webhook(self._target(notice.record.request))
        try:
            await self._write_uses(strike)
        except RecordsUnavailable:
            return UNHARMED
        return strike

    # ---- operations ---------------------------------------------------------------------------------------------

    async def operate(self, request: Request, card: Card | None = None) -> View:
        """Do an operation once and show it; the same request again shows what it did the first time.

        Raises a refusal or `ProviderError` when it surely did nothing, `ProviderSilent` when nobody is to know.
        """
        strike = await self._strike(self._target(request)) if self._rules.any else UNHARMED
        if strike.mode is Mode.TIMEOUT:
            await self._silence.fall()
        record = await self._do_once(request, card, strike.declines)
        # A stored answer is for good, but a late approval has none until it is there, or until it is reversed.
        status = self._status(record) if record.behaviour is Behaviour.LATE_APPROVAL else record.outcome
        faults.point(BEFORE_ANSWER[request.operation])
        if status is None or strike.mode is Mode.LOST_RESPONSE:
            await self._silence.fall()
        return view_of(record, status)

    async def inquire(self, reference: str) -> View:
        """How the operation with this reference stands. Raises `OperationNotFound`, or what a failure has it."""
        record = self._book.get(reference)
        target = Target(
            operation=Operation.INQUIRY,
            reference=reference,
            merchant_reference=self._merchant_reference(record),
            last4=self._last4(record),
        )
        strike = await self._strike(target)
        if strike.mode in (Mode.TIMEOUT, Mode.LOST_RESPONSE):
            await self._silence.fall()
        record = self._book.get(reference)
        original = record.request.original_reference if record is not None else None
        await self._wait_for_writes(original or reference)
        view = self._look_up(reference)
        faults.point(BEFORE_INQUIRY)
        return view

    def authorization_of_dispute(self, reference: str) -> str | None:
        """The reference of the authorization that a dispute is of; none for what is no dispute here."""
        record = self._book.get(reference)
        if record is None or record.request.operation is not Operation.DISPUTE:
            return None
        return record.request.original_reference

    def counts(self) -> Mapping[Operation, int]:
        """How many operations of each kind are on record."""
        return self._book.counts()

    async def settlement_csv(self, date: str) -> bytes:
        """The settlement file of a UTC day (``YYYY-MM-DD``) as it stands by now."""
        return await self._settlement.csv(date, rfc3339_of_ms(self._clock.now_ms()))

    async def settlement_days(self) -> Mapping[str, Mapping[str, int] | None]:
        """The UTC days of which there is something to settle by now, newest first, and what is paid out of each; see
        `SettlementFiles.days`."""
        return await self._settlement.days(rfc3339_of_ms(self._clock.now_ms()))

    # ---- failure rules ------------------------------------------------------------------------------------------

    async def inject(self, rule: Rule) -> Rule:
        """Bring a rule into force once it is durable. Raises `FieldInvalid` when its members contradict each other."""
        check(rule)
        rule.ordinal = self._rules.take_ordinal()
        rule.created_at = rfc3339_of_ms(self._clock.now_ms())
        change = Injected(rule)
        await self._write_changes([change])
        self._rules.apply(change)
        return rule

    def failures(self) -> list[Rule]:
        """The rules in force, oldest first."""
        return self._rules.rules()

    async def clear_failures(self) -> int:
        """Take every rule away; returns how many were in force."""
        change = Cleared(rfc3339_of_ms(self._clock.now_ms()))
        await self._write_changes([change])
        count = len(self._rules.rules())
        self._rules.apply(change)
        return count

    async def _strike(self, target: Target) -> Strike:
        """Let failures hit a call: the delay is over and an `error` is raised here, the rest is the caller's."""
        strike = self._rules.strike(target)
        await self._write_uses(strike)
        if strike.latency_ms:
            await self._silence.pause(strike.latency_ms / 1000)
        if strike.mode is Mode.ERROR:
            raise ProviderError("The provider could not take the call.")
        return strike

    async def _write_uses(self, strike: Strike) -> None:
        if strike.used:
            try:
                await self._write_changes([Used(rule.id) for rule in strike.used])
            except RecordsUnavailable:
                self._rules.give_back(strike)
                raise

    async def _write_changes(self, changes: list[Change]) -> None:
        faults.point(BEFORE_RULE)
        try:
            await self._failure_log.append_many([line_of(change) for change in changes])
        except LogUnavailable:
            raise RecordsUnavailable("The provider cannot write its failure rules.") from None
        faults.point(AFTER_RULE)

    # ---- inside -------------------------------------------------------------------------------------------------

    async def _do_once(self, request: Request, card: Card | None, declines: DeclineReason | None) -> Record:
        original = request.original_reference or request.reference
        await self._wait_for_writes(original)
        known = replay(self._book, request)
        if known is not None:
            return known
        now_ms = self._clock.now_ms()
        at = rfc3339_of_ms(now_ms)
        verdict = self._verdict(request, card, declines, at)
        if verdict.behaviour is Behaviour.LOST_BEFORE_PROCESSING:
            await self._silence.fall()
        later = at
        if verdict.behaviour is Behaviour.LATE_APPROVAL:
            later = rfc3339_of_ms(now_ms + LATE_APPROVAL_S * 1000)
        elif request.operation is Operation.REFUND:
            later = rfc3339_of_ms(now_ms + REFUND_SETTLES_S * 1000)
        record = decide(self._book, request, verdict, at, later)
        await self._keep(original, record)
        if follows := dispute_that_follows(self._book, record):
            await self._keep(original, follows)
        if record.behaviour is Behaviour.ANSWER_LOST:
            await self._silence.fall()
        return record

    def _verdict(
        self, request: Request, card: Card | None, declines: DeclineReason | None, today: str
    ) -> Verdict:
        if declines is not None or card is None:
            return Verdict(declines)
        return judge_authorization(
            self.profile,
            seed=self._seed,
            card=card,
            merchant_reference=request.merchant_reference,
            attempt=request.attempt or 1,
            today=today,
        )

    async def _keep(self, original: str, record: Record) -> None:
        """Take the record in and wait until it is durable. A caller that gives up does not take it back."""
        operation = record.request.operation
        faults.point(BEFORE_RECORD[operation])
        try:
            written = self._record_log.submit([line_of(record)])
            self._book.add(record)
            self._in_flight[original] = written
            written.add_done_callback(partial(self._settle, original, record))
            await asyncio.shield(written)
        except LogUnavailable:
            raise RecordsUnavailable("The provider cannot write its records.") from None
        faults.point(AFTER_RECORD[operation])

    def _settle(self, original: str, record: Record, written: "asyncio.Future[int]") -> None:
        """Runs once per write and before anyone who waits for it goes on."""
        del self._in_flight[original]
        if written.cancelled() or written.exception() is not None:
            self._book.withdraw(record)
        else:
            self._show_durable(record)

    def _take_in(self, record: Record) -> None:
        """A record of the file."""
        self._book.add(record)
        self._show_durable(record)

    def _show_durable(self, record: Record) -> None:
        """From now on the record's webhooks are owed, and it is settled on its day."""
        self._outbox.add(record)
        self._settlement.add(record)

    async def _wait_for_writes(self, original: str) -> None:
        while (written := self._in_flight.get(original)) is not None:
            await asyncio.wait((written,))

    def _look_up(self, reference: str) -> View:
        record = self._book.get(reference)
        status = self._status(record) if record is not None else None
        if record is not None and status is not None:
            return view_of(record, status)
        standing = self._book.standing(reference)
        if standing is None or standing.reversal is None:
            raise OperationNotFound("The provider has nothing under this reference.")
        return View(
            operation=Operation.AUTHORIZE,
            reference=reference,
            original_reference=None,
            status=Outcome.REVERSED,
            provider_reference=provider_reference(self.profile, Operation.AUTHORIZE, reference),
            amount=0,
            currency=None,
            declines=None,
            fee=None,
            created_at=standing.reversal.at,
        )

    def _status(self, record: Record) -> Outcome | None:
        return outcome_at(self._book, record, rfc3339_of_ms(self._clock.now_ms()))

    def _target(self, request: Request) -> Target:
        original = self._book.get(request.original_reference) if request.original_reference else None
        return Target(
            operation=request.operation,
            reference=request.reference,
            merchant_reference=request.merchant_reference or self._merchant_reference(original),
            last4=request.card.last4 if request.card is not None else self._last4(original),
            recorded=self._book.get(request.reference) is not None,
        )

    def _merchant_reference(self, record: Record | None) -> str | None:
        return record.request.merchant_reference if record is not None else None

    def _last4(self, record: Record | None) -> str | None:
        """The card's last four digits, of the authorization where the record is not one itself."""
        if record is not None and record.request.original_reference is not None:
            record = self._book.get(record.request.original_reference)
        if record is None or record.request.card is None:
            return None
        return record.request.card.last4
