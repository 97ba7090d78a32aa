"""A contract that changes says so in its version, and says more when callers of the last released one would break."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import bundles
import pytest

from node_tools import NODE_MAJOR_MIN, node_major

OPENAPI = bundles.ROOT / "openapi"
RELEASED = OPENAPI / "released"  # `make release-contracts` writes them.

pytestmark = pytest.mark.skipif(node_major() < NODE_MAJOR_MIN, reason="the comparison needs Node")
Version = tuple[int, int, int]


def changes(before: Path, after: Path) -> list[dict[str, Any]]:
    """Every change of an operation, as `openapi/changes.mjs` tells it."""
    command = ["node", str(OPENAPI / "changes.mjs"), str(before), str(after)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def version_of(contract: dict[str, Any]) -> Version:
    major, minor, patch = (int(part) for part in contract["info"]["version"].split("."))
    return major, minor, patch


def lowest_version(released: Version, found: list[dict[str, Any]]) -> Version:
    """What the version must be at least. As Semantic Versioning has it; before 1.0.0 a minor version may break."""
    major, minor, patch = released
    if any(change["breaking"] for change in found):
        return (major + 1, 0, 0) if major else (0, minor + 1, 0)
    if found:
        return (major, minor + 1, 0) if major else (0, minor, patch + 1)
    return released


@pytest.mark.parametrize("service", bundles.SERVICES)
def test_version_says_what_has_changed_since_the_last_release(service: str) -> None:
    released = RELEASED / f"{service}.json"
    found = changes(released, bundles.CONTRACTS / f"{service}.json")
    lowest = lowest_version(version_of(json.loads(released.read_text())), found)
    breaking = [change for change in found if change["breaking"]]
    assert version_of(bundles.raw(service)) >= lowest, breaking or found


def drop_operation(contract: dict[str, Any]) -> None:
    del contract["paths"]["/summary"]


def drop_field_of_answer(contract: dict[str, Any]) -> None:
    payment = contract["components"]["schemas"]["Payment"]
    del payment["properties"]["country"]
    payment["required"].remove("country")


def demand_field_of_request(contract: dict[str, Any]) -> None:
    contract["components"]["schemas"]["RequestRefundRequest"]["required"].append("amount")


def demand_parameter(contract: dict[str, Any]) -> None:
    contract["components"]["parameters"]["CorrelationIdParameter"]["required"] = True


def drop_value_of_request(contract: dict[str, Any]) -> None:
    contract["components"]["schemas"]["FailureMode"]["enum"].remove("latency")


@pytest.mark.parametrize(
    "break_callers",
    [
        drop_operation,
        drop_field_of_answer,
        demand_field_of_request,
        demand_parameter,
        drop_value_of_request,
    ],
)
def test_what_breaks_callers_is_noticed(break_callers: Any, tmp_path: Path) -> None:
    before = bundles.raw("gateway")
    after = copy.deepcopy(before)
    break_callers(after)
    (tmp_path / "before.json").write_text(json.dumps(before))
    (tmp_path / "after.json").write_text(json.dumps(after))
    found = changes(tmp_path / "before.json", tmp_path / "after.json")
    assert any(change["breaking"] for change in found)
    assert lowest_version((0, 3, 1), found) == (0, 4, 0)
    assert lowest_version((1, 3, 1), found) == (2, 0, 0)


def test_words_and_examples_are_no_change(tmp_path: Path) -> None:
    before = bundles.raw("gateway")
    after = copy.deepcopy(before)
    after["paths"]["/summary"]["get"]["description"] = "Said in other words, but the same."
    (tmp_path / "before.json").write_text(json.dumps(before))
    (tmp_path / "after.json").write_text(json.dumps(after))
    assert changes(tmp_path / "before.json", tmp_path / "after.json") == []
