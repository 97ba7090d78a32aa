"""The Python SDK of PayRail: `PayRail` and `AsyncPayRail`, typed errors, and what operations take and answer.

Each name is loaded when it is first used: who needs only a generated package, such as `payrail_sdk.vault`, does not pay
for the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._provenance import CONTRACT_VERSIONS, GENERATOR
    from ._settings import Identity, Role
    from .client import AsyncPayRail, PayRail
    from .errors import (
        AmountExceedsAuthorized,
        AmountExceedsRefundable,
        ApiError,
        AuthenticationError,
        CardError,
        Conflict,
        ConnectionFailed,
        CurrencyUnsupported,
        DisputeOpen,
        IdempotencyInProgress,
        IdempotencyKeyReused,
        InternalServerError,
        InvalidRequest,
        InvalidTransition,
        MakerCheckerViolation,
        NotFound,
        OperationInProgress,
        PayRailError,
        PermissionDenied,
        RateLimited,
        SensitiveData,
        ServiceUnavailable,
        TimedOut,
        UnreadableAnswer,
        ValidationFailed,
    )
    from .gateway.models import (
        AuditRecord,
        CardInput,
        Clock,
        Customer,
        Decline,
        Dispute,
        DisputeState,
        FieldError,
        Health,
        LedgerEntry,
        NewCardMethod,
        Payment,
        PaymentAttempt,
        PaymentMethod,
        PaymentState,
        Posting,
        Refund,
        RefundState,
        TokenMethod,
    )
    from .pages import AsyncListing, Listing, Page
    from .params import CardParams, NewCardParams, PaymentFilters, PaymentMethodParam, TokenParams

__version__: str
"""The version of this distribution."""

__all__ = [
    "CONTRACT_VERSIONS",
    "GENERATOR",
    "AmountExceedsAuthorized",
    "AmountExceedsRefundable",
    "ApiError",
    "AsyncListing",
    "AsyncPayRail",
    "AuditRecord",
    "AuthenticationError",
    "CardError",
    "CardInput",
    "CardParams",
    "Clock",
    "Conflict",
    "ConnectionFailed",
    "CurrencyUnsupported",
    "Customer",
    "Decline",
    "Dispute",
    "DisputeOpen",
    "DisputeState",
    "FieldError",
    "Health",
    "IdempotencyInProgress",
    "IdempotencyKeyReused",
    "Identity",
    "InternalServerError",
    "InvalidRequest",
    "InvalidTransition",
    "LedgerEntry",
    "Listing",
    "MakerCheckerViolation",
    "NewCardMethod",
    "NewCardParams",
    "NotFound",
    "OperationInProgress",
    "Page",
    "PayRail",
    "PayRailError",
    "Payment",
    "PaymentAttempt",
    "PaymentFilters",
    "PaymentMethod",
    "PaymentMethodParam",
    "PaymentState",
    "PermissionDenied",
    "Posting",
    "RateLimited",
    "Refund",
    "RefundState",
    "Role",
    "SensitiveData",
    "ServiceUnavailable",
    "TimedOut",
    "TokenMethod",
    "TokenParams",
    "UnreadableAnswer",
    "ValidationFailed",
    "__version__",
]

_HOMES = {
    "_provenance": "CONTRACT_VERSIONS GENERATOR",
    "_settings": "Identity Role",
    "client": "AsyncPayRail PayRail",
    "gateway.models": "AuditRecord CardInput Clock Customer Decline Dispute DisputeState FieldError Health LedgerEntry "
    "NewCardMethod Payment PaymentAttempt PaymentMethod PaymentState Posting Refund RefundState TokenMethod",
    "pages": "AsyncListing Listing Page",
    "params": "CardParams NewCardParams PaymentFilters PaymentMethodParam TokenParams",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - loaded when it is asked for

        value: Any = version("payrail-sdk")
    else:
        value = getattr(import_module(f".{_HOME_OF.get(name, 'errors')}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
