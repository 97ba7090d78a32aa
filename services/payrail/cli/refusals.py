"""Every way in which a start can fail, as one line for a person and exit code 1."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from payrail.cli.data_directory import DataDirectoryRefused
from payrail.cli.health import NotHealthy
from payrail.cli.services import CannotListen
from payrail.runtime.card_numbers import mask_card_numbers
from payrail.runtime.settings import SettingsRefused

_FOR_PEOPLE = (CannotListen, DataDirectoryRefused, NotHealthy, SettingsRefused)


class ChildFailed(Exception):
    """A process of the stack ended when it should not have; the message is one line."""


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn what a start is known to fail with into click's one line; anything else is a fault of ours."""
    try:
        yield
    except (*_FOR_PEOPLE, ChildFailed) as refused:
        raise click.ClickException(str(refused)) from None


def start_up_line(service: str, cause: BaseException | None) -> str:
    """Why a service could not start. Its own errors are written for people; the log has the traceback."""
    if cause is None:
        return f"{service} could not start; its log says why"
    reason = mask_card_numbers(str(cause)) or type(cause).__name__
    return f"{service} could not start: {reason}"
