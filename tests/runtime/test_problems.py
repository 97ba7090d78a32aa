"""Problems render as RFC 9457 has it, and the table maps errors by their nearest class."""

import orjson
import pytest
from toy_service import BoxLockedError, BoxLockedTwiceError, ToyError

from payrail.runtime.problems import ErrorTable, Problem

TABLE = ErrorTable({ToyError: (422, "Toy"), BoxLockedError: (409, "The box is locked")})


def test_problem_document_has_all_members() -> None:
    problem = Problem(
        422, "x_y", "Title", "Detail", errors=[{"pointer": "/a", "message": "b"}], extra={"more": 1}
    )
    assert orjson.loads(problem.content("a/b c")) == {
        "type": "/problems/x_y",
        "title": "Title",
        "status": 422,
        "detail": "Detail",
        "instance": "/requests/a%2Fb%20c",
        "code": "x_y",
        "correlation_id": "a/b c",
        "errors": [{"pointer": "/a", "message": "b"}],
        "more": 1,
    }


def test_extra_members_never_replace_the_standard_ones() -> None:
    assert Problem(400, "c", "T", extra={"status": 200}).document("x")["status"] == 400


def test_the_nearest_class_decides() -> None:
    problem = TABLE.problem_for(BoxLockedTwiceError("held by another"))
    assert problem is not None
    assert (problem.status, problem.code, problem.title) == (409, "box_locked", "The box is locked")
    assert (problem.detail, problem.headers, problem.extra) == (
        "held by another",
        {"Retry-After": "1"},
        {"processed": False},
    )


def test_the_text_of_an_error_is_never_shown() -> None:
    problem = TABLE.problem_for(ToyError("secret"))
    assert problem is not None
    assert b"secret" not in problem.content("x")


def test_an_error_outside_the_table_has_no_problem() -> None:
    assert TABLE.problem_for(KeyError("x")) is None


def test_a_problem_is_its_own_answer() -> None:
    problem = Problem(404, "not_found", "T")
    assert TABLE.problem_for(problem) is problem


def test_a_mapped_error_without_a_code_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match="no stable code"):
        ErrorTable({KeyError: (404, "T")}).problem_for(KeyError("x"))


@pytest.mark.parametrize("status", [200, 399, 600])
def test_a_table_refuses_a_status_that_is_no_error(status: int) -> None:
    with pytest.raises(ValueError, match="no problem"):
        ErrorTable({KeyError: (status, "T")})
