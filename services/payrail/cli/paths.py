"""Paths on the command line: what an option that names one takes, and the option that most commands share."""

import os
from pathlib import Path
from typing import Any

import click


class NamedPath(click.Path):
    """A path that names something. An empty one is often a variable that is not set; Python would take it for the
    current folder."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(
        self, value: "str | os.PathLike[str]", param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        if not os.fspath(value).strip():
            self.fail("it is empty; name a path, or leave the option out.", param, ctx)
        return super().convert(value, param, ctx)


existing_data_dir_option = click.option(
    "--data-dir",
    type=NamedPath(exists=True, file_okay=False),
    help="The data directory; PAYRAIL_DATA_DIR, then data, if not given.",
)
