"""The simulator's errors. Each says surely that nothing was processed, or, by `processed` missing, that nobody knows.

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

    extra: ClassVar[Mapping[str, Any]] = {"processed": False}


class OperationRefused(NotProcessed):
    """The operation does not fit what the provider has on record."""


class OperationNotFound(SimulatorError):
    """The inquiry names a reference that the provider has not seen, so far."""

    code = "operation_not_found"


class OriginalNotFound(OperationRefused):
    """There is no authorization with the original reference at this provider."""

    code = "original_not_found"


class OriginalNotOpen(OperationRefused):
    """The original was declined or reversed, is used up, or is no authorization."""

    code = "original_not_open"


class AmountExceeded(OperationRefused):
    """More than what is left to capture or to refund."""

    code = "amount_exceeds_original"

    def __init__(self, left: int, asked: int) -> None:
        super().__init__(f"{left} is left; {asked} was asked for.")


class ReferenceReused(OperationRefused):
    """The reference belongs to an operation with other parameters."""

    code = "reference_reused"


class FieldInvalid(NotProcessed):
    """A member of the body contradicts another one, or what the provider has on record."""

    code = "validation_failed"

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__("One field is not valid.")
        self.errors = [{"pointer": pointer, "message": message}]


class ProviderError(NotProcessed):
    """The provider answers that it did nothing: an injected `error`."""

    code = "provider_error"


class RecordsUnavailable(NotProcessed):
    """The provider's file refused the write; nothing of the operation is on record."""

    code = "service_unavailable"


class ProviderSilent(SimulatorError):
    """What ends a call that was never to be answered. It says nothing of the operation, which may be processed."""

    code = "provider_error"


ERRORS = ErrorTable(
    {
        OperationNotFound: (404, "There is no such operation"),
        OriginalNotFound: (404, "The original operation is not known"),
        OriginalNotOpen: (409, "The original operation is not open"),
        AmountExceeded: (422, "The amount is more than is left of the original"),
        ReferenceReused: (409, "The reference was used for another operation"),
        FieldInvalid: (422, "The request body is not valid"),
        ProviderError: (503, "The provider failed"),
        RecordsUnavailable: (503, "The provider cannot write its records"),
        ProviderSilent: (503, "The provider did not answer"),
    }
)
