"""Sees to it that no answer leaves the vault before its access is on record."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from http import HTTPStatus

from payrail.runtime.contract.answers import Outcome
from payrail.runtime.contract.calls import OperationInfo
from payrail.runtime.contract.requests import Request
from payrail.runtime.contract_app import Authenticator, Witness
from payrail.runtime.internal_keys import InternalKeys
from payrail.vault.access_log import OK, Access, AccessLog
from payrail.vault.errors import ERRORS, VaultUnavailable

RECORDED = frozenset({"tokenize", "detokenize", "charge_token", "rotate_keys", "get_access_log"})

# Each request is served in a context of its own, which ends with it.
_current: ContextVar[Access] = ContextVar("vault_access")


def current_access() -> Access:
    """The access that is going on. Without one, which would be an answer off the record, it raises
    LookupError."""
    return _current.get()


def authenticator(keys: InternalKeys) -> Authenticator:
    """Authenticates as `keys` does; the access begins with who asks, a refused caller too."""

    def authenticate(key: str, identity: Mapping[str, str], operation: OperationInfo) -> str:  # noqa: ARG001
        caller = keys.caller_of(key)
        _current.set(Access(operation.operation_id, caller))
        return keys.admitted(caller, operation)

    return authenticate


def witness(access_log: Callable[[], AccessLog]) -> Witness:
    """Puts every access on record before it is answered.

    One that cannot be recorded is not granted: it is answered with 503, and nothing of the answer goes out.
    ``access_log`` gives the open log, or raises `VaultUnavailable`.
    """

    async def record(request: Request, outcome: Outcome) -> Outcome:
        if request.operation not in RECORDED:
            return outcome
        access = _current.get(None) or Access(request.operation)
        said = OK if outcome.status < HTTPStatus.BAD_REQUEST else outcome.code or f"status_{outcome.status}"
        try:
            await access_log().record(access, request.correlation_id, said)
        except VaultUnavailable as error:
            problem = ERRORS.problem_for(error)
            assert problem is not None, "the vault's table of errors has its own error"  # noqa: S101
            return Outcome.of_problem(problem, request.correlation_id)
        return outcome

    return record
