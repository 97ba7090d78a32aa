"""One webhook, sent once: over httpx, without following redirects, within a time, to a permitted address."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import httpcore
import httpx
from msgspec import Struct

from payrail.ledger_jobs.outbox.addresses import AddressRefused, CheckedAddresses
from payrail.ledger_jobs.outbox.retries import retry_after_s

Error = Literal["status", "redirect", "timeout", "connection_failed", "connection_broken", "address_refused"]
_ANSWER_BYTES_MAX = 1 << 16
_DRAIN_S_MAX = 0.5
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=15.0)


class Attempt(Struct, frozen=True):
    """One time that a webhook was sent. `error` is none where it was taken; `at` is the stack's time."""

    at: str
    status: int | None
    error: Error | None
    duration_ms: int


class Answered(Struct, frozen=True):
    """What came back, and for how long the receiver wants to be left alone, if it said so."""

    status: int | None
    error: Error | None
    duration_ms: int
    retry_after_s: float | None = None


class Sender:
    """Posts webhooks. Close it in the event loop that it was used in."""

    def __init__(self, timeout_s: float, *, public_only: bool) -> None:
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            transport=_Transport(public_only=public_only),
            follow_redirects=False,
            trust_env=False,
            timeout=timeout_s,
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """Send it once and tell what came of it. Raises nothing for what the network or the receiver does."""
        started_s = time.monotonic()
        status: int | None = None
        error: Error | None = None
        wanted_s: float | None = None
        try:
            _ = urlsplit(url).port  # A port that is none fails here, not after the name was looked up.
            async with asyncio.timeout(self._timeout_s):
                status, wanted_s = await self._exchange(url, headers, body)
            error = _error_of(status)
        except (TimeoutError, httpx.TimeoutException):
            error = "timeout"
        except AddressRefused:
            error = "address_refused"
        except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError):
            error = "connection_failed"
        except (httpx.HTTPError, httpx.StreamError, OSError):
            error = "connection_broken"
        duration_ms = round((time.monotonic() - started_s) * 1000)
        return Answered(
            status if error in (None, "status", "redirect") else None, error, duration_ms, wanted_s
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, float | None]:
        async with self._client.stream("POST", url, content=body, headers=dict(headers)) as response:
            await _drain(response)
            return response.status_code, retry_after_s(
                response.status_code, response.headers, datetime.now(UTC)
            )


async def _drain(response: httpx.Response) -> None:
    """Read a short answer to its end, so that the connection can be used again. Its status stands whatever follows."""
    length = 0
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_DRAIN_S_MAX):
            async for piece in response.aiter_raw():
                length += len(piece)
                if length > _ANSWER_BYTES_MAX:
                    return


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport over a pool that connects to addresses it has checked; names stay in TLS and in `Host`."""

    def __init__(self, *, public_only: bool) -> None:
        super().__init__(limits=_LIMITS, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=None,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=CheckedAddresses(httpcore.AnyIOBackend(), public_only=public_only),
        )


def _error_of(status: int) -> Error | None:
    match status // 100:
        case 2:
            return None
        case 3:
            return "redirect"
        case _:
            return "status"
