"""A handler that does not keep its contract is found: by its own service at once, and so by the fuzzing."""

from pathlib import Path

import pytest
from fuzz import fuzz

FLAWS = [
    ("gateway", "create_payment", "version"),
    ("gateway", "list_providers", "data"),
    ("gateway", "get_clock", "offset_s"),
    ("vault", "tokenize", "last4"),
    ("provider-sim", "get_provider_state", "failures"),
    ("ledger-jobs", "run_due_jobs", "data"),  # A list with the example of a cursor is a 400.
]


@pytest.mark.parametrize(("service", "operation", "field"), FLAWS)
def test_one_field_taken_out_of_one_answer_fails_the_contract_tests(
    service: str, operation: str, field: str, tmp_path: Path
) -> None:
    outcome = fuzz(
        service,
        seed=42,
        examples=5,
        folder=tmp_path,
        phases="examples",
        only=["--include-operation-id", operation],
        flaw=f"{operation}:{field}",
    )
    assert outcome.requests()[operation, 500] > 0
    assert outcome.faults[0].startswith("Schemathesis ended with 1")
    assert any(fault.startswith("logged:") for fault in outcome.faults)
