"""Who calls: Connexion finds the handler of each security scheme, and the handlers here read the
credentials."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connexion.security import ApiKeySecurityHandler, BearerSecurityHandler, SecurityHandlerFactory

from . import refusals
from .calls import Authenticator, OperationInfo

Headers = Mapping[bytes, bytes]
ReadCredential = Callable[[Headers], str | None]

# The scheme in any case, then a key of visible ASCII, inner spaces included, between white space.
_BEARER = re.compile(rb"(?i:bearer) \s*([!-~](?:[ -~]*[!-~])?)\s*")


class BearerKey(BearerSecurityHandler):
    """Reads the key of an `Authorization: Bearer` header."""

    def get_fn(self, security_scheme: Any, required_scopes: Any) -> ReadCredential:  # noqa: ARG002 - Connexion's call
        return read_bearer_key


class IdentityHeader(ApiKeySecurityHandler):
    """Reads a header that asserts an identity; it proves nothing by itself."""

    def get_fn(self, security_scheme: Any, required_scopes: Any) -> ReadCredential | None:  # noqa: ARG002
        if security_scheme["in"] != "header":
            return None
        name = security_scheme["name"].lower().encode("ascii")
        return lambda headers: _text(headers.get(name))


def read_bearer_key(headers: Headers) -> str | None:
    """The bearer key, or None if there is none or it is not visible ASCII."""
    value = headers.get(b"authorization")
    found = _BEARER.fullmatch(value) if value is not None else None
    return found[1].decode("ascii") if found is not None else None


def _text(raw: bytes | None) -> str | None:
    """Header text of visible ASCII; anything else counts as absent."""
    if not raw or not raw.isascii():
        return None
    text = raw.decode("ascii")
    return text if text.isprintable() else None


class Security:
    """The authentication of one operation: one bearer scheme, with or without identity headers beside it."""

    __slots__ = ("_authenticate", "_identity", "_info", "_read_key", "_single", "awaits")

    def __init__(
        self,
        read_key: ReadCredential,
        identity: Mapping[str, ReadCredential],
        authenticate: Authenticator,
        info: OperationInfo,
    ) -> None:
        self._read_key = read_key
        self._identity = tuple((name.encode("ascii"), name, read) for name, read in identity.items())
        self._authenticate = authenticate
        self.awaits = inspect.iscoroutinefunction(authenticate)
        self._info = info
        self._single = frozenset({b"authorization", *(name.encode("ascii") for name in identity)})

    def caller(self, headers: Headers, repeated: frozenset[bytes]) -> Any:
        """The caller, or an awaitable of it if the authenticator `awaits`. Raises a Problem 400, 401 or 403."""
        if repeated and not repeated.isdisjoint(self._single):
            name = min(repeated & self._single).decode("ascii")
            raise refusals.invalid_header(name, "stands more than once")
        key = self._read_key(headers)
        if key is None:
            raise refusals.unauthorized()
        identity = {}
        for raw_name, name, read in self._identity:
            value = read(headers) if raw_name in headers else None
            if value is not None:
                identity[name] = value
        return self._authenticate(key, identity, self._info)


def compile_security(
    requirements: Sequence[Mapping[str, Any]] | None,
    schemes: Mapping[str, Mapping[str, Any]],
    authenticate: Mapping[str, Authenticator],
    info: OperationInfo,
) -> Security | None:
    """The security of an operation, or None if it is open to all.

    The authenticator of the one bearer scheme decides with all identity headers at hand, which ones it needs
    included. Raises ValueError for a requirement that could not be enforced.
    """
    if not requirements:
        return None
    factory = SecurityHandlerFactory({"bearer": BearerKey, "apiKey": IdentityHeader})
    readers: dict[str, ReadCredential] = {}
    for requirement in requirements:
        for name, scopes in requirement.items():
            reader = factory.parse_security_scheme(dict(schemes[name]), scopes)
            if reader is None:
                raise ValueError(f"{info.operation_id}: security scheme {name} is not supported")
            readers[name] = reader
    keys = [name for name in readers if schemes[name].get("scheme") == "bearer"]
    everywhere = all(set(requirement) & set(keys) for requirement in requirements)
    if len(keys) != 1 or not everywhere or keys[0] not in authenticate:
        raise ValueError(f"{info.operation_id}: needs exactly one bearer scheme with an authenticator")
    identity = {schemes[name]["name"].lower(): reader for name, reader in readers.items() if name != keys[0]}
    return Security(readers[keys[0]], identity, authenticate[keys[0]], info)
