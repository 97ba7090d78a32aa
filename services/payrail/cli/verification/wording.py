"""Whether a line says what its entry says and nothing else: what reading skips, a fold never sees.

A chain that was made anew may carry members that PayRail does not know, one of them twice, or the same in other words.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from payrail.ledger.entry import Entry, line_of


def unlike_its_entry(line: bytes, entry: Entry) -> str | None:
    """What the line says beyond the entry that was read from it; none where it is the line that PayRail writes."""
    written = line_of(entry)
    if line == written:
        return None
    surplus = [*_surplus(msgspec.json.decode(line), msgspec.json.decode(written), "")]
    if surplus:
        return f"members that no such entry has: {', '.join(surplus)}"
    return "it is not written as PayRail writes what it says"


def _surplus(found: Any, known: Any, path: str) -> Iterator[str]:
    """The paths of the members that only `found` has."""
    if isinstance(found, dict) and isinstance(known, dict):
        for name, value in found.items():
            inner = f"{path}.{name}" if path else name
            if name in known:
                yield from _surplus(value, known[name], inner)
            else:
                yield inner
    elif isinstance(found, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(found, known, strict=False)):
            yield from _surplus(one, other, f"{path}[{number}]")
