"""Options that several commands have."""

from pathlib import Path

import click

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The data directory; PAYRAIL_DATA_DIR, then data, if not given.",
)
day_option = click.option(
    "--date", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The UTC day, as 2026-03-02."
)
