"""PayRail in tests: the fixture `payrail` is there wherever the distribution is installed, and this is its type.

    from payrail.testing import PayRailStack

    def test_order_is_paid(payrail: PayRailStack) -> None: ...

`running_payrail` is the same stack as a context manager, for test runners other than pytest. Names are loaded when they
are first used, since pytest imports this package in every project.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from payrail.testing.cards import Cards
    from payrail.testing.clock import VirtualClock
    from payrail.testing.findings import DataNotSound
    from payrail.testing.inbox import Delivery, Inbox, NoSuchWebhook
    from payrail.testing.providers import InjectedFailure, ProviderControl, Providers
    from payrail.testing.stack import PayRailStack, running_payrail

_HOME_OF = {
    "Cards": "cards",
    "DataNotSound": "findings",
    "Delivery": "inbox",
    "Inbox": "inbox",
    "InjectedFailure": "providers",
    "NoSuchWebhook": "inbox",
    "PayRailStack": "stack",
    "ProviderControl": "providers",
    "Providers": "providers",
    "VirtualClock": "clock",
    "running_payrail": "stack",
}

__all__ = [
    "Cards",
    "DataNotSound",
    "Delivery",
    "Inbox",
    "InjectedFailure",
    "NoSuchWebhook",
    "PayRailStack",
    "ProviderControl",
    "Providers",
    "VirtualClock",
    "running_payrail",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
