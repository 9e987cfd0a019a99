"""Killed runs: whenever it was killed, and how often, a run ends as if it never had been.

A run is started, killed at a moment drawn from its whole lifetime, resumed, killed again, until it
gets through.  After each kill the journal holds a beginning of the undisturbed run's history, and
no less than before; after the last one it is that history.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from actors.app import experiment
from actors.app.folding import fold_run
from actors.journal.reader import open_run
from tests.kills.cli import QUICKSTART, arena
from tests.kills.tally import Tally

KILLS_MAX = 12
"""After so many, a run is left to come to its end."""

STARTS = 0.2
"""How much of a run's lifetime a start takes, at least."""

SCRIPTS = 2
"""How many of the kills hit the console script, imports included."""

Heads = list[tuple[int, str]]


class Undisturbed:
    """A run that nobody kills.

    Attributes:
        words: What it was started with.
        result: What it printed.
        history: Its entries: seq and hash.
        took_s: How long it took.
    """

    def __init__(self, folder: Path, *changes: str) -> None:
        self.words = ("run", QUICKSTART, "--seed", 7, *changes, "--json")
        child = arena(folder / "said", *self.words, "--out", folder / "run")
        self.result = child.result()
        with open_run(folder / "run") as run:
            fold_run(run)  # What it takes to decode an event, no child has to make again.
        self.history = history(folder / "run")
        self.took_s = child.took_s

    def lifetime_s(self, run: Path) -> float:
        """Return how long what is left of the run in `run` may take; at its end, a start."""
        left = 1.0 - len(history(run)) / len(self.history)
        return self.took_s * max(left, STARTS)

    def words_for(self, run: Path) -> Sequence[object]:
        """Return how to start the run in `run`, or to go on with it."""
        if (run / "run.db").exists():
            return ("run", "--resume", run, "--json")
        return (*self.words, "--out", run)


def kill_runs(
    folder: Path, kills: int, seed: int, *, days: int, show: Callable[[str], None]
) -> Tally:
    """Kill runs of `days` days at `kills` moments drawn from `seed`, and check what is left."""
    random, tally = Random(seed), Tally("killed runs")
    undisturbed = Undisturbed(folder / "undisturbed", "--set", f"run.days={days}")
    tally.note("s undisturbed", undisturbed.took_s)
    scripts = set(random.sample(range(kills), min(SCRIPTS, kills)))
    usual = experiment.SNAPSHOT_EVERY_S
    while tally.kills < kills:
        run = folder / str(tally.size)
        experiment.SNAPSHOT_EVERY_S = random.choice((0.0, usual))  # What a run begins with again.
        _kill_one(undisturbed, run, kills, random, tally, scripts)
        tally.size += 1
        show(f"{tally.kills} of {kills} kills, {tally.size} runs")
    experiment.SNAPSHOT_EVERY_S = usual
    return tally


def _kill_one(
    undisturbed: Undisturbed,
    run: Path,
    kills: int,
    random: Random,
    tally: Tally,
    scripts: set[int],
) -> None:
    """Kill the run in `run` until it gets through, and check its end."""
    said, left = run.with_name(f"{run.name}-said"), 0
    for _ in range(KILLS_MAX):
        script = tally.kills in scripts
        at = random.uniform(0.0, undisturbed.lifetime_s(run) * (2.0 if script else 1.0))
        child = arena(said, *undisturbed.words_for(run), script=script)
        if not child.kill_after(at):
            assert child.code() == 0, child.said()
            if not left:  # The machine has more time for it than it had.
                undisturbed.took_s = child.took_s
            break
        tally.kills += 1
        tally.acked += left
        kept = history(run)
        tally.lost += max(0, left - len(kept))
        if kept != undisturbed.history[: len(kept)]:
            tally.found(f"{run.name}: killed after {at:.6f} s, the history is another one")
        left = len(kept)
        if tally.kills >= kills:
            break
    result = arena(said, *undisturbed.words_for(run)).result()
    for name in ("head", "state_hash", "run_id", "status"):
        if result[name] != undisturbed.result[name]:
            tally.found(f"{run.name}: {name} is {result[name]}")
    check_run(run, undisturbed.history, tally)


def check_run(run: Path, undisturbed: Heads, tally: Tally) -> None:
    """Check everything that lies in `run` after its end."""
    verified = arena(run.with_name(f"{run.name}-verified"), "verify", run)
    if verified.code():
        tally.found(f"{run.name}: {verified.said('out')}{verified.said()}")
    replayed = arena(run.with_name(f"{run.name}-replayed"), "replay", run, "--json")
    if not replayed.result()["match"]:
        tally.found(f"{run.name}: replayed, it has another state")
    if history(run) != undisturbed:
        tally.found(f"{run.name}: the history is another one")
    for problem in [*_beside(run, undisturbed), *_inside(run, dict(undisturbed))]:
        tally.found(f"{run.name}: {problem}")


def _beside(run: Path, undisturbed: Heads) -> list[str]:
    """Return what is wrong with the files beside the database."""
    lines = (run / "run.anchors.jsonl").read_text().splitlines()
    anchors = [(line["seq"], line["hash"]) for line in map(json.loads, lines)]
    known = {(0, anchors[0][1]), *undisturbed}
    found = [] if anchors == sorted(anchors) else ["the anchors are not in order"]
    found += [f"{anchor} is an anchor of nothing" for anchor in anchors if anchor not in known]
    if anchors[-1] != undisturbed[-1]:
        found.append(f"the last anchor is {anchors[-1]}")
    wal = run / "run.db-wal"  # Whoever reads leaves an empty one.
    if wal.exists() and wal.stat().st_size:
        found.append("the -wal file was not emptied")
    return found


def _inside(run: Path, undisturbed: dict[int, str]) -> list[str]:
    """Return what is wrong with the snapshots and the sums."""
    found = []
    snapshots = ask(run, "SELECT seq, state, state_hash, event_hash FROM snapshots")
    for seq, state, state_hash, event_hash in snapshots:
        if undisturbed.get(seq) != event_hash or sha256(state.encode()).hexdigest() != state_hash:
            found.append(f"the snapshot at {seq} is spoiled")
    sums = "SELECT book, sum(delta) FROM capital_ledger_legs GROUP BY book ORDER BY book"
    if ask(run, sums) != [("real", 0), ("virtual", 0)]:
        found.append(f"the books sum to {ask(run, sums)}")
    return found


def history(run: Path) -> Heads:
    """Return what is on record in `run`: seq and hash of every entry; nothing, if nothing is."""
    return ask(run, "SELECT seq, hash FROM events ORDER BY seq")


def ask(run: Path, sql: str) -> list[Any]:
    """Return the rows of a question to the database in `run`; none where there is no database."""
    database = run / "run.db"
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()
