"""What a provider does by itself after an operation. Pure, as `operations`."""

from payrail.provider_sim.fate import Verdict
from payrail.provider_sim.magic_cards import Behaviour
from payrail.provider_sim.operations import Book, Record, Request, open_dispute
from payrail.provider_sim.profiles import Operation, Outcome
from payrail.provider_sim.references import reference_of_followup


def dispute_that_follows(book: Book, capture: Record) -> Record | None:
    """The dispute that the holder of a magic card opens once the charge is captured; one, of the first capture."""
    request = capture.request
    standing = book.standing(request.original_reference or "")
    if request.operation is not Operation.CAPTURE or capture.outcome is not Outcome.APPROVED:
        return None
    if standing is None or standing.record is None or standing.disputes:
        return None
    if standing.record.behaviour is not Behaviour.DISPUTE_AFTER_CAPTURE:
        return None
    opened = Request(
        operation=Operation.DISPUTE,
        reference=reference_of_followup(Operation.DISPUTE, request.reference),
        original_reference=request.original_reference,
        amount=request.amount,
        currency=request.currency,
        reason="fraudulent",
    )
    return open_dispute(book, standing, opened, Verdict(), capture.at)
