"""Which refusal is which status. The codes belong to the errors themselves; handlers do not catch."""

from payrail.gateway.domain import customers, errors, notices
from payrail.gateway.job_ports import JobFailed, JobsUnavailable
from payrail.gateway.outbox_port import (
    DeadLetterNotFound,
    EndpointDisabled,
    UrlNotAllowed,
    WebhookEndpointNotFound,
)
from payrail.gateway.ports import (
    CardRefused,
    CardUnreadable,
    ClockBehindLedger,
    ClockFixed,
    ClockOutOfRange,
    ProviderRefused,
    ProviderUnreachable,
    RotationInProgress,
    TokenNotFound,
    VaultUnavailable,
)
from payrail.ledger.money import UnknownCurrency
from payrail.ledger.transitions import InvalidTransition
from payrail.runtime.append_log import LogUnavailable
from payrail.runtime.journal import LedgerUnavailable
from payrail.runtime.pages import InvalidCursor
from payrail.runtime.problems import ErrorTable

PROBLEMS = ErrorTable(
    {
        InvalidCursor: (400, "A query parameter is not valid"),
        notices.SignatureInvalid: (401, "The signature is not valid"),
        notices.WebhookStale: (401, "The message is too old"),
        errors.MakerCheckerViolation: (403, "Another user has to decide"),
        ClockFixed: (403, "Not in production"),
        errors.PaymentNotFound: (404, "There is no such thing"),
        errors.EventNotFound: (404, "There is no such thing"),
        errors.DisputeNotFound: (404, "There is no such thing"),
        errors.SettlementNotFound: (404, "There is no such thing"),
        errors.ReconciliationNotFound: (404, "There is no such thing"),
        errors.BreakTransitionInvalid: (409, "The state does not allow it"),
        errors.FutureDay: (422, "The day has not begun"),
        errors.DisputeOpen: (409, "A dispute is open"),
        errors.DeadlinePassed: (409, "The deadline has passed"),
        errors.RefundNotFound: (404, "There is no such thing"),
        customers.CustomerNotFound: (404, "There is no such thing"),
        customers.NoSuchCustomer: (404, "There is no such customer"),
        WebhookEndpointNotFound: (404, "There is no such thing"),
        DeadLetterNotFound: (404, "There is no such thing"),
        EndpointDisabled: (409, "The endpoint is disabled"),
        UrlNotAllowed: (422, "The address is not allowed"),
        TokenNotFound: (404, "There is no such token"),
        InvalidTransition: (409, "The state does not allow it"),
        errors.OperationInProgress: (409, "Another operation is running"),
        errors.IdempotencyInProgress: (409, "The first request with this key is still running"),
        errors.IdempotencyKeyReused: (422, "The idempotency key was used for another request"),
        errors.AmountExceedsAuthorized: (422, "The amount is more than is left to capture"),
        errors.AmountExceedsRefundable: (422, "The amount is more than can be refunded"),
        customers.TooManyPaymentMethods: (409, "Too many saved cards"),
        RotationInProgress: (409, "A rotation is running"),
        ClockBehindLedger: (409, "The clock does not go back that far"),
        ClockOutOfRange: (422, "The clock does not go that far"),
        UnknownCurrency: (422, "The currency is not supported"),
        CardRefused: (422, "The card cannot be used"),
        CardUnreadable: (409, "The card cannot be read"),
        ProviderRefused: (422, "The request body is not valid"),
        errors.NoProvider: (503, "No provider is available"),
        errors.OperationNotProcessed: (503, "The provider did not process it"),
        ProviderUnreachable: (503, "The provider does not answer"),
        JobFailed: (503, "The job failed"),
        JobsUnavailable: (503, "The ledger jobs are not available"),
        VaultUnavailable: (503, "The vault is not available"),
        LogUnavailable: (503, "The files cannot be written"),
        LedgerUnavailable: (503, "The ledger is not available"),
    }
)
