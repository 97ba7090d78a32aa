"""A fresh toy service for each test that asks for one."""

import pytest
from toy_service import Toy


@pytest.fixture
def toy() -> Toy:
    return Toy()
