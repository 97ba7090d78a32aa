"""The action log beside the ledger: what ended was asked for before, and ended once."""

from pathlib import Path

import msgspec

from payrail.cli.verification.book_lines import LineReader
from payrail.cli.verification.findings import Report

NAME = "audit/actions.jsonl"


class _Line(msgspec.Struct):
    id: str
    phase: str


_decode = msgspec.json.Decoder(_Line).decode


def judge_actions(data_dir: Path, report: Report) -> None:
    """Judge the order of its lines. That each can be read at all is judged with the other documents."""
    path = data_dir / NAME
    if not path.exists():
        return
    phases: dict[str, str] = {}
    for number, line in LineReader(path, path.stat().st_size).lines():
        try:
            action = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            report.find("action", NAME, number, f"the line is no action's: {error}")
            continue
        expected = {"requested": None, "finished": "requested"}.get(action.phase, action.phase)
        if phases.get(action.id) != expected:
            before = phases.get(action.id, "unknown")
            report.find("action", NAME, number, f"{action.id} is {action.phase} after it was {before}")
        phases[action.id] = action.phase
    for action_id, phase in phases.items():
        if phase == "requested":
            report.note(
                "open_action", NAME, None, f"{action_id} has no result: under way, or its process died"
            )
