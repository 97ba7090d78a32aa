"""A merchant for the tests of the plugin's stack."""

import pytest
from stack_user import Shop

from payrail.testing import Inbox, PayRailStack
from waiting import LIMIT_S


@pytest.fixture(autouse=True)
def _webhooks_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setitem(Inbox.wait_for.__kwdefaults__, "timeout_s", LIMIT_S)


@pytest.fixture
def shop(payrail: PayRailStack) -> Shop:
    return Shop(payrail)
