"""`arena check`: is a strategy a pure function of what it is handed?  The gate says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from actors.app.cli.output import Output, with_output
from actors.app.cli.progress import progress_bar
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.gate import GateReport
    from arena.strategies import Strategy

_MARKS = {True: "passed", False: "FAILED", None: "not tried"}


@click.command(short_help="Prove that a strategy cheats nobody, itself included.")
@click.argument("strategy", metavar="[STRATEGY]", required=False)
@click.option("--all-built-in", is_flag=True, help="Check every strategy that comes with arena.")
@click.option(
    "--seed",
    default=1,
    help="The root of what is drawn: worlds, parameters, dice.",
    show_default=True,
)
@click.option("--quick", is_flag=True, help="As a run does at its start: it sees less.")
@click.option("--jobs", metavar="N", type=click.IntRange(1, 64), help="Checks at a time.")
@with_output
def check(
    strategy: str | None,
    all_built_in: bool,  # noqa: FBT001  # click gives it
    seed: int,
    quick: bool,  # noqa: FBT001  # click gives it
    jobs: int | None,
    output: Output,
) -> None:
    """Play STRATEGY alone, with fixed capital, and prove what it promises.

    STRATEGY is the name of a built-in one, `module:Class`, or a file, `ideas.py` or
    `ideas.py:Class`.  It is played again with a poisoned future, with no future at all, made anew
    at every bar, beside others, in another process, and under eyes that see clocks, dice and I/O.

    \b
    Examples:
      arena check tactical-trader
      arena check ideas.py:Breakout --json
      arena check --all-built-in
    """
    kinds = _kinds(strategy, all_built_in=all_built_in)
    with progress_bar(len(kinds), output, of="strategies") as done:
        reports = _check(kinds, seed, jobs, done, quick=quick)
    passed = all(report.passed for report in reports)
    plain = [report.to_plain() for report in reports]
    result = {"passed": passed, "reports": plain} if all_built_in else plain[0]
    output.show(result, lambda: _tell(reports))
    if not passed:
        raise SystemExit(ExitCode.GATE)


def _kinds(strategy: str | None, *, all_built_in: bool) -> list[type[Strategy]]:
    """Return what is to be checked.

    Raises:
        click.UsageError: Nothing was named, or too much.
        ValidationError: There is no such strategy.
    """
    if all_built_in == (strategy is not None):
        raise click.UsageError("one of STRATEGY and --all-built-in is needed")
    if strategy is None:
        from arena.strategies import BUILT_IN

        return [kind for _, kind in sorted(BUILT_IN.items())]
    from actors.app.gate import find_strategy

    return [find_strategy(strategy)]


def _check(
    kinds: Sequence[type[Strategy]],
    seed: int,
    jobs: int | None,
    done: Callable[[int], None],
    *,
    quick: bool,
) -> list[GateReport]:
    """Return a report on each of `kinds`, in their order; quick ones take place in this thread."""
    import os
    from concurrent.futures import ThreadPoolExecutor

    from actors.app.gate import check_strategies

    found: list[GateReport] = []

    def note(report: GateReport) -> None:
        found.append(report)
        done(len(found))

    if quick:
        return check_strategies(kinds, quick=True, seed=seed, on_report=note)
    count = min(jobs or os.cpu_count() or 1, len(kinds))
    with ThreadPoolExecutor(count) as pool:
        shares = [kinds[n::count] for n in range(count)]
        for share in [
            pool.submit(check_strategies, share, seed=seed, on_report=note) for share in shares
        ]:
            share.result()
    order = [kind.name for kind in kinds]
    return sorted(found, key=lambda report: order.index(report.strategy))


def _tell(reports: Sequence[GateReport]) -> Iterator[RenderableType]:
    from actors.app.render import grid, plain

    columns = [("check", "left"), ("outcome", "left"), ("found", "fold")]
    for report in reports:
        yield f"{report.strategy}: {'passed' if report.passed else 'NOT passed'}"
        if len(reports) > 1 and report.passed:
            continue
        yield grid(
            columns,
            ((each.name, _MARKS[each.passed], plain(each.detail)) for each in report.checks),
        )
