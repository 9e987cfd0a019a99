"""Locks: of many processes that want to write a run one does, and one that was robbed cannot.

A round is a race and a robbery.  In the race, twenty processes resume one run at once; all but one
end with exit code 5 and name the one that writes.  In the robbery, the writer is stopped, its lock
file deleted, and another one started, which sees no lock; when the first one goes on, the journal
refuses what it writes.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

from tests.kills.children import PATIENCE_S, Child, ending
from tests.kills.cli import QUICKSTART, arena
from tests.kills.runs import history
from tests.kills.tally import Tally

RIVALS = 20
LOCKED = 5
INTERRUPTED = 130
LONG = ("--set", "run.days=3000", "--set", "population.agents=10")
"""A run that does not end while it is looked at."""

GLANCE_S = 0.02


def contend(folder: Path, kills: int, seed: int, *, show: Callable[[str], None]) -> Tally:
    """Race and rob for `kills` rounds."""
    random, tally = Random(seed), Tally("rivals for the lock")
    begun = folder / "begun"
    with ending(arena(folder / "begun-said", "run", QUICKSTART, *LONG, "--out", begun)) as first:
        _wait_for_more(begun, 0, first)
        _stop(first, tally)
    for number in range(kills):
        race = Path(shutil.copytree(begun, folder / f"race-{number}"))
        robbery = Path(shutil.copytree(begun, folder / f"robbery-{number}"))
        _race(race, tally)
        _rob(robbery, random, tally)
        tally.size += 1
        show(f"{tally.size} of {kills} rounds, {tally.kills} refused")
    return tally


def _race(run: Path, tally: Tally) -> None:
    """Have everybody resume `run` at once."""
    gate, push = os.pipe()
    said = run.with_name(f"{run.name}-said")
    with ExitStack() as stack:
        rivals = [
            stack.enter_context(ending(_resume(said / str(number), run, wait=gate)))
            for number in range(RIVALS)
        ]
        began = time.monotonic()
        os.write(push, bytes(RIVALS))
        losers = _losers(rivals, began, tally)
        winners = [rival for rival in rivals if rival not in losers]
        for loser in losers:
            named = f"is being written by process {winners[0].pid};" in loser.said()
            if loser.code() != LOCKED or not named:
                tally.found(f"{run.name}: exit {loser.code()}: {loser.said()}")
        tally.kills += len(losers)
        _stop(winners[0], tally)
    os.close(gate)
    os.close(push)
    _check(run, tally)


def _losers(rivals: Sequence[Child], began: float, tally: Tally) -> list[Child]:
    """Wait until all but one have ended, and return them."""
    losers: list[Child] = []
    while len(losers) < len(rivals) - 1:
        left = [rival for rival in rivals if rival not in losers]
        ready = select.select([rival.alive for rival in left], [], [], PATIENCE_S)[0]
        assert ready, f"{len(left)} processes write one run"
        losers += [rival for rival in left if rival.alive in ready and rival.ended(0.0)]
        tally.note("s to the last refusal", time.monotonic() - began)
    return losers


def _rob(run: Path, random: Random, tally: Tally) -> None:
    """Stop the writer of `run`, take its lock away, let another one write, and let it go on."""
    said = run.with_name(f"{run.name}-said")
    with ending(_resume(said / "first", run)) as first:
        _wait_for_more(run, len(history(run)), first)
        first.ended(random.uniform(0.0, 0.2))
        _stop_between_transactions(run, first)
        stopped_at = len(history(run))
        (run / "run.lock").unlink()
        with ending(_resume(said / "second", run)) as second:
            _wait_for_more(run, stopped_at, second)
            first.send(signal.SIGCONT)
            if first.code() != LOCKED:
                tally.found(f"{run.name}: the robbed one: exit {first.code()}: {first.said()}")
            tally.kills += 1
            tally.acked += stopped_at
            _stop(second, tally)
    tally.lost += max(0, stopped_at - len(history(run)))
    _check(run, tally)


def _stop_between_transactions(run: Path, child: Child) -> None:
    """Stop `child` where it does not hold the database: who waits for that is not robbed."""
    while True:
        child.send(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        with closing(sqlite3.connect(run / "run.db", timeout=0, isolation_level=None)) as probe:
            try:
                probe.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                child.send(signal.SIGCONT)
                child.ended(GLANCE_S)
            else:
                probe.execute("ROLLBACK")
                return


def _resume(folder: Path, run: Path, wait: int | None = None) -> Child:
    return arena(folder, "run", "--resume", run, wait=wait)


def _wait_for_more(run: Path, entries: int, writer: Child) -> None:
    """Wait until more than so many entries are on record."""
    until = time.monotonic() + PATIENCE_S
    while len(history(run)) <= entries:
        assert not writer.ended(GLANCE_S), writer.said()
        assert time.monotonic() < until, f"nothing is written after seq {entries}"


def _stop(writer: Child, tally: Tally) -> None:
    """Interrupt who writes."""
    writer.send(signal.SIGTERM)
    if writer.code() != INTERRUPTED:
        tally.found(f"the writer: exit {writer.code()}: {writer.said()}")


def _check(run: Path, tally: Tally) -> None:
    verified = arena(run.with_name(f"{run.name}-verified"), "verify", run)
    if verified.code():
        tally.found(f"{run.name}: {verified.said('out')}{verified.said()}")
