"""When to try again, and after how long. Pure: no clock, no sleep, no randomness."""

from dataclasses import dataclass

from .errors import (
    ApiError,
    ConnectionFailed,
    IdempotencyInProgress,
    PayRailError,
    RateLimited,
    ServiceUnavailable,
    TimedOut,
)

#: What another try may change. All else would come out the same, or is for the caller to decide.
_TRANSIENT = (ConnectionFailed, TimedOut, IdempotencyInProgress, RateLimited, ServiceUnavailable)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how patiently."""

    retries_max: int
    """Further tries after the first."""
    backoff_first_s: float = 0.5
    """The longest wait before the first retry; it doubles with each."""
    backoff_max_s: float = 8.0
    """The longest wait unless the server asks for a longer one."""
    waits_total_max_s: float = 60.0
    """All waits of one call together. A server that asks for more is not waited for."""


def wait_before_retry_s(
    policy: RetryPolicy, error: PayRailError, *, retries: int, waited_s: float, jitter: float
) -> float | None:
    """How long to wait before the next try, or None to give up and raise `error`.

    `retries` and `waited_s` say what the call has spent so far. `jitter`, from 0 to 1, takes its part of an
    exponentially growing wait ("full jitter"), so that many callers do not come back at once. `Retry-After` is
    a lower bound: never earlier.
    """
    if not isinstance(error, _TRANSIENT) or retries >= policy.retries_max:
        return None
    # Bounded before it is raised to a power: a float overflows at 2 ** 1024.
    doublings = min(retries, 32)
    wait_s = jitter * min(policy.backoff_max_s, policy.backoff_first_s * 2.0**doublings)
    if isinstance(error, ApiError) and error.retry_after_s is not None:
        wait_s = max(wait_s, error.retry_after_s)
    return wait_s if waited_s + wait_s <= policy.waits_total_max_s else None
