"""Documented answers that no test brings about, each with the reason why none can or need not."""

from seen_answers import Seen

#: By service, operation, status and code; a star stands for any.
UNSEEN: dict[tuple[str, str, str, str], str] = {}


def reason_for(answer: Seen) -> str | None:
    """Why nobody has seen it, if that is argued."""
    names = (answer.service, answer.operation, str(answer.status), str(answer.code))
    for pattern, reason in UNSEEN.items():
        if all(part in ("*", name) for part, name in zip(pattern, names, strict=True)):
            return reason
    return None
