"""What the providers' answers mean, and which of them can be taken at all.

Everything here ends up in the ledger, and an answer may come from any program that speaks like a provider. The
generated client takes a text or a number for whatever it is, so the types are looked at here.
"""

import logging
import re
from http import HTTPStatus
from typing import Any

from payrail.gateway.domain.outcomes import (
    Accepted,
    Answer,
    Approved,
    Declined,
    NotProcessed,
    Reversed,
    Unknown,
    is_as_asked,
)
from payrail.ledger.payment_events import AttemptOpened, Decline
from payrail.runtime.card_numbers import find_card_number, mask_card_numbers
from payrail_sdk.provider_sim.models import Decline as ToldDecline
from payrail_sdk.provider_sim.models import ProviderOperation
from payrail_sdk.provider_sim.types import UNSET, Response

#: The provider has it on record and has not decided yet.
OUTCOME_PENDING = "outcome_pending"
logger = logging.getLogger(__name__)

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_REFERENCE_LENGTH_MAX = 128
#: No amount of the contracts is larger; a number without bounds could not be read again.
_AMOUNT_MAX = 99_999_999_999


def is_record_of(attempt: AttemptOpened, told: ProviderOperation) -> bool:
    """Whether it is the record of this attempt, and all that is kept of it is as the contract says, without a card
    number where it would be a reference."""
    if (told.reference, told.provider, told.processed) != (attempt.id, attempt.provider, True):
        return False
    reference, fee = told.provider_reference, told.fee_amount
    if not isinstance(reference, str) or not 0 < len(reference) <= _REFERENCE_LENGTH_MAX:
        return False
    if fee is not None and (type(fee) is not int or not 0 <= fee <= _AMOUNT_MAX):
        return False
    return (
        isinstance(told.provider_status, str)
        and not find_card_number(reference)
        and _is_decline_or_none(told.decline)
    )


def contradicts(attempt: AttemptOpened, currency: str, told: ProviderOperation) -> bool:
    """Whether the record is of another amount or currency than was asked for; the log says of which."""
    if told.status == "reversed" or is_as_asked(attempt, currency, (told.amount, told.currency)):
        return False
    logger.warning(
        "%s tells of %s as %s %s; asked for was %s %s",
        attempt.provider,
        attempt.id,
        told.amount,
        told.currency,
        attempt.amount,
        currency,
    )
    return True


def _is_decline_or_none(decline: Any) -> bool:
    if decline is None:
        return True
    return (
        isinstance(decline, ToldDecline)
        and isinstance(decline.message, str)
        and isinstance(decline.provider_code, str | None)
    )


def said_of(operation: ProviderOperation, latency_ms: int | None) -> Approved | Declined | Reversed | Unknown:
    """What a provider's record says. A reversed authorization is declined for whoever asks for it again."""
    if operation.status == "approved":
        return Approved(operation.provider_reference, operation.fee_amount or 0, latency_ms)
    if operation.decline is not None:
        decline = operation.decline
        message, word = mask_card_numbers(decline.message), decline.provider_code
        return Declined(Decline(decline.code, message, word and mask_card_numbers(word)), latency_ms)
    return Reversed() if operation.status == "reversed" else Unknown(OUTCOME_PENDING, latency_ms)


def said_of_refund(
    operation: ProviderOperation, latency_ms: int | None
) -> Approved | Declined | Accepted | Unknown:
    """A refund may also be taken up for later, and may fail after it was approved."""
    if operation.status == "pending":
        return Accepted(operation.provider_reference, latency_ms)
    if operation.status == "failed":
        message = "The provider could not give the money back."
        word = mask_card_numbers(operation.provider_status)
        return Declined(Decline("refund_failed", message, word), latency_ms)
    said = said_of(operation, latency_ms)
    return Unknown("unreadable_answer", latency_ms) if isinstance(said, Reversed) else said


def refused(response: Response[Any], operation: str, latency_ms: int) -> Answer:
    """A problem in place of a record. That a capture or reversal cannot be is the provider's word, and stands."""
    problem = response.parsed
    code = getattr(problem, "code", None)
    if problem is None or not isinstance(code, str) or not _CODE.fullmatch(code):
        return Unknown("unreadable_answer", latency_ms)
    if operation != "authorize" and response.status_code in _REFUSALS:
        return Declined(Decline(code, mask_card_numbers(str(problem.detail))), latency_ms)
    if (
        getattr(problem, "processed", UNSET) is False
        or response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        return NotProcessed(code, latency_ms)
    return Unknown(code, latency_ms)


_REFUSALS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
