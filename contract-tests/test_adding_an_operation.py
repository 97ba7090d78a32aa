"""The page that leads through the rooms of an operation leads to rooms that are there."""

import re

import bundles

PAGE = bundles.ROOT / "docs" / "adding-an-operation.md"
FLOWS = bundles.ROOT / "services" / "payrail" / "gateway" / "flows"


def test_every_file_that_the_page_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text())
    assert len(links) > 15
    assert [link for link in links if not (PAGE.parent / link).exists()] == []


def test_every_file_that_the_page_names_by_its_path_exists() -> None:
    named = re.findall(r"`((?:openapi|contract-tests|tests|services|sdk)/[\w./-]+)`", PAGE.read_text())
    assert named
    assert [path for path in named if not (bundles.ROOT / path).exists()] == []


def test_the_example_of_the_page_has_its_name_in_every_room() -> None:
    """What the page says to be of `reject_refund` is found in the files that it says it of."""
    rooms = {
        "openapi/gateway/reject-refund.yaml": "operationId: reject_refund",
        "services/payrail/gateway/domain/refunds.py": "def reject_refund(",
        "services/payrail/gateway/domain/errors.py": "class MakerCheckerViolation(",
        "services/payrail/gateway/http/problems.py": "MakerCheckerViolation",
        "services/payrail/gateway/flows/reject_refund.py": "async def reject_refund(",
        "services/payrail/gateway/http/refunds.py": '"reject_refund": _reject',
        "services/payrail/ledger/refund.py": "REFUND_TRANSITIONS",
        "sdk/payrail_sdk/refunds.py": "def reject(",
        "sdk/payrail_sdk/async_refunds.py": "def reject(",
    }
    assert [path for path, text in rooms.items() if text not in (bundles.ROOT / path).read_text()] == []


def test_every_operation_of_the_gateway_is_a_flow_of_its_name() -> None:
    flows = "".join(path.read_text() for path in FLOWS.glob("*.py"))
    names = [operation.name for operation in bundles.operations() if operation.service == "gateway"]
    assert [name for name in names if f"def {name}(" not in flows] == []
