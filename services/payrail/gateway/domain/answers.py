"""What the caller is told: a pure rendering of an operation's outcome entry, so that a replay is the same bytes.

An operation that is still open is rendered from the payment as it is now and is not a final answer (202).
"""

from typing import Any

from msgspec import Struct

from payrail.ledger.entry import Entry
from payrail.ledger.state import Subject
from payrail.ledger.views import view_of

_TITLES = {
    "capture_declined": "The provider declined the capture",
    "void_declined": "The provider declined the void",
    "dispute_declined": "The provider declined to open the dispute",
    "evidence_declined": "The provider declined the evidence",
    "resolution_declined": "The provider declined to end the dispute",
}


class Rendered(Struct, frozen=True):
    """A status and a body for the wire; a body with `code` and `title` is a problem document."""

    status: int
    body: dict[str, Any]
    replayed: bool = False


def render_outcome(entry: Entry, subject: Subject) -> Rendered:
    """The answer of the operation that `entry` finished, with its payment or refund as it was right after it."""
    if entry.type in ("payment.created", "refund.requested", "dispute.opened"):
        return Rendered(201, view_of(subject))
    if entry.type == "dispute.declined":
        operation = next(a.operation for a in subject.attempts if a.id == entry.data.attempt_id)
        return _declined(entry, f"{operation}_declined")
    claim = entry.idempotency
    asked_for_authorization = claim is not None and claim.operation.endswith("/authorize")
    if entry.type in ("payment.capture_declined", "payment.void_declined") and not asked_for_authorization:
        return _declined(entry, entry.type.removeprefix("payment."))
    return Rendered(200, view_of(subject))


def render_open(subject: Subject) -> Rendered:
    """What is known of an operation whose outcome is not known yet."""
    return Rendered(202, view_of(subject))


def _declined(entry: Entry, code: str) -> Rendered:
    decline = entry.data.decline
    problem = {
        "type": f"/problems/{code}",
        "title": _TITLES[code],
        "status": 422,
        "detail": f"{decline.message} ({decline.code})",
        "instance": f"/{entry.book}/{entry.entity}",
        "code": code,
        "correlation_id": entry.correlation_id,
    }
    return Rendered(422, problem)
