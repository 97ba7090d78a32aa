"""The contract as Swagger UI should read it, so that *Execute* sends a request that works as it is filled in.

- Swagger UI shows no example that is a reference, and makes a body of every field instead: examples are drawn in.
- It fills in each parameter that has an example. Filters that were all set at once would find nothing, and a made-up
  cursor is refused: parameters that may be left out start empty.
- It does not show who may use an operation, or after everything else: that is added to the description.
- Its *Authorize* scrolls to the last scheme and has the caret there, where a key is pasted without a look at its name:
  the key comes last, headers that may be left out before it.
"""

from typing import Any

_REFERENCE = "$ref"
_WHO_MAY = ("x-required-role", "x-callers")
_HTTP_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


#: How the page refers to what lies beside it.
_BESIDE = ('"./', 'url: "', 'configUrl: "')


def one_level_up(page: bytes, folder: str) -> bytes:
    """The page as it works beside the folder that it lies in: what it loads from there is named with the folder."""
    text = page.decode()
    for opening in _BESIDE:
        text = text.replace(opening, f"{opening.removesuffix('./')}{folder}/")
    return text.encode()


def view(contract: dict[str, Any]) -> dict[str, Any]:
    """The contract, changed where Swagger UI needs it; nothing of the given one is changed."""
    components = contract.get("components", {})
    parameters = components.get("parameters", {})
    drawn_in: dict[str, Any] = _with_examples(contract, components.get("examples", {}))
    for item in drawn_in["paths"].values():
        operations = [item[method] for method in _HTTP_METHODS if method in item]
        for operation in operations:
            operation["description"] = "\n\n".join([operation.get("description", ""), *_who_may(operation)])
        for owner in [item, *operations]:
            if "parameters" in owner:
                owner["parameters"] = [
                    _start_empty(_resolved(each, "parameters", parameters), components.get("schemas", {}))
                    for each in owner["parameters"]
                ]
    if "securitySchemes" in components:
        schemes = components["securitySchemes"].items()
        keys_last = sorted(schemes, key=lambda scheme: bool(scheme[1]["type"] == "http"))
        drawn_in["components"]["securitySchemes"] = dict(keys_last)
    return drawn_in


def _who_may(operation: dict[str, Any]) -> list[str]:
    """Who may use an operation, in words for its description."""
    said = {name: operation[name] for name in _WHO_MAY if name in operation}
    return [
        f"`{name}`: {', '.join(value) if isinstance(value, list) else value}" for name, value in said.items()
    ]


def _with_examples(node: Any, examples: dict[str, Any]) -> Any:
    """A copy in which every example stands where it is referred to."""
    if isinstance(node, list):
        return [_with_examples(each, examples) for each in node]
    if not isinstance(node, dict):
        return node
    copied = {name: _with_examples(each, examples) for name, each in node.items()}
    return _resolved(copied, "examples", examples)


def _start_empty(parameter: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    if parameter.get("required"):
        return parameter
    kept = {name: value for name, value in parameter.items() if name not in ("example", "examples")}
    if "schema" not in kept:
        return kept
    schema = _resolved(kept["schema"], "schemas", schemas)
    return kept | {"schema": {name: value for name, value in schema.items() if name != "example"}}


def _resolved(node: dict[str, Any], kind: str, named: dict[str, Any]) -> dict[str, Any]:
    """What a reference to `#/components/<kind>/…` stands for; all else as it is."""
    prefix = f"#/components/{kind}/"
    reference = node.get(_REFERENCE)
    if isinstance(reference, str) and reference.startswith(prefix):
        found: dict[str, Any] = named[reference.removeprefix(prefix)]
        return found
    return node
