"""`arena capital`: where the money is, and every step that it took."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.output import Output, pick, running_argument, with_output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.journal.reader import JournalReader


@click.group()
def capital() -> None:
    """Show where the capital is, or how it moved.

    \b
    Example:
      arena capital show runs/quickstart-1
    """


@capital.command("show", short_help="Show where the capital is.")
@running_argument
@with_output
def show_capital(run: str, output: Output) -> None:
    """Show the capital of RUN: by pool, by tier, by agent, and every account of both books.

    \b
    Example:
      arena capital show runs/quickstart-1
    """
    from actors.app.latest import fold_latest
    from actors.app.result import capital as where
    from actors.journal.reader import open_run

    with open_run(run) as stored:
        treasury = fold_latest(stored)
    books = {str(book): dict(sorted(rows.items())) for book, rows in treasury.books.items()}
    sums = {f"{book}_sum": sum(rows.values()) for book, rows in books.items()}
    data = {"run": run, "tick": treasury.tick, "capital": where(treasury), "accounts": books}
    output.show(data | {"ledger": sums}, lambda: _lines(data))


def _lines(data: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import breakdown, grid, usd

    yield breakdown(data["capital"])
    for title in ("by_tier", "by_agent"):
        rows = data["capital"][title]
        if rows:
            columns = ((title.replace("_", " "), "left"), ("USD", "right"))
            yield grid(columns, ((name, usd(amount)) for name, amount in rows.items()))
    yield from book_lines(data["accounts"])


def book_lines(books: dict[str, dict[str, int]]) -> Iterator[RenderableType]:
    """Yield the accounts of each book, those of all agents as one, and their sum, which is 0."""
    from actors.app.render import grid

    for book, accounts in books.items():
        rest = {name: sum_ for name, sum_ in accounts.items() if not name.startswith("agent:")}
        columns = ((f"{book} book", "left"), ("micro-USD", "right"))
        total = sum(accounts.values())
        rows = {**rest, "agents": total - sum(rest.values()), "sum": total}
        yield grid(columns, ((name, f"{amount:,}") for name, amount in rows.items()))


@capital.command("ledger", short_help="List the transfers, one row each.")
@running_argument
@click.option("--account", help="Only what left or reached one account, such as agent:g000-001.")
@click.option(
    "--since-seq", type=click.IntRange(0), default=0, metavar="SEQ", help="Only after this event."
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@with_output
def list_ledger(run: str, account: str | None, since_seq: int, limit: int, output: Output) -> None:
    """List the ledger of RUN: each transfer is one row with both of its legs.

    \b
    Example:
      arena capital ledger runs/quickstart-1 --account pool:arena
    """
    from actors.journal.reader import open_run

    with open_run(run) as stored:
        found = (
            row._asdict()
            for row in stored.transfers(since_seq)
            if account in {None, row.debit_account, row.credit_account}
        )
        rows = list(islice(found, limit + 1))
        if account is not None and not rows:
            pick(account, _accounts(stored), "account")
    more, rows = len(rows) > limit, rows[:limit]
    output.show({"run": run, "transfers": rows, "more": more}, lambda: _transfers(rows))
    if more and not output.json:
        output.note(f"there are more: --since-seq {rows[-1]['event_seq'] - 1}, or a higher --limit")


def _accounts(stored: JournalReader) -> Iterator[str]:
    """Yield every account that money was in, and those of agents that never had any."""
    from actors.app.inspecting import agent_ids
    from arena.ids import AgentId
    from arena.ledger import agent_account

    for row in stored.transfers():
        yield row.debit_account
        yield row.credit_account
    for agent in agent_ids(stored):
        yield agent_account(AgentId(agent))


def _transfers(rows: list[dict[str, Any]]) -> Iterator[RenderableType]:
    from actors.app.render import fitted

    names = ("seq", "line", "book", "from", "to", "micro-USD", "reason")
    sides = ("right", "right", "left", "left", "left", "right", "left")
    yield from fitted(
        [*zip(names, sides, strict=True)],
        ([f"{value:,}" if key == "amount" else value for key, value in r.items()] for r in rows),
        drop=("line", "book", "reason", "seq"),
    )
