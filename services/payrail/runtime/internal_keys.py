"""The keys by which PayRail's own services know each other: one key for each caller."""

import hashlib
import hmac
from collections.abc import Mapping

from payrail.runtime.contract import refusals
from payrail.runtime.contract.calls import OperationInfo
from payrail.runtime.problems import Problem

__all__ = ["InternalKeys"]


class InternalKeys:
    """The authenticator of the scheme `InternalKey`: a key names its caller, and `x-callers` says what it
    may use.

    Keys are kept as digests: how long a look-up takes tells of a digest, and nothing of a key.
    """

    def __init__(self, key_of: Mapping[str, str]) -> None:
        """`key_of` maps each caller to its key. Raises ValueError if two callers share one."""
        self._callers = {_digest(key): (_digest(key), caller) for caller, key in key_of.items()}
        if len(self._callers) != len(key_of):
            raise ValueError("two internal callers have the same key")

    def __call__(self, key: str, identity: Mapping[str, str], operation: OperationInfo) -> str:  # noqa: ARG002
        """The caller's name. Raises a Problem 401 for an unknown key and 403 for one that may not use the
        operation."""
        return self.admitted(self.caller_of(key), operation)

    def admitted(self, caller: str | None, operation: OperationInfo) -> str:
        """The caller, if it is one and may use the operation. Raises as a call does."""
        if caller is None:
            raise refusals.unauthorized()
        if caller not in operation.extensions["x-callers"]:
            raise Problem(
                403, "forbidden", "The caller may not do this", "This key is not for this operation."
            )
        return caller

    def caller_of(self, key: str) -> str | None:
        """Whose key it is, or None."""
        digest = _digest(key)
        known = self._callers.get(digest)
        return known[1] if known and hmac.compare_digest(known[0], digest) else None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
