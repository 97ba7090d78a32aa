"""`payrail trace ID`: one payment's or one request's path through all files, in the order of time."""

from pathlib import Path

import click
import msgspec

from payrail.cli.data_directory import existing_data_dir
from payrail.cli.paths import existing_data_dir_option
from payrail.cli.refusals import told_in_one_line
from payrail.cli.trace_sources import Step, trace


@click.command("trace")
@click.argument("identifier", metavar="ID")
@existing_data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print the steps as one JSON document.")
def trace_command(identifier: str, data_dir: Path | None, *, as_json: bool) -> None:
    """Show what happened under a correlation id, or to the payment, refund or dispute with this id.

    Requests, accesses to the card, what providers did and told, entries of the ledger with their postings, and events,
    in the order of time. Reads only, and may run beside a running stack. Requests are timed by the machine's clock,
    everything else by the stack's: where that was moved, they stand apart.
    """
    with told_in_one_line():
        directory = existing_data_dir(data_dir)
    steps = trace(directory, identifier)
    if not steps:
        raise click.ClickException(f"{directory} holds nothing of {identifier}")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"id": identifier, "steps": steps}), indent=2))
        return
    for correlation_id in dict.fromkeys(step.correlation_id for step in steps if step.correlation_id):
        click.echo(f"request {correlation_id}")
    for step in steps:
        click.echo(_line(step))


def _line(step: Step) -> str:
    detail = "  ".join(f"{name}={value}" for name, value in step.detail.items() if value is not None)
    return f"{step.at[:23]}  {step.source:<24}  {step.what:<38}  {detail}"
