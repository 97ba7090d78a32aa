"""Both clients offer the same, and every operation of the contract has its method, its raw twin and its options."""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from contract_answers import CONTRACT

import payrail_sdk
from payrail_sdk import AsyncListing, AsyncPayRail, CallOptions, Listing, PayRail

#: What the providers themselves call.
NOT_FOR_MERCHANTS = {"receive_provider_webhook"}
#: What is no operation of the gateway.
LOCAL = {"webhooks.verify", "close", "aclose"}

SYNC, ASYNC = PayRail("sk_test"), AsyncPayRail("sk_test")


def methods(client: Any) -> dict[str, Callable[..., Any]]:
    """Every public method of a client by its path, such as `payments.create`."""
    found = {}
    for name in public(client):
        member = getattr(client, name)
        if callable(member):
            found[name] = member
        elif name != "with_raw_response":
            found |= {f"{name}.{each}": getattr(member, each) for each in public(member)}
    return {path: method for path, method in found.items() if not path.endswith("with_raw_response")}


def public(thing: Any) -> Iterator[str]:
    return (name for name in dir(thing) if not name.startswith("_"))


def operations(client: Any) -> dict[str, Callable[..., Any]]:
    return {path: method for path, method in methods(client).items() if path not in LOCAL}


def raw_twin(client: Any, path: str) -> Callable[..., Any]:
    *resource, name = path.split(".")
    owner = getattr(client, resource[0]) if resource else client
    return getattr(owner.with_raw_response, name)  # type: ignore[no-any-return]


PATHS = sorted(operations(SYNC))
each_operation = pytest.mark.parametrize("path", PATHS)


def test_clients_have_the_same_methods() -> None:
    assert set(operations(ASYNC)) == set(operations(SYNC))


@each_operation
def test_both_take_the_same(path: str) -> None:
    blocking, awaited = operations(SYNC)[path], operations(ASYNC)[path]
    assert signature_of(blocking) == signature_of(awaited)


def signature_of(method: Callable[..., Any]) -> list[tuple[str, object, object, object]]:
    hints = get_type_hints(method)
    parameters = inspect.signature(method).parameters.values()
    return [(each.name, each.kind, each.default, hints[each.name]) for each in parameters]


@each_operation
def test_both_return_the_same(path: str) -> None:
    blocking, awaited = operations(SYNC)[path], operations(ASYNC)[path]
    returned, later = get_type_hints(blocking)["return"], get_type_hints(awaited)["return"]
    if getattr(returned, "__origin__", None) is Listing:
        assert later.__origin__ is AsyncListing
        assert later.__args__ == returned.__args__
        assert not inspect.iscoroutinefunction(awaited)
    else:
        assert later == returned
        assert inspect.iscoroutinefunction(awaited)


@each_operation
def test_every_operation_takes_call_options_and_a_change_its_key(path: str) -> None:
    method = operations(SYNC)[path]
    last = list(inspect.signature(method).parameters.values())[-1]
    assert last.kind is inspect.Parameter.VAR_KEYWORD
    taken = get_type_hints(last.annotation.__args__[0])
    assert get_type_hints(CallOptions).items() <= taken.items()


@each_operation
def test_every_operation_has_a_raw_twin(path: str) -> None:
    for client in (SYNC, ASYNC):
        assert callable(raw_twin(client, path))


@each_operation
def test_what_a_method_returns_has_a_public_name(path: str) -> None:
    """So that a user can write it into a signature."""
    returned = classes_in(get_type_hints(operations(SYNC)[path])["return"])
    ours = {kind.__name__ for kind in returned if kind.__module__.startswith("payrail_sdk")}
    assert ours <= set(payrail_sdk.__all__)


def classes_in(hint: Any) -> Iterator[type]:
    if isinstance(origin := get_origin(hint) or hint, type):
        yield origin
    for argument in get_args(hint):
        yield from classes_in(argument)


@each_operation
def test_every_method_says_what_it_does(path: str) -> None:
    for client in (SYNC, ASYNC):
        assert inspect.getdoc(operations(client)[path])


def test_raw_twins_have_nothing_besides() -> None:
    for client in (SYNC, ASYNC):
        for name in public(client):
            resource = getattr(client, name)
            twin = getattr(resource, "with_raw_response", None)
            for each in public(twin) if twin is not None else ():
                assert f"{name}.{each}" in operations(client)


def test_every_operation_of_the_contract_has_a_hand_written_method() -> None:
    """By the generated function that the method calls, in both clients. Whether the request that it makes is the
    contract's, `test_every_operation_of_the_contract_can_be_reached` tells."""
    wanted = {
        operation["operationId"]
        for item in CONTRACT["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    } - NOT_FOR_MERCHANTS
    folder = Path(payrail_sdk.__file__).parent
    sources = [path.read_text() for path in sorted(folder.glob("*.py"))]
    for suffix in ("sync", "asyncio"):
        called = {name for text in sources for name in re.findall(rf"(\w+)\.{suffix}_detailed\(", text)}
        assert called == wanted, f"{suffix}: {sorted(called ^ wanted)}"
