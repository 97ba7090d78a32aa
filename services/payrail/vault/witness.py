"""Sees to it that no answer leaves the vault before its access is on record."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar

import orjson

from payrail.runtime.contract.calls import OperationInfo
from payrail.runtime.contract.requests import Message, Receive, Scope, Send
from payrail.runtime.contract_app import Authenticator, ContractApp
from payrail.runtime.internal_keys import InternalKeys
from payrail.runtime.problems import PROBLEM_MEDIA_TYPE, Problem
from payrail.vault.access_log import OK, Access, AccessLog
from payrail.vault.errors import ERRORS, VaultUnavailable

RECORDED = frozenset({"tokenize", "detokenize", "charge_token", "rotate_keys", "get_access_log"})
FIRST_ERROR_STATUS = 400

_current: ContextVar[Access] = ContextVar("vault_access")


def current_access() -> Access:
    """The access that is going on. Without one, which would be an answer off the record, it raises
    LookupError."""
    return _current.get()


def authenticator(keys: InternalKeys) -> Authenticator:
    """Authenticates as `keys` does, and tells the access who asks, a refused caller too."""

    def authenticate(key: str, identity: Mapping[str, str], operation: OperationInfo) -> str:
        current_access().caller = keys.caller_of(key)
        return keys(key, identity, operation)

    return authenticate


class WitnessedApp:
    """The vault's ASGI app around its contract app: what was asked for is on record before it is answered.

    An access that cannot be recorded is not granted: it is answered with 503, and nothing of the answer
    goes out.
    """

    def __init__(self, app: ContractApp, access_log: Callable[[], AccessLog]) -> None:
        """``access_log`` gives the open log, or raises `VaultUnavailable`."""
        self.contract_app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self._recorded_operation(scope)
        if operation is None:
            await self.contract_app(scope, receive, send)
            return
        access = Access(operation)
        before = _current.set(access)
        try:
            await self.contract_app(scope, receive, _HeldAnswer(access, self._access_log, send).send)
        finally:
            _current.reset(before)

    def _recorded_operation(self, scope: Scope) -> str | None:
        """The operation as the contract app itself will find it, if it is an access to cards or keys."""
        if scope["type"] != "http":
            return None
        try:
            path, _ = self.contract_app.routes.find(scope.get("raw_path") or scope["path"].encode())
            operation_id = path.operation(scope["method"]).info.operation_id
        except Problem:
            return None
        return operation_id if operation_id in RECORDED else None


class _HeldAnswer:
    """One answer, held back until its access is on record."""

    def __init__(self, access: Access, access_log: Callable[[], AccessLog], send: Send) -> None:
        self._access = access
        self._access_log = access_log
        self._send = send
        self._start: Message | None = None
        self._withheld = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            await self._release(start, message.get("body", b""))
        if not self._withheld:
            await self._send(message)

    async def _release(self, start: Message, body: bytes) -> None:
        correlation_id = dict(start["headers"])[b"x-correlation-id"].decode("ascii")
        try:
            await self._access_log().record(self._access, correlation_id, _outcome(start["status"], body))
        except VaultUnavailable as error:
            self._withheld = True
            await self._refuse(error, correlation_id)
        else:
            await self._send(start)

    async def _refuse(self, error: VaultUnavailable, correlation_id: str) -> None:
        problem = ERRORS.problem_for(error)
        assert problem is not None, "the vault's table of errors has its own error"  # noqa: S101
        body = problem.content(correlation_id)
        headers = {
            "x-correlation-id": correlation_id,
            "content-type": PROBLEM_MEDIA_TYPE,
            "content-length": str(len(body)),
            **problem.headers,
        }
        raw = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": problem.status, "headers": raw})
        await self._send({"type": "http.response.body", "body": body})


def _outcome(status: int, body: bytes) -> str:
    """``ok``, or the code of the problem; an answer to HEAD has no body, and then the status must do."""
    if status < FIRST_ERROR_STATUS:
        return OK
    return str(orjson.loads(body)["code"]) if body else f"status_{status}"
