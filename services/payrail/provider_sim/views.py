"""An operation as its provider shows it, in answers and in webhooks."""

from typing import Any

import msgspec

from payrail.provider_sim.operations import Record
from payrail.provider_sim.profiles import DeclineReason, Operation, Outcome, Profile


class View(msgspec.Struct, frozen=True):
    """An operation as the provider shows it: what it recorded, and how it stands by now."""

    operation: Operation
    reference: str
    original_reference: str | None
    status: Outcome
    provider_reference: str
    amount: int
    currency: str | None
    declines: DeclineReason | None
    fee: int | None
    created_at: str


def view_of(record: Record, status: Outcome) -> View:
    """A record as it is shown with this status."""
    request = record.request
    return View(
        operation=request.operation,
        reference=request.reference,
        original_reference=request.original_reference,
        status=status,
        provider_reference=record.provider_reference,
        amount=record.amount,
        currency=record.currency,
        declines=record.declines,
        fee=record.fee,
        created_at=record.at,
    )


def operation_document(profile: Profile, view: View) -> dict[str, Any]:
    """An operation as the contract's ``ProviderOperation``."""
    return {
        "reference": view.reference,
        "provider": profile.id,
        "operation": view.operation.value,
        "status": view.status.value,
        "provider_status": profile.words[view.operation, view.status],
        "provider_reference": view.provider_reference,
        "original_reference": view.original_reference,
        "amount": view.amount,
        "currency": view.currency,
        "decline": _decline(profile, view),
        "fee_amount": view.fee,
        "processed": True,
        "created_at": view.created_at,
    }


def _decline(profile: Profile, view: View) -> dict[str, str] | None:
    if view.declines is None or view.status is not Outcome.DECLINED:
        return None
    code = profile.codes[view.declines]
    return {"code": view.declines.value, "message": code.message, "provider_code": code.code}
