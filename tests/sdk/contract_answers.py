"""Answers as the gateway's contract shows them."""

import json
from importlib.resources import files
from typing import Any

CONTRACT: dict[str, Any] = json.loads(files("payrail.contracts").joinpath("gateway.json").read_bytes())


def example(path: str, method: str, status: str, name: str) -> Any:
    """A copy of one example in the contract."""
    content = CONTRACT["paths"][path][method]["responses"][status]["content"]["application/json"]
    return json.loads(json.dumps(_resolved(content["examples"][name])["value"]))


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = CONTRACT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def created() -> Any:
    responses = CONTRACT["paths"]["/payments"]["post"]["responses"]["201"]
    return example(
        "/payments", "post", "201", next(iter(responses["content"]["application/json"]["examples"]))
    )


def unknown() -> Any:
    return example("/payments/{payment_id}/authorize", "post", "202", "unknown")
