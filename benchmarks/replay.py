"""Verifying and replaying a long journal, beside what the same bytes cost at the least.

    python -m benchmarks.replay [--events 200000] [--rounds 3] [--profile] [--json]

The journal is made with the arena's own code: small events (a note, capital to an agent, capital
from it), each the answer to a command of its own.  Measured are the chain alone, `arena verify`,
`--deep`, the fold that every reading command begins with, and the start of a resumed run: the file
opened, its anchors checked, the last snapshot read, the chain since then walked.  The snapshot is
taken a hundredth before the end.

The limits are measured in the same process on the same rows: to select them, to parse them with
`json.loads`, to hash them with `hashlib.sha256`.  The best of the rounds is taken.  `cpu_s` is what
this process used, and `elsewhere_s` the second one of `verify`.  `events_per_s` are those of the
longer of the two, which is the wall where nobody else has work for the machine; `ratio` compares it
with the limit `json.loads`.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import os
import pstats
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from itertools import islice
from pathlib import Path

from actors.app.folding import fold_run
from actors.app.proof import prove
from actors.app.resuming import find_start
from actors.app.snapshots import take_snapshot
from actors.journal.chain import HASHED, Head, genesis_hash, link, run_id_of
from actors.journal.files import create_database
from actors.journal.port import Batch, CommandRow
from actors.journal.reader import open_run
from actors.journal.store import Store
from actors.journal.walk import check_chain
from arena.events import (
    AgentGraduated,
    AgentSpawned,
    ArenaOpened,
    CapitalAllocated,
    CapitalReturned,
    Event,
    NoteRecorded,
)
from arena.experiment import Experiment, manifest
from arena.ids import agent_id
from arena.money import MICRO, Money
from arena.treasury import Treasury, fold
from arena.words import Book, Layer
from benchmarks.first_run import prepare

AGENTS = 50
STAMP = "2020-01-01T00:00:00.000000Z"
COMMIT = 1000
START = "start with a snapshot"
ENTRIES = f"SELECT {', '.join(HASHED)}, hash FROM events ORDER BY seq"


def small_events() -> Iterator[Event]:
    """Yield a history that never ends: agents come, then capital comes and goes."""
    yield ArenaOpened(name="replay", reserve=Money(0), proving=Money(0), arena=Money(MICRO**2))
    agents = [agent_id(0, slot) for slot in range(1, AGENTS + 1)]
    for agent in agents:
        virtual = Money(10_000 * MICRO)
        yield AgentSpawned(
            agent_id=agent,
            strategy="cash",
            family="cash",
            parameters={},
            generation=0,
            parents=(),
            virtual_capital=virtual,
        )
        yield CapitalReturned(
            agent_id=agent, amount=virtual, book=Book.VIRTUAL, target="bank", reason="graduation"
        )
        yield AgentGraduated(
            agent_id=agent,
            from_layer=Layer.SIMULATION,
            to_layer=Layer.ARENA,
            rule="entry",
            metrics={},
        )
    number = 0
    while True:
        for agent in agents:
            number += 1
            amount = Money(MICRO + number)
            yield NoteRecorded(kind="memo", data={"n": number})
            yield CapitalAllocated(
                agent_id=agent, amount=amount, source="pool:arena", reason="direct"
            )
            yield CapitalReturned(
                agent_id=agent,
                amount=amount,
                book=Book.REAL,
                target="pool:arena",
                reason="voluntary",
            )


def make_run(path: Path, experiment: Experiment, events: int) -> Head:
    """Write a run of `events` small events, with a snapshot near its end; return its head."""
    facts = manifest(experiment)
    run_id, head = run_id_of(facts), Head(0, genesis_hash(facts))
    create_database(path, run_id, facts, {})
    store, treasury = Store(path), Treasury(experiment)
    history = islice(small_events(), events)
    while batch := tuple(islice(history, COMMIT)):
        entries, commands = [], []
        for event in batch:
            name = f"c-{head.seq:09d}"
            entry = link(head, run_id, event, timestamp=STAMP, command_id=name)
            head = Head(entry.seq, entry.hash)
            entries.append(entry)
            commands.append(CommandRow(name, sha256(name.encode()).hexdigest(), *head[:1] * 2))
        store.append(Batch(tuple(entries), batch, {"tick": "0"}, tuple(commands)))
        fold(treasury, batch)
        if events - events // 100 - COMMIT < head.seq <= events - events // 100:
            store.save_snapshot(take_snapshot(treasury, head, {}))
    let_go(store)
    return head


def let_go(store: Store) -> None:
    """Close a store, as its journal does."""
    store.finish()
    store.connection.close()
    store.release()


def start(path: Path, experiment: Experiment) -> None:
    """Do what a resumed run does before it goes on."""
    store = Store(path)
    with open_run(path) as run:
        find_start(run, experiment, store.snapshots())
    let_go(store)


def chain(path: Path) -> None:
    """Check the chain alone."""
    with open_run(path) as run:
        check_chain(run.connection, Head(0, genesis_hash(run.manifest())))


def replay(path: Path) -> None:
    """Fold the events."""
    with open_run(path) as run:
        fold_run(run)


def select(path: Path) -> None:
    """Read every column that is hashed, and no more."""
    with closing(sqlite3.connect(path)) as connection:
        for _ in connection.execute(ENTRIES):
            pass


def measures(path: Path, experiment: Experiment) -> dict[str, Callable[[], object]]:
    """Return what is measured, by name; the limits first."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(ENTRIES).fetchall()
    data = [row[HASHED.index("data")] for row in rows]
    hashed = ["".join(map(str, row[:-1])).encode() for row in rows]
    return {
        "limit: SELECT": lambda: select(path),
        "limit: sha256": lambda: [sha256(each).hexdigest() for each in hashed],
        "limit: json.loads": lambda: [json.loads(each) for each in data],
        "chain": lambda: chain(path),
        "replay": lambda: replay(path),
        "verify": lambda: prove(str(path)),
        "verify --deep": lambda: prove(str(path), deep=True),
        START: lambda: start(path, experiment),
    }


def measure(work: Callable[[], object]) -> tuple[float, float, float]:
    """Return the seconds that `work` takes: by the clock, of processor here, and elsewhere."""
    gc.collect()
    before, began = os.times(), time.perf_counter()
    work()
    wall, after = time.perf_counter() - began, os.times()
    used = after.user + after.system - before.user - before.system
    children = after.children_user + after.children_system
    return wall, used, children - before.children_user - before.children_system


def report(events: int, rounds: int, path: Path) -> dict[str, dict[str, float]]:
    """Make the run, measure, and return the figures by name."""
    experiment, _ = prepare(AGENTS, 30, grow=False)
    made = make_run(path, experiment, events)
    found = prove(str(path))
    if not found.ok or found.report.head != made:
        raise SystemExit(f"the benchmark's own run does not verify: {found.findings[:3]}")
    works = measures(path, experiment)
    gc.freeze()  # The limits' rows, which no command has in memory.
    best = {name: min(measure(work) for _ in range(rounds)) for name, work in works.items()}
    limit = best["limit: json.loads"][1]
    return {
        name: {
            "wall_s": round(wall, 3),
            "cpu_s": round(used, 3),
            "elsewhere_s": round(elsewhere, 3),
            "events_per_s": round(events / max(used, elsewhere)),
            "ratio": round(limit / max(used, elsewhere), 3),
        }
        for name, (wall, used, elsewhere) in best.items()
    }


def profile(path: Path) -> None:
    """Print where `verify` spends its time; the second process is not seen."""
    profiler = cProfile.Profile()
    profiler.runcall(prove, str(path))
    pstats.Stats(profiler).sort_stats("tottime").print_stats(15)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.db"
        figures = report(options.events, options.rounds, path)
        if options.json:
            print(json.dumps({"events": options.events, "figures": figures}))
        else:
            for name, row in figures.items():
                print(f"{name:24}", *(f"{key} {value:<12,}" for key, value in row.items()))
        if options.profile:
            profile(path)


if __name__ == "__main__":
    main()
