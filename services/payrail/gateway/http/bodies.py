"""Rules of request bodies that OpenAPI 3.0 cannot say so that generated clients understand; the contract has them in
words."""

from collections.abc import Mapping
from typing import Any

from payrail.runtime.problems import Problem

_METADATA_KEY_LENGTH_MAX = 40


def invalid_field(pointer: str, message: str) -> Problem:
    """The answer to a body of which one field cannot be taken."""
    errors = [{"pointer": pointer, "message": message}]
    return Problem(
        422, "validation_failed", "The request body is not valid", "One field is not valid.", errors=errors
    )


def either_of(body: Mapping[str, Any], one: str, other: str) -> tuple[Any, Any]:
    """The values of two fields of which exactly one must be given."""
    if (one in body) == (other in body):
        raise invalid_field(f"/{one}", f"either this or {other} is required, not both")
    return body.get(one), body.get(other)


def require_short_keys(metadata: Mapping[str, str]) -> None:
    """Refuse metadata with a key that is too long."""
    if any(len(key) > _METADATA_KEY_LENGTH_MAX for key in metadata):
        raise invalid_field("/metadata", f"a key must have at most {_METADATA_KEY_LENGTH_MAX} characters")
