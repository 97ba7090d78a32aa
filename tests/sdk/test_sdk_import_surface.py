"""What `payrail_sdk` offers by name, and what an import of it costs."""

import subprocess
import sys

import payrail_sdk
from payrail_sdk import _provenance

# fmt: off
PUBLIC = [
    "AccessLogItem", "AmountExceedsAuthorized", "AmountExceedsRefundable", "ApiError", "AsyncListing",
    "AsyncPayRail", "AuditRecord", "AuthenticationError", "Balances", "Break", "CONTRACT_VERSIONS", "CallOptions",
    "CardError", "CardInput", "CardParams", "Clock", "Conflict", "ConnectionFailed", "CurrencyUnsupported",
    "Customer", "DeadLetter", "Decline", "Delivery", "Dispute", "DisputeOpen", "DisputeState", "Event",
    "FailureRule", "FieldError", "GENERATOR", "Health", "IdempotencyInProgress", "IdempotencyKeyReused", "Identity",
    "InternalServerError", "InvalidRequest", "InvalidTransition", "KeyRotation", "LedgerEntry", "Listing",
    "MakerCheckerViolation", "NewCardMethod", "NewCardParams", "NewWebhookEndpoint", "NotFound",
    "OperationInProgress", "Page", "PayRail", "PayRailError", "Payment", "PaymentAttempt", "PaymentFilters",
    "PaymentMethod", "PaymentMethodParam", "PaymentState", "PermissionDenied", "Posting", "ProviderHealth",
    "RateLimited", "RawResponse", "Reconciliation", "ReconciliationSummary", "Redelivery", "RedrivenDeadLetters",
    "Refund", "RefundState", "Role", "RoutingExplanation", "RoutingRules", "SensitiveData", "ServiceUnavailable",
    "ServicesHealth", "Settlement", "SettlementRow", "SettlementSummary", "Summary", "TimedOut", "TokenMethod",
    "TokenParams", "UnmatchedWebhook", "UnreadableAnswer", "ValidationFailed", "WebhookEndpoint", "WebhookError",
    "WebhookEvent", "WebhookHeadersInvalid", "WebhookSignatureInvalid", "WebhookTimestampRefused",
    "WebhookUnreadable", "__version__", "webhooks",
]
# fmt: on


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after `statement`."""
    program = f"import sys; {statement}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_public_names_are_these_and_no_others() -> None:
    assert sorted(payrail_sdk.__all__) == sorted(PUBLIC)


def test_every_public_name_is_there() -> None:
    namespace: dict[str, object] = {}
    exec("from payrail_sdk import *", namespace)  # noqa: S102 - the statement under test
    assert set(PUBLIC) <= set(namespace)
    assert set(PUBLIC) <= set(dir(payrail_sdk))


def test_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(payrail_sdk, "Nonsense")


def test_services_package_brings_neither_the_client_nor_another_services() -> None:
    loaded = {name for name in modules_after("import payrail_sdk.vault") if name.startswith("payrail_sdk")}
    assert "payrail_sdk.vault.client" in loaded
    assert all(name == "payrail_sdk" or name.startswith("payrail_sdk.vault") for name in loaded), loaded


def test_import_alone_loads_nothing_heavy() -> None:
    assert not modules_after("import payrail_sdk") & {"httpx", "attrs", "json", "payrail_sdk.gateway"}


def test_a_client_brings_the_gateways_package_alone_and_no_parser_of_its_own() -> None:
    loaded = modules_after("from payrail_sdk import PayRail, webhooks")
    assert {name for name in loaded if name.startswith("payrail_sdk.gateway.models.")}
    others = ("payrail_sdk.vault", "payrail_sdk.provider_sim", "payrail_sdk.ledger_jobs")
    assert not {name for name in loaded if name.startswith(others)}
    assert not loaded & {"pydantic", "orjson", "msgspec", "aiohttp", "yaml", "connexion"}


def test_the_sdk_stands_without_the_server() -> None:
    loaded = modules_after("from payrail_sdk import *")
    assert "payrail_sdk.client" in loaded
    assert not {name for name in loaded if name == "payrail" or name.startswith("payrail.")}


def test_contracts_and_generator_are_recorded() -> None:
    assert set(payrail_sdk.CONTRACT_VERSIONS) == {"gateway", "vault", "provider-sim", "ledger-jobs"}
    assert payrail_sdk.GENERATOR == _provenance.GENERATOR
    assert payrail_sdk.GENERATOR.startswith("openapi-python-client ")
