"""The problems that a contract app itself answers with."""

import re

from payrail.runtime.problems import Problem

_SPEAKABLE = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}")


def speakable(name: str) -> bool:
    """Whether a name that a client made up may be shown: letters only, so that it can hold neither number nor
    key."""
    return _SPEAKABLE.fullmatch(name) is not None


def malformed_request() -> Problem:
    return Problem(400, "malformed_request", "The request is not HTTP/1.1", "The server could not read it.")


def not_found() -> Problem:
    return Problem(404, "not_found", "There is nothing here", "No resource answers at this path.")


def method_not_allowed(allow: str) -> Problem:
    return Problem(
        405,
        "method_not_allowed",
        "The method is not allowed here",
        f"Allowed: {allow}.",
        headers={"Allow": allow},
    )


def unauthorized(detail: str = "Send a valid key as a bearer token.") -> Problem:
    return Problem(
        401,
        "unauthorized",
        "The key is missing or unknown",
        detail,
        headers={"WWW-Authenticate": "Bearer"},
    )


def payload_too_large(limit: int) -> Problem:
    return Problem(
        413, "payload_too_large", "The body is too large", f"A body may have {limit} bytes at most."
    )


def unsupported_media_type(accepted: str) -> Problem:
    return Problem(415, "unsupported_media_type", "The media type is not supported", f"Send {accepted}.")


def unsupported_content_coding() -> Problem:
    """A body that is compressed, say (RFC 9110, 8.4)."""
    return Problem(
        415,
        "unsupported_media_type",
        "The media type is not supported",
        "Send the body as it is, without a Content-Encoding.",
    )


def invalid_encoding(where: str) -> Problem:
    return Problem(
        400,
        "invalid_encoding",
        "The request is not valid Unicode text",
        f"{where} is not valid UTF-8 or holds NUL.",
    )


def malformed_json(detail: str) -> Problem:
    return Problem(400, "malformed_json", "The body is not JSON", detail)


def too_deep(limit: int) -> Problem:
    return Problem(
        400, "too_deep", "The body is nested too deeply", f"JSON may be nested {limit} levels deep at most."
    )


def invalid_parameter(kind: str, name: str, message: str) -> Problem:
    return Problem(
        400,
        "invalid_parameter",
        "A parameter is not valid",
        f"{kind} parameter {name} {message}.",
        errors=[{"pointer": name, "message": message}],
    )


def unknown_parameter(name: str) -> Problem:
    shown = f" {name}" if speakable(name) else ""
    return Problem(
        400,
        "unknown_parameter",
        "A query parameter is not known",
        f"This operation has no such query parameter{shown and ':'}{shown}.",
        errors=[{"pointer": name, "message": "is not known"}] if shown else None,
    )


def invalid_header(name: str, message: str, code: str = "invalid_header") -> Problem:
    return Problem(
        400,
        code,
        "A header is not valid" if code == "invalid_header" else "A header is missing",
        f"Header {name} {message}.",
        errors=[{"pointer": name, "message": message}],
    )


def validation_failed(errors: list[dict[str, str]]) -> Problem:
    count = "One field is" if len(errors) == 1 else f"{len(errors)} fields are"
    return Problem(
        422, "validation_failed", "The request body is not valid", f"{count} not valid.", errors=errors
    )


def sensitive_data(where: str, pointer: str) -> Problem:
    return Problem(
        422,
        "sensitive_data",
        "A card number stands where none may",
        f"{where} holds a card number; nothing was kept of it.",
        errors=[{"pointer": pointer, "message": "holds a card number"}],
    )
