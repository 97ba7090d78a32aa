"""Who calls an internal service: each of PayRail's own callers has a key, and each operation says who may use it."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from .contract import refusals
from .contract_app import OperationInfo
from .problems import Problem


@dataclass(frozen=True)
class InternalCaller:
    """A part of PayRail that calls another one."""

    name: str


class InternalKeys:
    """The authenticator of internal contracts. It keeps digests of the keys and compares them in constant time."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._callers = [(InternalCaller(name), _digest(key)) for name, key in keys.items()]

    def __call__(self, key: str, _identity: Mapping[str, str], operation: OperationInfo) -> InternalCaller:
        """The caller with this key. Raises a Problem: 401 for a key that nobody has, 403 where ``x-callers`` of the
        operation does not name its caller."""
        digest = _digest(key)
        caller: InternalCaller | None = None
        for candidate, expected in self._callers:
            if hmac.compare_digest(digest, expected):
                caller = candidate
        if caller is None:
            raise refusals.unauthorized()
        if caller.name not in operation.extensions.get("x-callers", ()):
            raise Problem(
                403, "forbidden", "The caller may not do this", "This operation needs another caller."
            )
        return caller


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
