"""`arena fork`: a run's history up to some day, and another future."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.moment import now
from actors.app.cli.output import Output, run_argument, with_output
from actors.app.cli.progress import sign_of_life
from actors.app.cli.run import conclude, go_on, report

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command(short_help="Let a run take another course from some day on.")
@run_argument
@click.option("--at", type=int, metavar="SEQ", required=True, help="The event to fork after.")
@click.option(
    "--set",
    "overrides",
    metavar="TABLE.KEY=VALUE",
    multiple=True,
    help="Change one value from there on; can be repeated, and the later one wins.",
)
@click.option("--out", metavar="DIR", help="The fork's folder; must hold no run.")
@with_output
def fork(run: str, at: int, overrides: tuple[str, ...], out: str | None, output: Output) -> None:
    """Let RUN take another course after the event SEQ, and compare the two.

    The fork shares the history of RUN up to the end of the last day that is complete at SEQ; then
    it goes on by the rules that --set changes.  RUN itself is only read.  Without --out, the fork's
    folder is the first free RUN-fork-N.  Ctrl-C stops between two ticks; `arena run --resume` goes
    on with a fork as with any other run.

    \b
    Examples:
      arena fork runs/quickstart-1 --at 900 --set costs.fee_bps=30
      arena fork runs/quickstart-1 --at 900 --set allocation.policy=equal --out runs/equal
    """
    from actors.app.experiment import make_folder
    from actors.app.forking import compare_with_parent, make_fork, plan_fork
    from actors.app.log import configure_log
    from actors.journal.files import FILE_NAME, named_database
    from actors.journal.reader import open_run

    if out == "":
        raise click.BadParameter("it is empty; a folder is needed", param_hint="--out")
    configure_log()
    with open_run(run) as parent:
        with sign_of_life("reading the parent", output):
            plan = plan_fork(parent, at, overrides, now=now())
        name, runs = f"{parent.path.parent.name}-fork", parent.path.parent.parent
        if runs.is_relative_to(Path.cwd()):
            runs = runs.relative_to(Path.cwd())  # As one would type it.
        folder = make_folder(name, None if out is None else Path(out), runs=runs)
        make_fork(parent, plan, folder / FILE_NAME)
        shared = plan.fork
        output.note(f"forking after seq {shared.seq}, the end of day {shared.tick}: {folder}")
        result = go_on(folder, output, loaded=plan.loaded)
        with open_run(folder) as child, sign_of_life("comparing", output):
            comparison = compare_with_parent(parent, child, result)
    facts = {
        "parent": str(named_database(run)),
        "at": at,
        "seq": shared.seq,
        "tick": shared.tick,
        "changes": dict(shared.changes),
        "comparison": comparison,
    }
    result = {**result, "fork": facts}
    output.show(result, lambda: _lines(result))
    conclude(result)


def _lines(result: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import plain

    facts = result["fork"]
    changes = ", ".join(f"{key} = {value}" for key, value in facts["changes"].items())
    where = f"seq {facts['seq']}, the end of day {facts['tick']}"
    yield f"forked from {plain(facts['parent'])} after {where}"
    yield f"changed: {plain(changes) or 'nothing'}"
    comparison = facts["comparison"]
    if comparison is None:
        yield f"the parent has not come to day {result['ticks']}"
    else:
        yield from _compare(comparison)
    yield ""
    yield from report(result)


def _compare(comparison: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import fitted, short_name, usd

    def cells(name: str) -> tuple[str, ...]:
        side = comparison[name]
        rises, winner = side["graduated"], side["winner"]
        return (
            name,
            usd(side["total"]),
            short_name(winner) if winner else "nobody",
            str(rises["proving"]),
            str(rises["arena"]),
            str(side["killed"]),
        )

    columns = [
        ("run", "left"),
        ("total capital", "right"),
        ("winner", "left"),
        ("to proving", "right"),
        ("to arena", "right"),
        ("killed", "right"),
    ]
    title = f"after day {comparison['tick']}"
    drop = ("to proving", "to arena", "killed")
    yield from fitted(columns, [cells("parent"), cells("fork")], title, drop=drop)
