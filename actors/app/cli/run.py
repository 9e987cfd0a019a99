"""`arena run`: a config goes in, a verified journal and a result come out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.calling import how_to
from actors.app.cli.moment import now
from actors.app.cli.output import Output, with_output
from actors.app.cli.progress import progress_bar
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.experiment import Prepared


@click.command(short_help="Run a config and keep its journal.")
@click.argument("config", metavar="CONFIG", type=click.Path(path_type=Path))
@click.option("--seed", type=int, help="The root of all randomness; wins over --set run.seed=N.")
@click.option(
    "--set",
    "overrides",
    metavar="TABLE.KEY=VALUE",
    multiple=True,
    help="Change one value; can be repeated, and the later one wins.",
)
@click.option("--out", metavar="DIR", help="The run's folder; must hold no run.")
@with_output
def run(
    config: Path, seed: int | None, overrides: tuple[str, ...], out: str | None, output: Output
) -> None:
    """Run the experiment in CONFIG and keep its journal.

    The journal goes to DIR/run.db; without --out, DIR is the first free runs/NAME-N.  Ctrl-C stops
    between two ticks.

    \b
    Examples:
      arena run config/quickstart.toml
      arena run config/quickstart.toml --seed 7 --set run.days=60
      arena run config/quickstart.toml --json --out runs/mine
    """
    from actors.app.experiment import make_folder, prepare
    from actors.app.log import configure_log
    from arena.exceptions import CapitalConservationError

    if out == "":
        raise click.BadParameter("it is empty; a folder is needed", param_hint="--out")
    configure_log()
    chosen = overrides if seed is None else (*overrides, f"run.seed={seed}")
    prepared = prepare(config, chosen, now=now())
    folder = make_folder(prepared.experiment.name, None if out is None else Path(out))
    try:
        result = _carry_out(prepared, folder, output)
    except BaseException as error:
        if isinstance(error, CapitalConservationError) and not output.json:
            click.echo(f"ledger: NOT balanced: {error}")
        if (folder / "run.db").exists():
            output.note(f"the run stopped; what happened until then is in {folder}")
        raise
    output.show(result, lambda: _report(result, folder))
    if result["ledger"]["real_sum"] or result["ledger"]["virtual_sum"]:
        raise SystemExit(ExitCode.INVARIANT)
    if result["status"] == "interrupted":
        raise SystemExit(ExitCode.INTERRUPTED)


def _carry_out(prepared: Prepared, folder: Path, output: Output) -> dict[str, Any]:
    import asyncio
    import gc

    from actors.app.experiment import run_experiment
    from actors.app.signals import stop_on_signal

    ticks = prepared.experiment.market.ticks

    async def carry_out() -> dict[str, Any]:
        with stop_on_signal() as stopped, progress_bar(ticks, output) as on_tick:
            return await run_experiment(prepared, folder, on_tick=on_tick, stopped=stopped)

    gc.collect()
    gc.freeze()  # What was imported stays: no later collection needs to look at it.
    return asyncio.run(carry_out())


def _report(result: dict[str, Any], folder: Path) -> Iterator[RenderableType]:
    """Yield what people read, from the ranking to the proof that every micro-dollar is there."""
    from actors.app.render import board, breakdown, plain, population

    market, ledger = result["market"], result["ledger"]
    yield (
        f"{result['name']}: {result['ticks']} days from {market['first_bar']}, seed"
        f" {result['seed']}, {market['badge']} market, {result['events']} events in"
        f" {result['wall_s']:.1f} s"
    )
    for note in result["notes"]:
        yield f"note: {plain(note)}"
    yield from board(result["leaderboard"], result["baselines"])
    yield breakdown(result["capital"])
    yield population(result["agents"], result["trades"])
    yield ""
    if result["status"] == "interrupted":
        yield f"interrupted after day {result['ticks']}; the journal is complete up to there"
    yield f"journal: {plain(result['path'])}"
    yield f"try: {plain(how_to('verify', str(folder)))}"
    if ledger["real_sum"] or ledger["virtual_sum"]:
        yield f"ledger: NOT balanced: {ledger['real_sum']} and {ledger['virtual_sum']} micro-USD"
    else:
        yield "ledger: balanced"
