"""One payment's or one request's path, collected from the files of a data directory.

The ledger says what belongs together: the correlation ids of the requests, the references under which providers were
called, the ids of the things. The other files are searched for these.
"""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from payrail.cli.verification.book_lines import LineReader
from payrail.ledger.entry import BOOKS
from payrail.runtime.rotated_file import parts_of

_THING = re.compile(r"(pay|ref|dsp)_[0-9A-HJKMNP-TV-Z]{26}")
_decode = msgspec.json.Decoder().decode


class Step(Struct, frozen=True):
    """Something that happened: when, where it is written, what it was, and what to know of it."""

    at: str
    source: str
    what: str
    correlation_id: str
    detail: dict[str, Any]


class Wanted(Struct):
    """What belongs to the path, as far as it is known."""

    correlation_ids: set[str]
    things: set[str]
    references: set[str]

    def names(self) -> list[bytes]:
        """What a line must hold to be looked at."""
        return [name.encode() for name in (*self.correlation_ids, *self.things, *self.references) if name]


def trace(data_dir: Path, identifier: str) -> list[Step]:
    """All that the files hold of it, in the order of time. `identifier` is a correlation id, or the id of a payment, a
    refund or a dispute; none of it is there: an empty list."""
    entries, wanted = _entries(data_dir / "ledger", identifier)
    steps = [_of_entry(entry) for entry in entries]
    for source, read in _SOURCES.items():
        lines = chain.from_iterable(_lines_with(part, wanted.names()) for part in parts_of(data_dir / source))
        steps.extend(step for line in lines if (step := read(line, wanted)) is not None)
    return sorted(steps, key=lambda step: (step.at[:23], _rank(step), step.detail.get("seq", 0)))


def _rank(step: Step) -> int:
    """In one millisecond: first what was done, then what the ledger says of it, what it tells, and the end of a
    request, which is when its line is written."""
    return next((rank for rank, source in enumerate(_LATER, start=1) if step.source.startswith(source)), 0)


_LATER = ("ledger", "outbox", "logs")


# ---- the ledger -----------------------------------------------------------------------------------------------------


def _entries(directory: Path, identifier: str) -> tuple[list[dict[str, Any]], Wanted]:
    by_thing = _THING.fullmatch(identifier) is not None
    wanted = Wanted(set() if by_thing else {identifier}, {identifier} if by_thing else set(), set())
    found = []
    for book in BOOKS:
        for entry in _lines_with(directory / f"{book}.jsonl", [identifier.encode()]):
            mine = entry["correlation_id"] == identifier or identifier in _things(entry)
            found += [entry] if mine else []
    if by_thing:
        # A refund's later entries do not name its payment: the thing that began with it does.
        others = {entry["entity"] for entry in found} - {identifier}
        found += [entry for entry in _of_things(directory, others) if entry not in found]
        wanted.correlation_ids = {entry["correlation_id"] for entry in found}
        wanted.things |= others
    wanted.references = set(_references(found))
    return found, wanted


def _of_things(directory: Path, things: set[str]) -> Iterator[dict[str, Any]]:
    for book in BOOKS:
        for entry in _lines_with(directory / f"{book}.jsonl", [thing.encode() for thing in things]):
            if entry["entity"] in things:
                yield entry


def _things(entry: dict[str, Any]) -> set[str]:
    data = entry["data"]
    return {entry["entity"], data.get("payment_id"), data.get("terms", {}).get("payment_id")}


def _references(entries: list[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        data = entry["data"]
        yield from (data[name] for name in ("attempt_id", "reversal_id") if data.get(name))
        yield from (data[name]["id"] for name in ("attempt", "next", "reversal") if data.get(name))


def _of_entry(entry: dict[str, Any]) -> Step:
    detail = {"seq": entry["seq"], "entity": entry["entity"], "by": entry["actor"]["id"]}
    postings = ", ".join(
        f"{'Dr' if one['side'] == 'debit' else 'Cr'} {one['account']} {one['amount']} {one['currency']}"
        for one in entry["postings"]
    )
    if postings:
        detail["postings"] = postings
    return Step(entry["at"], f"ledger/{entry['book']}.jsonl", entry["type"], entry["correlation_id"], detail)


# ---- the other files ------------------------------------------------------------------------------------------------


def _of_log(line: dict[str, Any], wanted: Wanted) -> Step | None:
    """A request; a provider's webhook has a correlation id of its own and is known by its reference."""
    mine = line.get("correlation_id") in wanted.correlation_ids or line.get("reference") in wanted.references
    if not mine or "operation" not in line:
        return None
    shown = ("status", "code", "outcome", "reference", "duration_ms", "caller")
    detail = {name: line[name] for name in shown if line.get(name) is not None}
    return Step(
        line["time"],
        "logs/payrail.log",
        f"{line['service']}: {line['operation']}",
        line["correlation_id"],
        detail,
    )


def _of_vault(line: dict[str, Any], wanted: Wanted) -> Step | None:
    if line.get("correlation_id") not in wanted.correlation_ids:
        return None
    detail = {name: line.get(name) for name in ("caller", "outcome")}
    return Step(
        line["at"], "vault/access_log.jsonl", f"vault: {line['operation']}", line["correlation_id"], detail
    )


def _of_provider(line: dict[str, Any], wanted: Wanted) -> Step | None:
    request = line.get("request") or {}
    if request.get("reference") not in wanted.references:
        return None
    detail = {"reference": request["reference"], "outcome": line.get("outcome"), "amount": line.get("amount")}
    return Step(line["at"], "providers", f"provider: {request.get('operation')}", "", detail)


def _of_unmatched(line: dict[str, Any], wanted: Wanted) -> Step | None:
    """A webhook of another provider than was asked, or of a dispute that cannot be: it names what it is about."""
    told = line.get("data") or {}
    named = {told.get("reference"), told.get("original_reference")}
    if wanted.references.isdisjoint(named):
        return None
    detail = {"reference": told.get("reference"), "provider": line.get("provider"), "type": line.get("type")}
    return Step(line["received_at"], "webhooks/unmatched.jsonl", "webhook without a match", "", detail)


def _of_event(line: dict[str, Any], wanted: Wanted) -> Step | None:
    thing = (line.get("data") or {}).get("id")
    if line.get("correlation_id") not in wanted.correlation_ids and thing not in wanted.things:
        return None
    detail = {"id": line["id"], "of": thing}
    return Step(
        line["created_at"], "outbox/events.jsonl", f"event: {line['type']}", line["correlation_id"], detail
    )


def _of_action(line: dict[str, Any], wanted: Wanted) -> Step | None:
    if line.get("correlation_id") not in wanted.correlation_ids:
        return None
    detail = {"entity": line.get("entity"), "by": (line.get("actor") or {}).get("id")}
    return Step(
        line["at"], "audit/actions.jsonl", f"asked for: {line.get('action')}", line["correlation_id"], detail
    )


_SOURCES = {
    "logs/payrail.log": _of_log,
    "vault/access_log.jsonl": _of_vault,
    "providers/providerA_records.jsonl": _of_provider,
    "providers/providerB_records.jsonl": _of_provider,
    "webhooks/unmatched.jsonl": _of_unmatched,
    "outbox/events.jsonl": _of_event,
    "audit/actions.jsonl": _of_action,
}


def _lines_with(path: Path, names: list[bytes]) -> Iterator[dict[str, Any]]:
    """The lines that hold one of the names, decoded; what is no JSON object is left out."""
    if not names:
        return
    try:
        size = path.stat().st_size
    except FileNotFoundError:  # A running stack took the oldest part away meanwhile.
        return
    for _number, line in LineReader(path, size).lines():
        if any(name in line for name in names):
            try:
                document = _decode(line)
            except msgspec.DecodeError:
                continue
            if isinstance(document, dict):
                yield document
