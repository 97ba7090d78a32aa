"""The `payrail` command. Each subcommand is imported only when it runs, so that none pays for another."""

from importlib import import_module

import click

_COMMANDS = {
    "up": ("payrail.cli.up:up", "Start the whole stack and serve until Ctrl+C."),
    "verify": ("payrail.cli.verify:verify", "Prove a data directory from its files alone."),
    "settle": ("payrail.cli.settle:settle", "Settle a day: files, books, payouts."),
    "reconcile": (
        "payrail.cli.reconcile:reconcile",
        "Compare a day's ledger, settlement file and providers' files.",
    ),
    "balances": ("payrail.cli.balances:balances", "Show the trial balance, now or as of any entry."),
    "trace": (
        "payrail.cli.trace:trace_command",
        "Show one payment's or one request's path through all files.",
    ),
    "serve": ("payrail.cli.serve:serve", ""),
}
_HIDDEN = frozenset({"serve"})  # What `up --isolated` and containers start; nobody types it.


class _LazyGroup(click.Group):
    """Knows its commands by name and one line of help; the help page imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name in _COMMANDS if name not in _HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="payrail", message="payrail %(version)s")
def main() -> None:
    """PayRail: a payment gateway that runs whole on one machine."""


if __name__ == "__main__":
    main()
