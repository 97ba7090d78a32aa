"""What a client is set up with, checked once."""

import os
import platform
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal
from urllib.parse import urlsplit

from ._retry import RetryPolicy

API_KEY_VARIABLE = "PAYRAIL_API_KEY"
BASE_URL_VARIABLE = "PAYRAIL_BASE_URL"
DEFAULT_BASE_URL = "http://127.0.0.1:8026"

CONNECT_TIMEOUT_MAX_S = 5.0
#: A day. The system's own limits, which would raise an error of theirs at the first request, lie beyond.
TIMEOUT_MAX_S = 86_400.0

_KEY_LENGTH_MAX = 255
_CORRELATION_ID_LENGTH_MAX = 128
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"[!-~](?:[ !-~]*[!-~])?")
_OWN_HEADERS = frozenset(
    {
        "accept",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "transfer-encoding",
        "user-agent",
        "x-correlation-id",
        "x-merchant-id",
        "x-role",
        "x-user-id",
    }
)
_ONLY_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")

Role = Literal["viewer", "operator", "approver", "admin"]


@dataclass(frozen=True, slots=True)
class Identity:
    """For whom a call is made. Only the console's key may say so; with a merchant's key it must not differ from the
    key's own."""

    merchant_id: str
    role: Role
    user_id: str

    def headers(self) -> dict[str, str]:
        """The identity as it goes over the wire."""
        return {"X-Merchant-Id": self.merchant_id, "X-Role": self.role, "X-User-Id": self.user_id}


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """Where requests go and what each carries. It holds the key, hence no repr."""

    base_url: str
    headers: dict[str, str]
    timeout_s: float
    retry: RetryPolicy


def settings(
    api_key: str | None,
    base_url: str | None,
    *,
    wait_s: float,
    retries: int,
    identity: Identity | None,
) -> Settings:
    """The settings, with what is not given taken from the environment. Raises ValueError for what cannot work."""
    key = api_key or os.environ.get(API_KEY_VARIABLE)
    if not key:
        raise ValueError(f"An API key is needed: pass api_key, or set {API_KEY_VARIABLE}")
    headers = {
        "Authorization": f"Bearer {_visible('api_key', key)}",
        "Accept": "application/json, application/problem+json",
        "User-Agent": f"payrail-sdk/{version('payrail-sdk')} python/{platform.python_version()}",
    }
    if identity is not None:
        headers |= {name: _visible(name, value) for name, value in identity.headers().items()}
    return Settings(
        _checked_url(base_url or os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL),
        headers,
        timeout_s(wait_s),
        RetryPolicy(max_retries(retries)),
    )


def timeout_s(given: float) -> float:
    """The time-out, if it is one. Raises ValueError."""
    if not 0 < given <= TIMEOUT_MAX_S:
        raise ValueError(f"timeout_s must be more than 0, and at most {TIMEOUT_MAX_S:.0f}")
    return given


def max_retries(given: int) -> int:
    """The number of further tries, if it is one. Raises ValueError."""
    if given < 0:
        raise ValueError("max_retries must not be negative")
    return given


def extra_headers(given: Mapping[str, str]) -> dict[str, str]:
    """Headers of the caller's. Raises ValueError for what cannot be sent, and for those that the SDK sends itself: a
    key, an identity or an idempotency key in another place than their own would escape every check."""
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(
                "extra_headers must be header names, and values of visible ASCII characters and spaces"
            )
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"extra_headers must not have {name}: the SDK sends it itself")
    return dict(given)


def idempotency_key(given: str | None) -> str:
    """The key to send: the caller's, or a new one of 128 random bits. Raises ValueError for one that cannot be sent."""
    return _name() if given is None else _visible("idempotency_key", given, _KEY_LENGTH_MAX)


def correlation_id(given: str | None) -> str:
    """The correlation id to send, in the same way."""
    return _name() if given is None else _visible("correlation_id", given, _CORRELATION_ID_LENGTH_MAX)


def _name() -> str:
    """128 random bits in letters. Digits among hexadecimal ones pass for a card number once in some 500 names, and
    PayRail refuses card numbers in every place but one."""
    return secrets.token_hex(16).translate(_ONLY_LETTERS)


def _visible(name: str, value: str, length_max: int | None = None) -> str:
    """`value`, if it can be a header's. The message does not repeat it: it may be a secret."""
    if not value or not all("!" <= character <= "~" for character in value):
        raise ValueError(f"{name} must be visible ASCII characters, one at least")
    if length_max is not None and len(value) > length_max:
        raise ValueError(f"{name} must have at most {length_max} characters")
    return value


def _checked_url(base_url: str) -> str:
    parts = urlsplit(base_url)
    # Read for its check alone: what is no port raises a ValueError.
    _ = parts.port
    if any(character.isspace() or not character.isprintable() for character in base_url):
        raise ValueError("base_url must have no spaces and no invisible characters")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an http or https URL with a host")
    if parts.username is not None or parts.query or parts.fragment:
        # Credentials in a URL would take the key's place in the Authorization header.
        raise ValueError("base_url must have no credentials, query or fragment")
    return base_url.rstrip("/")
