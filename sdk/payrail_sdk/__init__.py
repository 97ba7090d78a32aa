"""The Python SDK of PayRail: `PayRail` and `AsyncPayRail`, typed errors, and what operations take and answer.

Each name is loaded when it is first used: who needs only a generated package, such as `payrail_sdk.vault`, does not pay
for the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import webhooks
    from ._provenance import CONTRACT_VERSIONS, GENERATOR
    from ._settings import Identity, Role
    from .call_options import CallOptions
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
        WebhookError,
        WebhookHeadersInvalid,
        WebhookSignatureInvalid,
        WebhookTimestampRefused,
        WebhookUnreadable,
    )
    from .gateway.models import (
        AccessLogItem,
        AuditRecord,
        Balances,
        Break,
        CardInput,
        Clock,
        Customer,
        DeadLetter,
        Decline,
        Delivery,
        Dispute,
        DisputeState,
        Event,
        FailureRule,
        FieldError,
        Health,
        KeyRotation,
        LedgerEntry,
        NewCardMethod,
        NewWebhookEndpoint,
        Payment,
        PaymentAttempt,
        PaymentMethod,
        PaymentState,
        Posting,
        ProviderHealth,
        Reconciliation,
        ReconciliationSummary,
        Redelivery,
        RedrivenDeadLetters,
        Refund,
        RefundState,
        RoutingExplanation,
        RoutingRules,
        ServicesHealth,
        Settlement,
        SettlementRow,
        SettlementSummary,
        Summary,
        TokenMethod,
        UnmatchedWebhook,
        WebhookEndpoint,
    )
    from .pages import AsyncListing, Listing, Page
    from .params import CardParams, NewCardParams, PaymentFilters, PaymentMethodParam, TokenParams
    from .raw_response import RawResponse
    from .webhooks import WebhookEvent

__version__: str
"""The version of this distribution."""

__all__ = [
    "CONTRACT_VERSIONS",
    "GENERATOR",
    "AccessLogItem",
    "AmountExceedsAuthorized",
    "AmountExceedsRefundable",
    "ApiError",
    "AsyncListing",
    "AsyncPayRail",
    "AuditRecord",
    "AuthenticationError",
    "Balances",
    "Break",
    "CallOptions",
    "CardError",
    "CardInput",
    "CardParams",
    "Clock",
    "Conflict",
    "ConnectionFailed",
    "CurrencyUnsupported",
    "Customer",
    "DeadLetter",
    "Decline",
    "Delivery",
    "Dispute",
    "DisputeOpen",
    "DisputeState",
    "Event",
    "FailureRule",
    "FieldError",
    "Health",
    "IdempotencyInProgress",
    "IdempotencyKeyReused",
    "Identity",
    "InternalServerError",
    "InvalidRequest",
    "InvalidTransition",
    "KeyRotation",
    "LedgerEntry",
    "Listing",
    "MakerCheckerViolation",
    "NewCardMethod",
    "NewCardParams",
    "NewWebhookEndpoint",
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
    "ProviderHealth",
    "RateLimited",
    "RawResponse",
    "Reconciliation",
    "ReconciliationSummary",
    "Redelivery",
    "RedrivenDeadLetters",
    "Refund",
    "RefundState",
    "Role",
    "RoutingExplanation",
    "RoutingRules",
    "SensitiveData",
    "ServiceUnavailable",
    "ServicesHealth",
    "Settlement",
    "SettlementRow",
    "SettlementSummary",
    "Summary",
    "TimedOut",
    "TokenMethod",
    "TokenParams",
    "UnmatchedWebhook",
    "UnreadableAnswer",
    "ValidationFailed",
    "WebhookEndpoint",
    "WebhookError",
    "WebhookEvent",
    "WebhookHeadersInvalid",
    "WebhookSignatureInvalid",
    "WebhookTimestampRefused",
    "WebhookUnreadable",
    "__version__",
    "webhooks",
]

_HOMES = {
    "_provenance": "CONTRACT_VERSIONS GENERATOR",
    "_settings": "Identity Role",
    "call_options": "CallOptions",
    "client": "AsyncPayRail PayRail",
    "gateway.models": "AccessLogItem AuditRecord Balances Break CardInput Clock Customer DeadLetter Decline "
    "Delivery Dispute DisputeState Event FailureRule FieldError Health KeyRotation LedgerEntry "
    "NewCardMethod NewWebhookEndpoint Payment PaymentAttempt PaymentMethod PaymentState Posting "
    "ProviderHealth Reconciliation ReconciliationSummary Redelivery RedrivenDeadLetters Refund "
    "RefundState RoutingExplanation RoutingRules ServicesHealth Settlement SettlementRow "
    "SettlementSummary Summary TokenMethod UnmatchedWebhook WebhookEndpoint",
    "pages": "AsyncListing Listing Page",
    "params": "CardParams NewCardParams PaymentFilters PaymentMethodParam TokenParams",
    "raw_response": "RawResponse",
    "webhooks": "WebhookEvent",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - loaded when it is asked for

        value: Any = version("payrail-sdk")
    elif name == "webhooks":
        value = import_module(".webhooks", __name__)
    else:
        value = getattr(import_module(f".{_HOME_OF.get(name, 'errors')}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
