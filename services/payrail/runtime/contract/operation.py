"""One operation, compiled at start-up: who may call, what is let in, the handler, and what is let out."""

from collections.abc import Mapping
from typing import Any

from payrail.runtime.card_numbers import may_hold_card_number
from payrail.runtime.problems import ErrorTable

from . import refusals
from .answers import Answers, Outcome
from .calls import Authenticator, Call, Handler, OperationInfo
from .json_bodies import parse_json
from .parameters import Parameters
from .requests import Request
from .schemas import SchemaCompiler, faults
from .security import compile_security
from .sensitive import BodyRule, sensitive_pointer

_CONTENT_TYPE = b"content-type"
_CONTENT_ENCODING, _AS_IT_IS = b"content-encoding", b"identity"
_SEARCHED_FIRST_BYTES_MAX = 64 * 1024


class RequestBody:
    """The JSON body of an operation, compiled. Raises ValueError for a body that is not JSON."""

    __slots__ = ("_accepted", "_media_types", "_required", "_rule", "_validator")

    def __init__(self, definition: Mapping[str, Any], compiler: SchemaCompiler) -> None:
        content = definition["content"]
        if len(content) != 1 or not next(iter(content)).endswith("json"):
            raise ValueError("a request body must have one JSON media type")
        ((self._accepted, described),) = content.items()
        self._media_types = {self._accepted.encode("ascii")}
        self._required = bool(definition.get("required"))
        self._validator = compiler.request(described["schema"])
        self._rule = BodyRule(described["schema"])

    def read(self, raw: bytes, request: Request) -> Any:
        """The value of a body; None when an optional one is absent."""
        content_type = request.headers.get(_CONTENT_TYPE)
        if content_type not in self._media_types and (raw or content_type):
            self._check_media_type(content_type or b"", request)
        if not raw and not self._required:
            return None
        if request.headers.get(_CONTENT_ENCODING, _AS_IT_IS).lower() != _AS_IT_IS:
            raise refusals.unsupported_content_coding()
        value = parse_json(raw)
        if len(raw) > _SEARCHED_FIRST_BYTES_MAX:
            # The contract limits what is searched; without that a body of digits could keep the process busy.
            self._validate(value)
        if may_hold_card_number(raw):
            pointer = sensitive_pointer(value, self._rule)
            if pointer is not None:
                raise refusals.sensitive_data("The body", pointer)
        self._validate(value)
        return value

    def _validate(self, value: Any) -> None:
        if not self._validator.is_valid(value):
            raise refusals.validation_failed(faults(self._validator, value))

    def _check_media_type(self, content_type: bytes, request: Request) -> None:
        media_type, _, parameters = content_type.lower().partition(b";")
        charset = parameters.replace(b" ", b"").replace(b'"', b"")
        if (
            media_type.strip() != self._accepted.encode("ascii")
            or (b"charset=" in charset and b"charset=utf-8" not in charset)
            or _CONTENT_TYPE in request.repeated
        ):
            raise refusals.unsupported_media_type(self._accepted)


class Operation:
    """Answers the requests of one operation. Raises a Problem for what it does not let in."""

    def __init__(
        self,
        *,
        info: OperationInfo,
        definition: Mapping[str, Any],
        parameters: list[dict[str, Any]],
        security: tuple[Any, Mapping[str, Any], Mapping[str, Authenticator]],
        handler: Handler,
        errors: ErrorTable,
        compiler: SchemaCompiler,
    ) -> None:
        self.info = info
        self._handler = handler
        self._errors = errors
        self._security = compile_security(*security, info)
        self._parameters = Parameters(parameters, compiler)
        body = definition.get("requestBody")
        self._body = RequestBody(body, compiler) if body else None
        self._answers = Answers(definition["responses"], compiler)

    async def outcome(self, request: Request, names: tuple[str, ...], segments: tuple[bytes, ...]) -> Outcome:
        """The answer to one request, from authentication to the check of what the handler answered."""
        call = await self._admit(request, names, segments)
        try:
            answer = await self._handler(call)
        except Exception as error:
            problem = self._errors.problem_for(error)
            if problem is None:
                raise
            return self._answers.problem(problem, request.correlation_id)
        return self._answers.checked(answer)

    async def _admit(self, request: Request, names: tuple[str, ...], segments: tuple[bytes, ...]) -> Call:
        headers, parameters = request.headers, self._parameters
        caller = None
        if self._security is not None:
            caller = self._security.caller(headers, request.repeated)
            if self._security.awaits:
                caller = await caller
            request.log["caller"] = caller if isinstance(caller, str) else getattr(caller, "name", None)
        path = parameters.path(names, segments) if names else {}
        query = parameters.query(request.query)
        header_values = parameters.headers(headers, request.repeated)
        raw: bytes = b""
        body = None
        if self._body is not None:
            raw = await request.body() if request.whole is None else request.whole
            body = self._body.read(raw, request)
        return Call(
            self.info.operation_id,
            path,
            query,
            header_values,
            body,
            caller,
            request.correlation_id,
            request.traceparent if b"traceparent" in headers else None,
            raw,
            headers[b"accept"].decode("latin-1") if b"accept" in headers else "",
            request.log,
        )
