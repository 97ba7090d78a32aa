"""The parts of a contract app: the document, its routes, and one precompiled operation per path and
method.

Connexion is imported here first, without what it brings along and a server never uses: that halves its share of
every start.
"""

import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


class _AtFirstUse(ModuleType):
    """Stands where a module is imported but hardly ever used; imports the real one when it is."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


@contextmanager
def _standing_in(stand_ins: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Within the block, imports of these modules get the stand-in, or fail for None."""
    names = [name for name in stand_ins if name not in sys.modules]
    for name in names:
        sys.modules[name] = stand_ins[name]  # type: ignore[assignment] # None makes an import fail
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


with (
    _standing_in(
        {
            # Connexion fetches outside documents with it; ours refer to none.
            "requests": _AtFirstUse("requests"),
            # The command line of httpx, with rich and pygments; httpx goes without, as if it were not installed.
            "httpx._main": None,
        }
    ),
    warnings.catch_warnings(),
):
    # Connexion imports Starlette's test client and jsonschema's old resolver, and both warn; no user of ours
    # can act on that, so those warnings are put aside.
    warnings.filterwarnings("ignore", module=r"connexion\.")
    import connexion  # noqa: F401
