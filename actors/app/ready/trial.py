"""The trial: a daemon is killed on its way and started again, and comes to the end of its run.

Beside it the same config is run without any daemon: the two histories must be one.  What is
measured is read from the journal that the daemon left, not from what it said.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from actors.app.experiment import prepare, run_experiment
from actors.app.packaged import config_file
from actors.app.proof import prove
from actors.app.ready.checks import judge
from actors.app.ready.found import Trial
from actors.app.ready.process import ServedProcess, words_of
from actors.app.settings import load_settings
from actors.journal.chain import Head
from actors.journal.reader import JournalReader, open_run
from actors.runtime import WallClock
from arena.events import CapitalConservationCheck, Event
from arena.treasury import capital_breakdown

STEPS = ("backtest", "kill", "resume", "verify")
"""What a trial consists of."""


def ready(
    folder: Path,
    *,
    agents: int,
    days: int,
    seed: int,
    on_step: Callable[[int], None] = lambda _: None,
) -> Trial:
    """Put the system on trial, and return what was found.

    Args:
        folder: An empty one, for the runs.
        agents: How many are spawned at first.
        days: How many are settled.
        seed: The root of all randomness.
        on_step: Called after each of `STEPS` with how many are done.

    Raises:
        TrialError: The daemon did not do what it was to do.
    """
    config = config_file(Path("quickstart"))
    sets = (
        f"run.seed={seed}",
        f"run.days={days}",
        f"population.agents={agents}",
        f"evolution.agents_max={2 * agents}",
    )
    trial = Trial(days, agents, seed)
    trial.cycle_days = load_settings(config, sets).evolution.cycle_days
    run = folder / "served"
    steps: dict[str, Callable[[], None]] = {
        "backtest": lambda: _run_without_a_daemon(trial, config, sets, folder / "backtest"),
        "kill": lambda: _serve_and_kill(trial, config, sets, run),
        "resume": lambda: _resume(trial, config, sets, run),
        "verify": lambda: _verify(trial, run),
    }
    for number, name in enumerate(STEPS, start=1):
        with trial.timed(name):
            steps[name]()
        on_step(number)
    trial.checks = judge(trial)
    return trial


def _run_without_a_daemon(trial: Trial, config: Path, sets: tuple[str, ...], folder: Path) -> None:
    folder.mkdir()
    prepared = prepare(config, sets, now=WallClock().stamp())
    trial.backtest = asyncio.run(run_experiment(prepared, folder))


def _serve_and_kill(trial: Trial, config: Path, sets: tuple[str, ...], run: Path) -> None:
    """Kill a daemon in the middle of its run."""
    with ServedProcess(config, run, "--no-web", *words_of(sets)) as daemon:
        status = daemon.wait_for_tick(max(trial.days // 3, 1))
        daemon.kill()
    trial.killed_at = status["tick"], status["seq"]


def _resume(trial: Trial, config: Path, sets: tuple[str, ...], run: Path) -> None:
    """Start it again, let it come to the end of its run, and stop it."""
    with ServedProcess(config, run, "--no-web", *words_of(sets)) as daemon:
        trial.resumed_at = daemon.wait_for_tick(0)["tick"]
        status = daemon.wait_for_tick(trial.days)
        while status["state"] != "completed":
            status = daemon.wait_for_tick(trial.days)
        trial.said = Head(status["seq"], status["hash"])
        trial.exit_code = daemon.terminate()


def _verify(trial: Trial, run: Path) -> None:
    """Look at the journal from its first byte on."""
    trial.proof = prove(str(run), deep=True)
    with open_run(run) as stored:
        trial.counts, trial.audits = _count(stored)
        trial.trades = stored.trade_totals()
    if trial.proof.treasury is not None:
        trial.capital = capital_breakdown(trial.proof.treasury)


def _count(run: JournalReader) -> tuple[Counter[str], tuple[int, int]]:
    """Return how many events of each type there are, how many audits, and how many balanced."""
    counts: Counter[str] = Counter()
    balanced = 0
    for _, event in run.facts():
        counts[type(event).__name__] += 1
        balanced += _balances(event)
    return counts, (counts[CapitalConservationCheck.__name__], balanced)


def _balances(event: Event) -> bool:
    return (
        isinstance(event, CapitalConservationCheck)
        and event.rows_agree
        and not event.real_sum
        and not event.virtual_sum
    )
