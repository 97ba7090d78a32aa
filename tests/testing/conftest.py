"""A merchant for the tests of the plugin's stack."""

import pytest
from stack_user import Shop

from payrail.testing import PayRailStack


@pytest.fixture
def shop(payrail: PayRailStack) -> Shop:
    return Shop(payrail)
