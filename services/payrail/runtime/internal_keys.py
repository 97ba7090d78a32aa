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

    Keys are kept as digests, and all of them are compared in constant time whichever fits.
    """

    def __init__(self, key_of: Mapping[str, str]) -> None:
        """`key_of` maps each caller to its key. Raises ValueError if two callers share one."""
        self._digests = [(caller, _digest(key)) for caller, key in key_of.items()]
        if len({digest for _, digest in self._digests}) != len(self._digests):
            raise ValueError("two internal callers have the same key")

    def __call__(self, key: str, identity: Mapping[str, str], operation: OperationInfo) -> str:  # noqa: ARG002
        """The caller's name. Raises a Problem 401 for an unknown key and 403 for one that may not use the
        operation."""
        caller = self.caller_of(key)
        if caller is None:
            raise refusals.unauthorized()
        if caller not in operation.extensions["x-callers"]:
            raise Problem(
                403, "forbidden", "The caller may not do this", "This key is not for this operation."
            )
        return caller

    def caller_of(self, key: str) -> str | None:
        """Whose key it is, or None."""
        digest, found = _digest(key), None
        for caller, known in self._digests:
            if hmac.compare_digest(digest, known):
                found = caller
        return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
