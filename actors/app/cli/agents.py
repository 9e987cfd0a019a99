"""`arena leaderboard` and `arena agents`: who did how well, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli import agents_live
from actors.app.cli.output import (
    Output,
    pick_agent,
    run_here,
    running_argument,
    says_damage,
    with_output,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

LAYERS = ("simulation", "proving", "arena")


@click.command(short_help="Show who did best, baselines beside.")
@running_argument
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True)
@with_output
def leaderboard(run: str, limit: int, output: Output) -> None:
    """Rank the living agents of RUN: the arena first, then by fitness; baselines stand below.

    Without RUN it is the run of the only daemon that runs here.

    \b
    Examples:
      arena leaderboard runs/quickstart-1 --limit 20
      arena leaderboard
    """
    from actors.app.latest import fold_latest
    from actors.app.render import board
    from actors.app.result import baselines, leaderboard
    from actors.journal.reader import open_run

    with open_run(run) as stored:
        treasury = fold_latest(stored)
    badge = treasury.experiment.market.badge
    data: dict[str, Any] = {
        "run": run,
        "tick": treasury.tick,
        "market": badge,
        "leaderboard": leaderboard(treasury, limit=limit),
        "baselines": baselines(treasury),
    }
    title = f"day {treasury.tick}, {badge} market"
    output.show(data, lambda: board(data["leaderboard"], data["baselines"], title))


@click.group()
def agents() -> None:
    """List the agents of a run, show one, or change one of a daemon.

    \b
    Example:
      arena agents list runs/quickstart-1
    """


agents.add_command(agents_live.spawn)
agents.add_command(agents_live.kill)
agents.add_command(agents_live.pause)
agents.add_command(agents_live.unpause)


@agents.command("list", short_help="List the living agents, or the dead.")
@running_argument
@click.option("--dead", is_flag=True, help="Those who died, and of what.")
@click.option("--layer", type=click.Choice(LAYERS), help="Only those of one layer.")
@with_output
def list_agents(run: str, layer: str | None, output: Output, *, dead: bool) -> None:
    """List the agents of RUN in order of birth.

    \b
    Examples:
      arena agents list runs/quickstart-1 --layer arena
      arena agents list runs/quickstart-1 --dead
    """
    from actors.app.inspecting import agent_rows
    from actors.app.latest import fold_latest
    from actors.journal.reader import open_run

    with open_run(run) as stored:
        treasury = fold_latest(stored)
    rows = [row for row in agent_rows(treasury, dead=dead) if layer in {None, row["layer"]}]
    data = {"run": run, "tick": treasury.tick, "agents": rows}
    output.show(data, lambda: _table(rows, dead=dead))


def _table(rows: list[dict[str, Any]], *, dead: bool) -> Iterator[RenderableType]:
    from actors.app.render import fitted, number, percent, short_name, usd

    first = [("agent", "left"), ("strategy", "short"), ("place", "left")]
    names: tuple[str, ...]
    drop: tuple[str, ...]
    if dead:
        names = ("died of", "born", "died", "life", "P&L")
        drop = ("born", "strategy", "P&L", "place", "life")
    else:
        names = ("fitness", "fall", "return", "life", "equity", "trades")
        drop = ("trades", "equity", "strategy", "life", "place", "fall")
    lines = []
    for row in rows:
        place = row["layer"] if row["status"] != "quarantined" else row["status"]
        line = [short_name(row["agent"]), row["strategy"], row["tier"] or place]
        if dead:
            line += [row["cause"], row["born"], row["died"]]
            line += [percent(row["life_return"]), usd(row["pnl"])]
        else:
            line += [number(row["fitness"]), percent(row["max_drawdown"])]
            line += [percent(row["return"]), percent(row["life_return"])]
            line += [usd(row["equity"]), row["trades"]]
        lines.append(line)
    yield from fitted([*first, *((name, "right") for name in names)], lines, drop=drop)


@agents.command("show", short_help="Show everything about one agent.")
@agents_live.run_and("AGENT")
@with_output
def show_agent(words: tuple[str, ...], output: Output) -> None:
    """Show AGENT: what it was born with, what it holds, its capital step by step, its last trades.

    A baseline goes by its name alone: `cash` is `baseline-cash`.  Without RUN it is an agent of the
    only daemon that runs here.

    \b
    Examples:
      arena agents show runs/quickstart-1 g000-001
      arena agents show g000-001
    """
    run, agent = agents_live.two_words(words)
    _show_agent(run=run or run_here(), agent=agent, output=output)


@says_damage
def _show_agent(*, run: str, agent: str, output: Output) -> None:
    from actors.app.inspecting import agent_ids, agent_story
    from actors.app.latest import fold_latest
    from actors.journal.reader import open_run

    with open_run(run) as stored:
        story = agent_story(stored, fold_latest(stored), pick_agent(agent, agent_ids(stored)))
    output.show({"run": run, **story}, lambda: _story(story))


def _story(story: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import event_lines, facts, grid, number, percent, usd

    tier = f", {story['tier']}" if story["tier"] else ""
    died = "" if story["died"] is None else f", died on day {story['died']}: {story['cause']}"
    yield facts(
        [
            ("agent", story["agent"]),
            ("standing", f"{story['status']} in {story['layer']}{tier}{died}"),
            ("strategy", f"{story['strategy']} ({story['family']})"),
            ("born", f"day {story['born']}, generation {story['generation']}"),
            ("parents", ", ".join(story["parents"]) or "none"),
            ("fitness", number(story["fitness"])),
            ("return", percent(story["return"])),
            ("fall", percent(story["max_drawdown"])),
            ("life", _life(story)),
            ("equity", f"{usd(story['equity'])}, of it cash {usd(story['cash'])}"),
            ("P&L", f"{usd(story['pnl'])}, with real capital {usd(story['pnl_real'])}"),
            ("costs", usd(story["costs"])),
        ]
    )
    yield ""
    if story["parameters"]:
        named = (("name", "left"), ("value", "left"))
        yield grid(named, [*story["parameters"].items()], "parameters")
    if story["positions"]:
        columns = (
            ("instrument", "left"),
            ("quantity", "right"),
            ("price", "right"),
            ("value", "right"),
        )
        yield grid(
            columns,
            (
                (p["instrument"], f"{p['quantity']:.6f}", f"{p['price']:.4f}", usd(p["value"]))
                for p in story["positions"]
            ),
            "positions",
        )
    for title in ("life", "capital"):
        if story[title]:
            yield from event_lines(story[title], title)
    if story["last_trades"]:
        yield from _trades(story["last_trades"])


def _life(story: dict[str, Any]) -> str:
    from actors.app.render import percent

    fell = percent(story["records"]["life"]["drawdown"])
    return f"{percent(story['life_return'])} since birth (NAV {story['nav']:.6f}), fall {fell}"


def _trades(trades: list[dict[str, Any]]) -> Iterator[RenderableType]:
    from actors.app.render import fitted, usd

    names = ("seq", "instrument", "quantity", "price", "costs", "status")
    rows = (
        (
            *(trade["seq"], trade["instrument"], f"{trade['quantity']:.6f}"),
            "-" if trade["price"] is None else f"{trade['price']:.4f}",
            *(usd(trade["fee"] + trade["slippage"] + trade["gas"]), trade["status"]),
        )
        for trade in trades
    )
    columns = [(name, "right") for name in names]
    yield from fitted(columns, rows, "last trades", drop=("seq", "costs", "price"))
