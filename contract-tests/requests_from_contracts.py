"""Requests made from a contract's own examples: the nearest thing to a good request that knows nothing of a service."""

import re
from typing import Any

import httpx
from bundles import Operation, examples

from payrail.runtime.settings import Settings

IDENTITY = {"X-Merchant-Id": "m_demo", "X-Role": "admin", "X-User-Id": "ann"}


def headers_of(operation: Operation) -> dict[str, str]:
    """The headers that the operation requires, with the values that it shows."""
    shown = [p for p in operation.parameters if p["in"] == "header" and p.get("required")]
    return {parameter["name"]: str(parameter["example"]) for parameter in shown}


def url_of(operation: Operation) -> str:
    """The path with the ids that the contract shows, and the query that it requires."""
    shown = {parameter["name"]: parameter["example"] for parameter in operation.parameters}
    path = re.sub(r"\{(\w+)\}", lambda name: str(shown[name[1]]), operation.path)
    required = {
        p["name"]: p["example"] for p in operation.parameters if p["in"] == "query" and p.get("required")
    }
    return str(httpx.URL(path, params=required)) if required else path


def body_of(operation: Operation) -> Any:
    """The first body that the operation shows; None if it takes none."""
    return next(iter(examples(operation.body).values())) if operation.body else None


def keys_for(settings: Settings, operation: Operation) -> dict[str, str]:
    """What an allowed caller is known by."""
    if "security" in operation.definition:
        return {}
    if operation.service == "gateway":
        return {"Authorization": f"Bearer {settings.console_api_key}", **IDENTITY}
    callers = operation.definition["x-callers"]
    return {"Authorization": f"Bearer {getattr(settings, f'internal_api_key_{callers[0]}')}"}
