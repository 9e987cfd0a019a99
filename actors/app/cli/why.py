"""`arena why`: what led to an event, and which rule decided what about an agent, by what margin."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from actors.app.cli.output import Output, pick_agent, run_argument, with_output
from actors.app.cli.progress import sign_of_life
from actors.app.cli.state import pick_seq

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.explaining.agent import Explained
    from actors.app.explaining.chain import Step
    from actors.app.explaining.checks import Check
    from actors.app.explaining.decision import Decision

WIDTH_MAX = 96
"""Columns that sentences are broken to: longer lines are hard to read."""


@click.command(short_help="Explain an event, or the decisions about an agent.")
@run_argument
@click.argument("what", metavar="seq|agent", type=click.Choice(["seq", "agent"]))
@click.argument("which", metavar="SEQ|AGENT")
@click.option("--all", "everything", is_flag=True, help="Each cycle, also where nothing changed.")
@with_output
def why(run: str, what: str, which: str, output: Output, *, everything: bool) -> None:
    """Trace the event SEQ of RUN back to the command behind it, or explain the decisions on AGENT.

    Of an agent, what changed it is shown, and its last cycle: which rule decided, on which facts,
    by what margin.  An arrow says what would have made it another decision.  A baseline goes by
    its name alone.

    \b
    Examples:
      arena why runs/quickstart-1 seq 400
      arena why runs/quickstart-1 agent g000-001
      arena why runs/quickstart-1 agent g000-001 --all
    """
    if what == "agent":
        _why_agent(run, which, output, everything=everything)
    elif everything:
        raise click.UsageError("--all is for an agent", ctx=click.get_current_context())
    else:
        _why_seq(run, _number(which), output)


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        message = f"{word!r} is not the number of an event"
        raise click.UsageError(message, ctx=click.get_current_context()) from None


def _why_seq(run: str, seq: int, output: Output) -> None:
    from actors.app.explaining.chain import trace
    from actors.app.inspecting import entry_data
    from actors.journal.reader import open_run

    with open_run(run) as stored:
        steps = trace(stored, pick_seq(seq, 1, stored.head().seq))
    chain = [{**entry_data(s.entry), "said": s.said, "command": s.command} for s in steps]
    root = {"command": steps[-1].command, "command_id": steps[-1].entry.command_id}
    output.show({"run": run, "seq": seq, "chain": chain, **root}, lambda: _chain(steps))


def _chain(steps: list[Step]) -> Iterator[RenderableType]:
    from actors.app.explaining.chain import COMMANDS

    for n, step in enumerate(steps):
        entry = step.entry
        yield f"seq {entry.seq}  {entry.timestamp[:10]}  {entry.event_type}"
        yield from _wrapped(f"    {step.said}", "    ")
        if step.command is not None:
            does = COMMANDS.get(step.command, "do what it says")
            said = f"  by the command {entry.command_id}: {step.command}, to {does}"
            yield from _wrapped(said, "    ")
        if n + 1 < len(steps):
            yield "  because of"


def _why_agent(run: str, agent: str, output: Output, *, everything: bool) -> None:
    from actors.app.borrowed import policies_at_hand
    from actors.app.explaining.agent import explain_agent
    from actors.app.explaining.walk import walk
    from actors.app.inspecting import agent_ids
    from actors.journal.reader import open_run
    from arena.experiment import plain
    from arena.ids import AgentId

    with open_run(run) as stored:
        name = AgentId(pick_agent(agent, agent_ids(stored)))
        policies = policies_at_hand(stored.meta())
        with sign_of_life("explaining", output):
            found = explain_agent(walk(stored, policies, about=name), name, everything=everything)
    one = found.agent
    data = {
        "run": run,
        "agent": one.agent_id,
        "strategy": one.genome.strategy,
        "baseline": one.genome.baseline,
        "layer": str(one.layer),
        "tier": None if one.tier is None else str(one.tier),
        "status": str(one.status),
        "died": one.died,
        "cause": one.cause,
        "decisions": [plain(decision) for decision in found.decisions],
    }
    output.show(data, lambda: _decisions(found, everything=everything))


def _decisions(found: Explained, *, everything: bool) -> Iterator[RenderableType]:
    from actors.app.render import short_name

    agent = found.agent
    place = agent.tier or agent.layer
    stands = f"{agent.status}, {place}" if agent.died is None else f"died on day {agent.died}"
    if agent.genome.baseline:
        stands = "a baseline: outside the population, with play money, never seated, never ended"
    yield from _wrapped(f"{short_name(agent.agent_id)}  {agent.genome.strategy}; {stands}", "")
    last = max((one.cycle or 0 for one in found.decisions), default=0)
    moment: tuple[int, int | None] | None = None
    for one in found.decisions:
        if moment != (one.tick, one.cycle):
            moment = (one.tick, one.cycle)
            yield ""
            yield f"day {one.tick}{'' if one.cycle is None else f', cycle {one.cycle}'}"
        yield from _decision(one, brief=everything and not one.changed and one.cycle != last)
    if all(one.cycle is None for one in found.decisions):
        yield ""
        yield "no cycle has decided about it yet"


def _decision(one: Decision, *, brief: bool) -> Iterator[RenderableType]:
    """Yield one decision: the sentence, what it rests on, and what would have flipped it."""
    if one.outcome == "spared":
        yield from _wrapped(f"  {one.said}{one.flip and f'; {one.flip}'}", "    ")
        return
    short = [_shortfall(each) for each in one.checks if brief and not each.holds]
    where = f" (seq {one.seq})" if one.changed else ""
    yield from _wrapped(f"  {one.said}{where}{': ' if short else ''}{', '.join(short)}", "    ")
    if not brief:
        yield from _basis(one)
    if one.flip:
        yield from _wrapped(f"    -> {one.flip}", "       ")


def _shortfall(one: Check) -> str:
    from actors.app.explaining.checks import name_of, say_margin

    return f"{name_of(one.metric)} {say_margin(one)} short"


def _basis(one: Decision) -> Iterator[RenderableType]:
    """Yield the conditions of the rule that was asked, then the other facts."""
    from actors.app.explaining.checks import name_of, say_margin, say_threshold, say_value

    held, failed = ("past it", "off") if one.kind == "kill" else ("to spare", "short")
    rows = [
        (
            name_of(each.metric),
            say_value(each),
            say_threshold(each),
            f"{say_margin(each)} {held if each.holds else failed}",
        )
        for each in one.checks
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    for row in rows:
        name, value, threshold, margin = (
            text.ljust(width) for text, width in zip(row, widths, strict=True)
        )
        value = value.strip().rjust(widths[1])
        yield f"    {name}  {value}  {threshold}  {margin.rstrip()}"
    widest = max((len(name) for name, _ in one.facts), default=0)
    for name, value in one.facts:
        yield from _wrapped(f"    {name.ljust(widest)}  {value}", " " * (widest + 6))
    for note in one.notes:
        yield from _wrapped(f"    {note}", "      ")


def _wrapped(text: str, indent: str) -> Iterator[RenderableType]:
    """Yield `text` in lines that the screen holds; those after the first begin with `indent`."""
    from actors.app.render import plain, screen_width

    width = max(min(screen_width(), WIDTH_MAX), 40)
    yield from wrap(plain(text), width, subsequent_indent=indent, break_on_hyphens=False)
