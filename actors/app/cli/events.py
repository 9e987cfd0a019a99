"""`arena events`: the history, as it was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from actors.app.cli.output import Command, Output, pick, pick_agent, running_argument, with_output

LIMIT_MAX = 100_000


def _filters(default: int) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in (
            click.option("--type", "event_type", metavar="TYPE", help="Only events of one type."),
            click.option("--agent", metavar="AGENT", help="Only events about one agent."),
            click.option(
                "--since-seq",
                type=click.IntRange(0),
                default=0,
                metavar="SEQ",
                help="Only events after this one.",
            ),
            click.option(
                "--limit", type=click.IntRange(1, LIMIT_MAX), default=default, show_default=True
            ),
        ):
            command = option(command)
        return command

    return decorate


@click.group()
def events() -> None:
    """List the events of a run.

    \b
    Example:
      arena events list runs/quickstart-1
    """


@events.command("list", short_help="List events from the first on.")
@running_argument
@_filters(50)
@with_output
def list_events(run: str, output: Output, **filters: Any) -> None:
    """List the events of RUN, the oldest first.

    \b
    Examples:
      arena events list runs/quickstart-1 --type AgentKilled
      arena events list runs/quickstart-1 --agent g000-001 --json
      arena events list runs/quickstart-1 --since-seq 50
    """
    _answer(run, output, newest=False, **filters)


@events.command("tail", short_help="List the last events.")
@running_argument
@_filters(20)
@with_output
def tail_events(run: str, output: Output, **filters: Any) -> None:
    """List the last events of RUN, the newest at the end.

    \b
    Example:
      arena events tail runs/quickstart-1 --limit 5
    """
    _answer(run, output, newest=True, **filters)


def _answer(  # noqa: PLR0913 - the options of both commands
    run: str,
    output: Output,
    *,
    event_type: str | None,
    agent: str | None,
    since_seq: int,
    limit: int,
    newest: bool,
) -> None:
    from actors.app.inspecting import agent_ids, entry_data
    from actors.journal.reader import open_run
    from arena.events import EVENT_TYPES

    if event_type is not None:
        pick(event_type, EVENT_TYPES, "event type")
    with open_run(run) as stored:
        if agent is not None:
            agent = pick_agent(agent, agent_ids(stored))
        found = stored.entries(
            since_seq, limit + 1, event_type=event_type, agent_id=agent, newest_first=newest
        )
        rows = [entry_data(entry) for entry in found]
    more, rows = len(rows) > limit, rows[:limit]
    if newest:
        rows.reverse()
    output.show({"run": run, "events": rows, "more": more}, lambda: _lines(rows))
    if more and not newest and not output.json:
        output.note(f"there are more: --since-seq {rows[-1]['seq']}")


def _lines(rows: list[dict[str, Any]]) -> Any:
    from actors.app.render import event_lines

    return event_lines(rows)
