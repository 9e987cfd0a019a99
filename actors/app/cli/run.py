"""`arena run`: a config goes in, a verified journal and a result come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.begin import Asked, begin, carry_out
from actors.app.cli.calling import how_to
from actors.app.cli.configs import config_argument
from actors.app.cli.moment import now
from actors.app.cli.output import Output, with_output
from actors.app.cli.progress import progress_bar
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.markets import LoadedMarket


@click.command(short_help="Run a config and keep its journal.")
@config_argument(required=False)
@click.option("--seed", type=int, help="The root of all randomness; wins over --set run.seed=N.")
@click.option(
    "--set",
    "overrides",
    metavar="TABLE.KEY=VALUE",
    multiple=True,
    help="Change one value; can be repeated, and the later one wins.",
)
@click.option(
    "--timerange",
    metavar="FROM-TO",
    help="First and last day, such as 20200101-20221231; an end left out is the config's.",
)
@click.option("--delay-bars", metavar="N", type=int, help="Let every decision wait N bars more.")
@click.option("--cost-stress", is_flag=True, help="Run at 0, 1, 2 and 4 times the costs.")
@click.option("--out", metavar="DIR", help="The run's folder; must hold no run.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped, without CONFIG.")
@click.option("--after-io-error", is_flag=True, help="Resume although the disk failed last time.")
@with_output
def run(
    resume: str | None,
    after_io_error: bool,  # noqa: FBT001  # click gives it
    cost_stress: bool,  # noqa: FBT001  # click gives it
    output: Output,
    **asked: Any,
) -> None:
    """Run the experiment in CONFIG and keep its journal.

    The journal goes to DIR/run.db; without --out, DIR is the first free runs/NAME-N.  Ctrl-C stops
    between two ticks.  A run that was stopped, killed or cut off goes on with --resume, and ends as
    if it never had been; one that has come to its end prints its result again.

    CONFIG is a file, or quickstart, phase1 or daemon, which come with the package.

    With --cost-stress there are four runs, in DIR/0x, 1x, 2x and 4x; DIR is runs/NAME-stress-N.

    \b
    Examples:
      arena run quickstart
      arena run config/quickstart.toml --seed 7 --set run.days=60
      arena run config/quickstart.toml --timerange 20200101-20200331 --cost-stress
      arena run config/quickstart.toml --json --out runs/mine
      arena run --resume runs/mine
    """
    from actors.app.cli.stress import stress
    from actors.app.log import configure_log

    wanted = Asked(**asked)
    if wanted.out == "":
        raise click.BadParameter("it is empty; a folder is needed", param_hint="--out")
    configure_log()
    if after_io_error and resume is None:
        raise click.UsageError("--after-io-error is for --resume")
    if resume is not None:
        if cost_stress or wanted != Asked():
            raise click.UsageError("--resume takes no CONFIG, and no option of a new run")
        result = _resume(resume, output, after_io_error=after_io_error)
    elif cost_stress:
        stress(wanted, output)
        return
    else:
        result = begin(wanted, output)
    output.show(result, lambda: report(result))
    conclude(result)


def _resume(run: str, output: Output, *, after_io_error: bool) -> dict[str, Any]:
    """Go on with a run, or say what is wrong with it."""
    from actors.app.cli.damage import say_damage
    from actors.journal.schema import NotARunError

    try:
        return go_on(Path(run), output, after_io_error=after_io_error)
    except NotARunError as error:
        say_damage(error, run)
        raise


def go_on(
    path: Path,
    output: Output,
    *,
    after_io_error: bool = False,
    loaded: LoadedMarket | None = None,
) -> dict[str, Any]:
    """Go on with a run that was stopped, or with a fork, whose market is `loaded` already."""
    from actors.app.cli.damage import say_damage
    from actors.app.resuming import resume_experiment
    from actors.app.signals import stop_on_signal
    from actors.journal.resuming import DivergenceError

    begun = False

    async def work() -> dict[str, Any]:
        with stop_on_signal() as stopped, ExitStack() as shown:

            def on_start(tick: int, ticks: int) -> Callable[[int], None]:
                nonlocal begun
                begun = True
                if loaded is None:
                    since = "what is on record since then is done again"
                    of = f" of {ticks}" if ticks else ""
                    output.note(f"resuming after day {tick}{of}; {since}")
                return shown.enter_context(progress_bar(ticks, output))

            return await resume_experiment(
                path,
                now=now(),
                after_io_error=after_io_error,
                loaded=loaded,
                on_start=on_start,
                stopped=stopped,
            )

    try:
        return carry_out(work, lambda: path if begun else None, output)
    except DivergenceError:
        raise
    except Exception as error:
        say_damage(error, str(path))
        raise


def conclude(result: dict[str, Any]) -> None:
    """End the process with the exit code of a result that is no success."""
    if result["ledger"]["real_sum"] or result["ledger"]["virtual_sum"]:
        raise SystemExit(ExitCode.INVARIANT)
    if result["status"] == "interrupted":
        raise SystemExit(ExitCode.INTERRUPTED)


def report(result: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield what people read, from the ranking to the proof that every micro-dollar is there."""
    from actors.app.render import (
        board,
        breakdown,
        by_archetype,
        by_regime,
        plain,
        population,
        prices_met,
    )

    folder = str(Path(result["path"]).parent)
    market, ledger = result["market"], result["ledger"]
    yield (
        f"{result['name']}: {result['ticks']} days from {market['first_bar']}, seed"
        f" {result['seed']}, {market['badge']} market, {result['events']} events in"
        f" {result['wall_s']:.1f} s"
    )
    for note in result["notes"]:
        yield f"note: {plain(note)}"
    yield prices_met(result["touched"])
    yield from board(result["leaderboard"], result["baselines"])
    yield from by_archetype(result["archetypes"])
    if result["regimes"] is not None:
        yield from by_regime(result["regimes"])
    yield breakdown(result["capital"])
    yield population(result["agents"], result["trades"])
    yield from _say_gate(result["gate"])
    yield ""
    if result["status"] == "interrupted":
        yield f"interrupted after day {result['ticks']}; the journal is complete up to there"
        yield f"to go on: {plain(how_to('run', '--resume', folder))}"
    yield f"receipt: {result['events']}:{result['head']}"
    yield f"journal: {plain(result['path'])}"
    yield f"try: {plain(how_to('verify', folder))}"
    if ledger["real_sum"] or ledger["virtual_sum"]:
        yield f"ledger: NOT balanced: {ledger['real_sum']} and {ledger['virtual_sum']} micro-USD"
    else:
        yield "ledger: balanced"


def _say_gate(gate: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield what a reader must know of the gate: that there was none, or who did not pass."""
    from actors.app.render import plain

    if not gate["required"]:
        yield "gate: off, strategies were not checked"
    for name, failed in gate["failed"].items():
        yield f"gate: {plain(name)} was NOT let through: {', '.join(failed)}"
