"""A bar on a terminal for what takes long; nothing where nobody watches."""

import contextlib
import sys
from types import TracebackType
from typing import Any, Self

import click


class Bar:
    """`show` says how far it is. Without a terminal on standard error nothing is drawn."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Any = None
        self._drawn = contextlib.ExitStack()
        self._done = 0

    def draw(self, done: int, total: int) -> None:
        """So much is done, out of so much."""
        if not sys.stderr.isatty() or total <= 0:
            return
        if self._bar is None:
            self._bar = self._drawn.enter_context(
                click.progressbar(length=total, label=self._label, file=sys.stderr)
            )
        self._bar.update(done - self._done)
        self._done = done

    async def show(self, done: int, total: int) -> None:
        """As `draw`, for those who tell it between other things."""
        self.draw(done, total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drawn.__exit__(kind, error, trace)
