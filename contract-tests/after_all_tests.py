"""After all tests: was every operation answered well, and every documented status and code ever seen?

`make test` runs this file last, on what `tests/seen_answers.py` kept of all processes. What is missing is brought
about by a new test, or argued in `unseen_answers.py`, or has no place in the contract.
"""

import os
from pathlib import Path

import bundles
import pytest
from bundles import PROBLEM_JSON, Operation
from unseen_answers import reason_for

from seen_answers import Seen, read

OPERATIONS = bundles.operations()
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.fixture(scope="module")
def seen() -> set[Seen]:
    assert "PAYRAIL_SEEN" in os.environ, "run `make test`: this looks at what the whole suite has seen"
    answers = read(Path(os.environ["PAYRAIL_SEEN"]))
    assert answers, "no test has noted an answer"
    return answers


def documented(operation: Operation) -> set[Seen]:
    """Every answer that the contract gives the operation: good ones by status, problems by status and code."""
    found = set()
    for status, answer in operation.definition["responses"].items():
        media = answer["content"].get(PROBLEM_JSON)
        codes = media["schema"]["allOf"][1]["properties"]["code"]["enum"] if media else [None]
        found |= {Seen(operation.service, operation.name, int(status), code) for code in codes}
    return found


@each_operation
def test_operation_has_succeeded(operation: Operation, seen: set[Seen]) -> None:
    statuses = {s.status for s in seen if (s.service, s.operation) == (operation.service, operation.name)}
    assert any(status // 100 == 2 for status in statuses), statuses


@each_operation
def test_every_documented_answer_was_seen_or_is_argued(operation: Operation, seen: set[Seen]) -> None:
    unseen = documented(operation) - seen
    assert sorted(answer for answer in unseen if not reason_for(answer)) == []


@each_operation
def test_no_argued_answer_was_seen_after_all(operation: Operation, seen: set[Seen]) -> None:
    """An argument that a test has refuted must go."""
    assert sorted(answer for answer in documented(operation) & seen if reason_for(answer)) == []


@each_operation
def test_every_answer_that_was_seen_is_documented(operation: Operation, seen: set[Seen]) -> None:
    """But those that no operation gives: of the app around them, where the client goes away."""
    answers = {s for s in seen if (s.service, s.operation) == (operation.service, operation.name)}
    assert {s for s in answers - documented(operation) if s.code != "client_gone"} == set()
