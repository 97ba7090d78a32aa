"""`payrail balances [--at SEQ]`: the trial balance, from the books alone, now or as of any entry."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from payrail.cli.data_directory import existing_data_dir
from payrail.cli.paths import existing_data_dir_option
from payrail.cli.progress import Bar
from payrail.cli.refusals import told_in_one_line
from payrail.ledger.money import Money

_POSTING = b'"postings":[{'


class Account(msgspec.Struct, frozen=True):
    """What was posted to an account in a currency, in minor units; `balance` is debits less credits."""

    account: str
    currency: str
    debits: int
    credits: int
    balance: int


@click.command()
@click.option(
    "--at", "at_seq", type=click.IntRange(min=0), help="Only entries up to this place in the ledger."
)
@existing_data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print the accounts as one JSON document.")
def balances(at_seq: int | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Show every account's debits, credits and balance by currency; in each currency they add up to zero.

    Reads only, and may run beside a running stack. The hash of each entry that posts is proved.
    """
    from payrail.runtime.journal import LedgerCorrupt
    from payrail.runtime.journal.ledger_snapshot import LedgerBusy

    with told_in_one_line():
        directory = existing_data_dir(data_dir)
    try:
        with Bar("Reading") as bar:
            seq, accounts = trial_balance(directory / "ledger", at_seq, bar)
    except (LedgerBusy, LedgerCorrupt) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"seq": seq, "accounts": accounts}), indent=2))
    else:
        _print(seq, accounts)


def trial_balance(directory: Path, at_seq: int | None, bar: Bar) -> tuple[int, list[Account]]:
    """The place up to which was folded, and the accounts in their order. Raises `LedgerBusy` and `LedgerCorrupt`."""
    from payrail.ledger_jobs.books.lines import lines_with
    from payrail.runtime.journal.ledger_snapshot import take_snapshot

    snapshot, done = take_snapshot(directory), 0
    total = sum(snapshot.sizes.values())

    def advance(read: int) -> None:
        nonlocal done
        done += read
        bar.draw(done, total)

    debits: Counter[tuple[str, str]] = Counter()
    credits: Counter[tuple[str, str]] = Counter()  # noqa: A001 - the other side
    newest = 0
    for book, size in snapshot.sizes.items():
        for line in lines_with(directory / f"{book}.jsonl", size, _POSTING, advance):
            if at_seq is not None and line.seq > at_seq:
                break
            newest = max(newest, line.seq)
            for posting in line.postings:
                side = debits if posting.side == "debit" else credits
                side[posting.account, posting.currency] += posting.amount
    keys = sorted({*debits, *credits}, key=lambda key: (key[1], key[0]))
    accounts = [Account(*key, debits[key], credits[key], debits[key] - credits[key]) for key in keys]
    return newest if at_seq is None else at_seq, accounts


def _print(seq: int, accounts: list[Account]) -> None:
    click.echo(f"Trial balance up to seq {seq}" + ("" if accounts else ": nothing is posted"))
    width = max((len(one.account) for one in accounts), default=0)
    for one in accounts:
        figures = "  ".join(
            f"{text:>22}" for text in _figures(one.currency, one.debits, one.credits, one.balance)
        )
        click.echo(f"  {one.account:<{width}}  {figures}")
    for currency in dict.fromkeys(one.currency for one in accounts):
        mine = [one for one in accounts if one.currency == currency]
        sums = (
            sum(one.debits for one in mine),
            sum(one.credits for one in mine),
            sum(one.balance for one in mine),
        )
        figures = "  ".join(f"{text:>22}" for text in _figures(currency, *sums))
        click.echo(f"  {'all accounts':<{width}}  {figures}")


def _figures(currency: str, *amounts: int) -> Iterator[str]:
    for amount in amounts:
        yield str(Money(amount, currency))
