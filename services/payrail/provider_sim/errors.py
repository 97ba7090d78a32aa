"""The simulator's errors. Each says surely whether the call was processed, or, by `processed` missing, that nobody knows.

`ERRORS` is the one table that maps them to problems.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from payrail.runtime.problems import ErrorTable


class SimulatorError(Exception):
    """The root of the tree. `detail` is for people, `extra` goes into the problem as extension members."""

    code: ClassVar[str]
    extra: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotProcessed(SimulatorError):
    """The call surely had no effect."""

    extra = {"processed": False}


class OperationRefused(NotProcessed):
    """The operation does not fit what the provider has on record."""


class OperationNotFound(SimulatorError):
    """The inquiry names a reference that the provider has not seen, so far."""

    code = "operation_not_found"


class OriginalNotFound(OperationRefused):
    """There is no authorization with the original reference at this provider."""

    code = "original_not_found"


class OriginalNotApproved(OperationRefused):
    """The authorization was declined, reversed, or has been released."""

    code = "original_not_approved"


class OriginalMismatch(OperationRefused):
    """The original reference names another kind of operation, or another currency."""

    code = "original_mismatch"


class AmountExceeded(OperationRefused):
    """More than what is left to capture or to refund."""

    code = "amount_exceeded"


class NothingToReverse(OperationRefused):
    """All of the authorization is captured; that is for a refund."""

    code = "nothing_to_reverse"


class ReferenceReused(OperationRefused):
    """The reference belongs to an operation with other parameters."""

    code = "reference_reused"


class FailureRuleInvalid(SimulatorError):
    """The members of a failure rule contradict each other."""

    code = "validation_failed"

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__("One field is not valid.")
        self.errors = [{"pointer": pointer, "message": message}]


class ProviderUnavailable(NotProcessed):
    """The provider answers that it did nothing: an injected `error`."""

    code = "provider_unavailable"


class RecordsUnavailable(NotProcessed):
    """The provider's record file refused the write; nothing of the operation is on record."""

    code = "records_unavailable"


class ProviderSilent(SimulatorError):
    """What ends a call that was never to be answered. It says nothing of the operation, which may be processed."""

    code = "provider_timeout"


ERRORS = ErrorTable(
    {
        OperationNotFound: (404, "No such operation"),
        OriginalNotFound: (404, "No such authorization"),
        OriginalNotApproved: (409, "The authorization holds nothing"),
        OriginalMismatch: (422, "The original operation does not fit"),
        AmountExceeded: (422, "The amount is too high"),
        NothingToReverse: (409, "Nothing is left to reverse"),
        ReferenceReused: (422, "The reference is taken"),
        FailureRuleInvalid: (422, "The request body is not valid"),
        ProviderUnavailable: (503, "The provider is not available"),
        RecordsUnavailable: (503, "The provider cannot write its records"),
        ProviderSilent: (504, "The provider did not answer"),
    }
)
