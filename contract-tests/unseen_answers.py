"""Documented answers that no test brings about, each with the reason why none can, or need not."""

#: Statuses by service, status and operations; no operations stand for all of them.
STATUSES: list[tuple[str, int, set[str], str]] = [
    (
        "*",
        503,
        set(),
        "every operation tells of an outage; what needs no file and no neighbour at the moment answers all the same",
    ),
    (
        "gateway",
        409,
        {"create_payment", "rotate_vault_keys", "save_payment_method", "create_customer"},
        "the claim on the key and its answer are one line, or follow at once: two requests must meet within that",
    ),
    (
        "gateway",
        409,
        {
            "create_webhook_endpoint",
            "enable_webhook_endpoint",
            "generate_settlement",
            "redeliver_event",
            "redrive_dead_letters",
            "redrive_dead_letter",
            "run_reconciliation",
            "resolve_break",
        },
        "the first request with the key must be met while it runs, which takes some milliseconds",
    ),
    (
        "ledger-jobs",
        403,
        {"list_jobs", "get_job"},
        "every internal caller may use it, and a key that nobody has is 401",
    ),
    ("vault", 403, {"detokenize"}, "every internal caller may use it, and a key that nobody has is 401"),
    (
        "provider-sim",
        403,
        {"list_failures", "get_provider_state"},
        "every internal caller may use it, and a key that nobody has is 401",
    ),
]

#: Codes by service.
CODES: dict[tuple[str, str], str] = {
    ("gateway", "job_elsewhere"): "the other process must hold the job at that moment",
    ("gateway", "url_not_allowed"): "private addresses are refused in production only",
    ("ledger-jobs", "url_not_allowed"): "private addresses are refused in production only",
    ("ledger-jobs", "idempotency_key_reused"): "the gateway has checked the key before it asks",
    ("ledger-jobs", "idempotency_in_progress"): "the gateway has checked the key before it asks",
    ("ledger-jobs", "jobs_unavailable"): "the process that holds the job must go away while it is asked",
    ("ledger-jobs", "ledger_unavailable"): "the ledger must fail between a job's start and its entry",
    ("ledger-jobs", "validation_failed"): "what the gateway passes on has been checked by its own contract",
    ("gateway", "service_unavailable"): "for what stands before a gateway that starts or stops",
    ("ledger-jobs", "service_unavailable"): "for what stands before a service that starts or stops",
    (
        "gateway",
        "rotation_in_progress",
    ): "the vault's own, seen there; a rotation of few cards takes a moment",
    ("vault", "invalid_header"): "a shared answer; only operations with a header of a fixed form can give it",
    (
        "provider-sim",
        "invalid_header",
    ): "a shared answer; only operations with a header of a fixed form can give it",
    (
        "ledger-jobs",
        "invalid_header",
    ): "a shared answer; only operations with a header of a fixed form can give it",
}


def status_argument(service: str, operation: str, status: int) -> str | None:
    """Why nobody need have seen the status at the operation, if that is argued."""
    for of_service, of_status, operations, reason in STATUSES:
        fits = of_service in ("*", service) and of_status == status
        if fits and (not operations or operation in operations):
            return reason
    return None


def code_argument(service: str, code: str) -> str | None:
    """Why nobody need have seen the code at the service, if that is argued."""
    return CODES.get((service, code))
