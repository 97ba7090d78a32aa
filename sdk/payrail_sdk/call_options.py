"""How a single call is made, where it differs from the client's other calls."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

from ._settings import Settings, extra_headers, max_retries, timeout_s


class CallOptions(TypedDict, total=False):
    """What every method takes besides its own arguments. What is left out, or None, is as the client has it."""

    correlation_id: str | None
    """Ties together all that the call causes, 1 to 128 visible ASCII characters; a new one when left out."""
    timeout_s: float | None
    """Seconds to wait for each piece of an answer; a day at most."""
    max_retries: int | None
    """Further tries after the first, for failures that may pass; 0 for none."""
    extra_headers: Mapping[str, str] | None
    """Headers to send besides, such as `traceparent`. The SDK's own cannot be replaced."""


def call_settings(client: Settings, options: CallOptions) -> Settings:
    """The client's settings with a call's options in their place. Raises ValueError for what cannot work, and TypeError
    for what is no option: a misspelt one would be passed over without a word."""
    if unknown := options.keys() - CallOptions.__optional_keys__:
        raise TypeError(f"unexpected keyword argument {min(unknown)!r}")
    changes: dict[str, Any] = {}
    wanted_s, retries = options.get("timeout_s"), options.get("max_retries")
    if wanted_s is not None:
        changes["timeout_s"] = timeout_s(wanted_s)
    if retries is not None:
        changes["retry"] = replace(client.retry, retries_max=max_retries(retries))
    if headers := options.get("extra_headers"):
        changes["headers"] = extra_headers(headers) | client.headers
    return replace(client, **changes) if changes else client


def options_of(arguments: Mapping[str, Any]) -> tuple[CallOptions, dict[str, Any]]:
    """The call's options, and what else was given by name; for methods that take filters by name as well."""
    options = CallOptions()
    rest: dict[str, Any] = {}
    for name, value in arguments.items():
        (options if name in CallOptions.__optional_keys__ else rest)[name] = value  # type: ignore[literal-required]
    return options, rest
