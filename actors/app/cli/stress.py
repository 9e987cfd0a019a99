"""`arena run --cost-stress`: one config at 0, 1, 2 and 4 times its costs, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actors.app.cli.begin import Asked, begin_in
from actors.app.cli.calling import how_to
from actors.app.cli.moment import now
from actors.app.cli.output import Output
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.experiment import Prepared


def stress(asked: Asked, output: Output) -> None:
    """Carry out the runs, print what they came to, and end with what the worst of them says."""
    from actors.app.experiment import make_folder
    from actors.app.stress import break_evens, prepare_stress

    config, chosen = asked.chosen()
    runs = prepare_stress(config, chosen, now=now())
    experiment = runs[0][1].experiment
    folder = make_folder(f"{experiment.name}-stress", asked.folder)
    begun = [*_carry_out(runs, folder, output)]
    done = [line for line in begun if line["status"] == "completed"]
    complete = len(done) == len(runs)
    data = {
        "name": experiment.name,
        "seed": experiment.seed,
        "status": "completed" if complete else "interrupted",
        "multiples": begun,
        "break_even": break_evens(done) if complete else None,
        "path": str(folder),
    }
    output.show(data, lambda: _lines(data, len(runs)))
    if any(line["real_sum"] or line["virtual_sum"] for line in begun):
        raise SystemExit(ExitCode.INVARIANT)
    if not complete:
        raise SystemExit(ExitCode.INTERRUPTED)


def _carry_out(
    runs: Sequence[tuple[int, Prepared]], folder: Path, output: Output
) -> Iterator[dict[str, Any]]:
    """Yield a line for each run, up to the first that was interrupted."""
    from actors.app.experiment import make_folder
    from actors.app.stress import measure

    places = [make_folder("", folder / f"{multiple}x") for multiple, _ in runs]
    for (multiple, prepared), place in zip(runs, places, strict=True):
        result = begin_in(place, prepared, output, of=f"days at {multiple} x costs")
        yield {
            **measure(place, multiple),
            **{name: result[name] for name in ("status", "ticks", "run_id", "head", "path")},
            **result["ledger"],
        }
        if result["status"] != "completed":
            return


def _lines(data: dict[str, Any], runs: int) -> Iterator[RenderableType]:
    """Yield what people read."""
    from actors.app.render import fitted, percent, plain, usd

    lines = data["multiples"]
    columns = [
        *(("costs", "left"), ("treasury P&L", "right"), ("best", "right"), ("median", "right")),
        *(("trades", "right"), ("costs paid", "right"), ("days", "right")),
    ]
    rows = [
        (
            f"{line['multiple']} x",
            usd(line["treasury_pnl"]),
            percent(line["best_return"]),
            percent(line["median_return"]),
            line["trades"],
            usd(line["costs"]),
            line["ticks"],
        )
        for line in lines
    ]
    title = f"{data['name']}, seed {data['seed']}: costs on trial"
    yield from fitted(columns, rows, title, drop=("days", "trades", "costs paid"))
    if data["break_even"] is not None:
        yield from _break_evens(data)
    yield f"runs: {', '.join(plain(Path(line['path']).parent) for line in lines)}"
    if data["status"] != "completed":
        stopped = lines[-1]
        yield f"interrupted on day {stopped['ticks']} of run {len(lines)} of {runs}"
        again = how_to("run", "--resume", str(Path(stopped["path"]).parent))
        yield f"complete: {len(lines) - 1}; to go on with that one: {plain(again)}"


def _break_evens(data: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield at which multiple of its costs each one stops to gain."""
    from actors.app.render import fitted, number, percent, usd

    def cells(who: str, at: float | str, values: Sequence[str]) -> tuple[str, ...]:
        return (who, number(at) if isinstance(at, float) else at, *values)

    lines, found = data["multiples"], data["break_even"]
    rows = [
        cells(name, at, [percent(line["strategies"][name]) for line in lines])
        for name, at in found["strategies"].items()
    ]
    whole = cells("treasury", found["treasury"], [usd(line["treasury_pnl"]) for line in lines])
    at_each = [(f"{line['multiple']} x", "right") for line in lines]
    columns = [("mean return of all born", "left"), ("break-even", "right"), *at_each]
    drop = [name for name, _ in reversed(at_each)]
    yield from fitted(
        columns, rows, "break-even, in multiples of the costs", drop=drop, below=[whole]
    )
