"""Lists page by themselves."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from contract_answers import created
from misbehaving_server import Script, answer, problem
from sdk_callers import Caller

from payrail_sdk import NotFound


def page(ids: list[str], next_cursor: str | None) -> Any:
    return answer(200, {"data": [created() | {"id": name} for name in ids], "next_cursor": next_cursor})


def queries(server: Script) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(request.path).query) for request in server.received]


def test_iteration_goes_through_all_pages_in_order(caller: Caller, server: Script) -> None:
    server.then(page(["a", "b"], "c2"), page([], "c3"), page(["c"], None))
    assert [payment.id for payment in caller.items(lambda client: client.payments.list())] == ["a", "b", "c"]
    assert [query.get("cursor") for query in queries(server)] == [None, ["c2"], ["c3"]]


def test_nothing_is_requested_before_iteration_and_each_iteration_begins_anew(
    caller: Caller, server: Script
) -> None:
    listing = caller.client.payments.list()
    assert server.received == []
    server.then(page(["a"], None), page(["b", "a"], None))
    assert len(caller.items(lambda _: listing)) == 1
    assert len(caller.items(lambda _: listing)) == 2


def test_pages_show_their_cursors_and_the_first_can_be_had_alone(caller: Caller, server: Script) -> None:
    server.then(page(["a"], "c2"), page(["b"], None), page(["a"], "c2"))
    pages = caller.items(lambda client: client.payments.list(limit=1).pages())
    assert [(len(one.data), one.next_cursor) for one in pages] == [(1, "c2"), (1, None)]
    assert caller(lambda client: client.payments.list(limit=1).first_page()).next_cursor == "c2"
    assert len(server.received) == 3


def test_filters_go_with_every_page(caller: Caller, server: Script) -> None:
    server.then(page(["a"], "c2"), page(["b"], None))
    since = datetime(2026, 3, 1, tzinfo=UTC)
    caller.items(
        lambda client: client.payments.list(
            state=["AUTHORIZED", "CAPTURED"], currency="EUR", created_from=since, q="two & more", limit=5
        )
    )
    first, second = queries(server)
    assert second.pop("cursor") == ["c2"]
    assert first == second
    assert first == {
        "state": ["AUTHORIZED", "CAPTURED"],
        "currency": ["EUR"],
        "created_from": ["2026-03-01T00:00:00+00:00"],
        "q": ["two & more"],
        "limit": ["5"],
    }


def test_one_state_needs_no_list_and_none_is_no_filter(caller: Caller, server: Script) -> None:
    server.then(page([], None))
    caller.items(lambda client: client.payments.list(state="UNKNOWN", provider=None, cursor="c9"))
    assert queries(server) == [{"state": ["UNKNOWN"], "cursor": ["c9"]}]


def test_time_without_a_zone_is_refused(caller: Caller, server: Script) -> None:
    with pytest.raises(ValueError, match="created_to needs a time zone"):
        caller.client.payments.list(created_to=datetime(2026, 3, 1))  # noqa: DTZ001 - what is refused
    assert server.received == []


def test_unknown_filter_is_refused(caller: Caller) -> None:
    with pytest.raises(TypeError, match="colour"):
        caller.items(lambda client: client.payments.list(colour="red"))


def test_a_page_is_tried_again_like_any_request(caller: Caller, server: Script) -> None:
    server.then(page(["a"], "c2"), problem(503, "ledger_unavailable"), page(["b"], None))
    assert len(caller.items(lambda client: client.payments.list())) == 2


def test_error_on_a_later_page_is_raised_there(caller: Caller, server: Script) -> None:
    server.then(
        answer(200, {"data": [], "next_cursor": "c2"}),
        problem(404, "payment_not_found"),
    )
    with pytest.raises(NotFound):
        caller.items(lambda client: client.payments.ledger("pay_1"))
    assert [request.path.split("?")[0] for request in server.received] == ["/payments/pay_1/ledger"] * 2
