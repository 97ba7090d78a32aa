"""The action log: what ended was asked for before, and ended once."""

from pathlib import Path

import pytest

from payrail.cli.verification import Report, verify_data_dir

ASKED = b'{"phase":"requested","id":"act_1"}\n'
ENDED = b'{"phase":"finished","id":"act_1"}\n'


def _verified(data_dir: Path, content: bytes) -> Report:
    (data_dir / "audit").mkdir()
    (data_dir / "audit" / "actions.jsonl").write_bytes(content)
    return verify_data_dir(data_dir)


def test_an_action_that_was_asked_for_and_ended_is_sound(tmp_path: Path) -> None:
    report = _verified(tmp_path, ASKED + ENDED)
    assert (report.findings, report.notes) == ([], [])


def test_one_without_a_result_is_a_note(tmp_path: Path) -> None:
    report = _verified(tmp_path, ASKED)
    assert report.sound
    assert [note.kind for note in report.notes] == ["open_action"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (ENDED, 1),
        (ASKED + ENDED + ENDED, 3),
        (ASKED + ASKED + ENDED, 2),
        (ASKED + ENDED + b'{"phase":"begun","id":"act_1"}\n', 3),
        (ASKED + b'{"id":"act_1"}\n' + ENDED, 2),
    ],
)
def test_anything_else_is_found_and_named(tmp_path: Path, content: bytes, line: int) -> None:
    report = _verified(tmp_path, content)
    assert [(finding.check, finding.line) for finding in report.findings] == [("action", line)]
