"""Signals: SIGTERM and SIGINT end a run between two ticks, a second one where it stands.

At whatever moment they come, the process ends by itself, the journal verifies, and the run that is
resumed ends as if nobody had asked it to stop.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.kills.children import Child
from tests.kills.cli import arena
from tests.kills.runs import KILLS_MAX, Undisturbed, ask, check_run, history
from tests.kills.tally import Tally

ASKED = (signal.SIGTERM, signal.SIGINT)
ENDS = (0, 130)
"""A run that had come to its end already, and one that was interrupted."""

SECOND = 0.25
"""How often a second signal follows the first."""


def signal_runs(
    folder: Path, kills: int, seed: int, *, days: int, show: Callable[[str], None]
) -> Tally:
    """Send signals to runs of `days` days at `kills` moments drawn from `seed`."""
    random, tally = Random(seed), Tally("signalled runs")
    undisturbed = Undisturbed(folder / "undisturbed", "--set", f"run.days={days}")
    while tally.kills < kills:
        run = folder / str(tally.size)
        _signal_one(undisturbed, run, kills, random, tally)
        tally.size += 1
        show(f"{tally.kills} of {kills} signals, {tally.size} runs")
    return tally


def _signal_one(
    undisturbed: Undisturbed, run: Path, kills: int, random: Random, tally: Tally
) -> None:
    """Interrupt the run in `run` until it gets through, and check its end."""
    said, kept = run.with_name(f"{run.name}-said"), 0
    for _ in range(KILLS_MAX):
        words = len(ask(run, "SELECT id FROM process_log"))
        lifetime_s = undisturbed.lifetime_s(run)
        child = arena(said, *undisturbed.words_for(run))
        asked = _interrupt(child, random, lifetime_s)
        if asked is None:
            break
        tally.kills += 1
        _check_end(run, child, asked, tally, words=words)
        now = history(run)
        if len(now) < kept or now != undisturbed.history[: len(now)]:
            tally.found(f"{run.name}: the history is another one after {asked.name}")
        kept = len(now)
        tally.acked += kept
        if tally.kills >= kills:
            break
    result = arena(said, *undisturbed.words_for(run)).result()
    if result["head"] != undisturbed.result["head"]:
        tally.found(f"{run.name}: the head is {result['head']}")
    check_run(run, undisturbed.history, tally)


def _interrupt(child: Child, random: Random, lifetime_s: float) -> signal.Signals | None:
    """Ask `child` to stop at a random moment; return how, or None if it ended before that."""
    asked, at = random.choice(ASKED), random.uniform(0.0, lifetime_s)
    twice, later_s = random.random() < SECOND, random.uniform(0.0, 0.1)
    if child.ended(at):
        return None
    child.send(asked)
    if twice and not child.ended(later_s):
        child.send(random.choice(ASKED))
    child.code()
    return asked


def _check_end(run: Path, child: Child, asked: signal.Signals, tally: Tally, *, words: int) -> None:
    """Check how the process ended, and what it left.

    SIGTERM ends it like any other process before the run has begun and after it was closed: then
    its last word in the log, if there is one, is that it stopped.

    Args:
        run: The run's folder.
        child: Has ended.
        asked: How it was asked.
        tally: Takes note.
        words: How many there were in the log before this process.
    """
    code, log = child.code(), ask(run, "SELECT kind FROM process_log ORDER BY id")
    if code == -signal.SIGTERM:
        if len(log) > words and log[-1] != ("stopped",):
            tally.found(f"{run.name}: SIGTERM ended a process in the middle of its run")
    elif code not in ENDS:
        tally.found(f"{run.name}: exit {code} after {asked.name}: {child.said()}")
    if (run / "run.db").exists():
        verified = arena(run.with_name(f"{run.name}-verified"), "verify", run)
        if verified.code():
            tally.found(f"{run.name}: after {asked.name}: {verified.said('out')}")
