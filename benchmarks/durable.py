"""Durable asks: agents ask the allocator at once, and every answer is on disk before it is given.

    python -m benchmarks.durable [--asks 40000] [--rounds 5] [--json] [--profile]

Each ask is a command of its own: an agent takes a dollar from the pool and gives it back, again and
again.  An answer means that the command was decided, hashed into the chain, and committed with
synchronous=FULL: its event, its ledger row, and its row of `commands`.

The limit is raw sqlite3 on the same disk in the same round: the very rows that the arena wrote,
made beforehand, in tables of the same columns and keys without triggers, 1,000 commands a commit.
The ratio of a round is taken inside it; what is printed is the median.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import json
import pstats
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from actors.allocator import Allocator
from actors.app.markets import build_experiment, build_market
from actors.app.settings import make_settings
from actors.journal.chain import Head, genesis_hash, link, run_id_of
from actors.journal.port import Batch
from actors.journal.sqlite import SqliteJournal
from actors.messages.allocator import API, AllocatorMessage, Answer
from actors.runtime import ActorSystem, Ref, WallClock
from arena.commands import AllocateCapital, ReturnCapital
from arena.events import AgentGraduated, AgentSpawned, ArenaOpened, Event
from arena.experiment import Experiment, manifest
from arena.ids import AgentId, agent_id
from arena.money import MICRO, Money
from arena.treasury import Treasury, fold
from arena.words import Layer

STAMP = "2020-01-01T00:00:00.000000Z"


COMMIT = 1000
"""Commands in a commit of the limit."""

TABLES = {
    "events": (
        "seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, event_type TEXT NOT NULL,"
        " type_version INTEGER NOT NULL, agent_id TEXT, timestamp TEXT NOT NULL,"
        " data TEXT NOT NULL, caused_by INTEGER, command_id TEXT, prev_hash TEXT NOT NULL,"
        " hash TEXT NOT NULL, recorded_at TEXT NOT NULL"
    ),
    "capital_ledger": (
        "event_seq INTEGER, line INTEGER, book TEXT, debit_account TEXT, credit_account TEXT,"
        " amount INTEGER, reason TEXT, PRIMARY KEY (event_seq, line)"
    ),
    "commands": (
        "command_id TEXT PRIMARY KEY, body_hash TEXT, first_seq INTEGER, last_seq INTEGER,"
        " digest TEXT"
    ),
}
"""The tables of the limit; the two later ones are WITHOUT ROWID, as ours are."""


PLACES = {"events": "seq", "capital_ledger": "event_seq", "commands": "last_seq"}
"""The column by which a table's rows fall into commits."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One round: answers per second, and the latency of each in seconds."""

    per_s: float
    latencies_s: Sequence[float]


def history(agents: int) -> tuple[Experiment, list[Event]]:
    """Return an experiment, and what has to happen for `agents` agents to be in the arena."""
    settings = make_settings({"run": {"name": "durable", "days": 30}})
    experiment = build_experiment(settings, build_market(settings, Path(), now=WallClock().stamp()))
    names = [agent_id(0, slot) for slot in range(1, agents + 1)]
    opened = ArenaOpened(
        name="durable", reserve=Money(0), proving=Money(0), arena=Money(1000 * agents * MICRO)
    )
    births = [
        AgentSpawned(
            agent_id=name,
            strategy="tactical_trader",
            family="tactical_trader",
            parameters={},
            generation=0,
            parents=(),
            virtual_capital=Money(0),
        )
        for name in names
    ]
    entries = [
        AgentGraduated(
            agent_id=name,
            from_layer=Layer.SIMULATION,
            to_layer=Layer.ARENA,
            rule="entry",
            metrics={},
        )
        for name in names
    ]
    return experiment, [opened, *births, *entries]


async def ask_durably(folder: Path, agents: int, asks: int) -> Measured:
    """Have `agents` agents ask, one command at a time each, until `asks` are answered."""
    experiment, events = history(agents)
    facts = manifest(experiment)
    run_id, head = run_id_of(facts), Head(0, genesis_hash(facts))
    journal = await SqliteJournal.create(folder, run_id, facts, {})
    entries = []
    for event in events:
        entries.append(link(head, run_id, event, timestamp=STAMP))
        head = Head(entries[-1].seq, entries[-1].hash)
    await journal.append(Batch(tuple(entries), tuple(events)))
    treasury = fold(Treasury(experiment), events)
    latencies: list[float] = []
    async with ActorSystem() as system:
        allocator = Allocator(treasury, journal, run_id=run_id, head=head, stamp=STAMP)
        ref = system.start(allocator)
        gc.collect()
        gc.freeze()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for name in treasury.agents:
                group.create_task(take_and_return(ref, name, asks // agents, latencies))
        took = time.perf_counter() - began
        gc.unfreeze()
    await journal.close()
    return Measured(asks // agents * agents / took, latencies)


async def take_and_return(
    ref: Ref[AllocatorMessage, Answer], name: AgentId, asks: int, latencies: list[float]
) -> None:
    """Ask `asks` times, and note how long each answer took."""
    for number in range(asks):
        kind = ReturnCapital if number % 2 else AllocateCapital
        command = kind(command_id=f"{number:06d}-{name}", agent_id=name, amount=Money(MICRO))
        began = time.perf_counter()
        answer = await ref.ask(command, timeout_s=60.0, lane=API)
        latencies.append(time.perf_counter() - began)
        if answer.refusal is not None:
            raise AssertionError(f"{name} was refused: {answer.refusal}")


def write_raw(folder: Path, source: Path, first_seq: int) -> float:
    """Write the rows of `source` from `first_seq` on with sqlite3 alone; return commands per s."""
    with closing(sqlite3.connect(source)) as made:
        columns = {
            table: ", ".join(row[1] for row in made.execute(f"PRAGMA table_info({table})"))
            for table in TABLES
        }
        rows = {
            table: made.execute(
                f"SELECT {names} FROM {table} WHERE {PLACES[table]} >= ?",
                (first_seq,),
            ).fetchall()
            for table, names in columns.items()
        }
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        for table, definition in TABLES.items():
            kind = "" if table == "events" else " WITHOUT ROWID"
            db.execute(f"CREATE TABLE {table} ({definition}){kind}")
        inserts = {
            table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(found[0]))})"
            for table, found in rows.items()
        }
        began = time.perf_counter()
        for start in range(0, len(rows["events"]), COMMIT):
            db.execute("BEGIN")
            for table, insert in inserts.items():
                db.executemany(insert, rows[table][start : start + COMMIT])
            db.execute("COMMIT")
        return len(rows["events"]) / (time.perf_counter() - began)


def measure(agents: int, asks: int) -> dict[str, float]:
    """Return one round: the limit, the arena, and what the one is of the other."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = asyncio.run(ask_durably(folder, agents, asks))
        limit = write_raw(folder, folder / "run.db", first_seq=2 * agents + 2)
    p = statistics.quantiles(found.latencies_s, n=100)
    return {
        "asks_per_s": found.per_s,
        "raw_per_s": limit,
        "ratio": found.per_s / limit,
        "p50_ms": p[49] * 1e3,
        "p99_ms": p[98] * 1e3,
    }


def show_profile(asks: int) -> None:
    """Print the functions in which the loop's thread spends its own time; the store has another."""
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as name:
        profile.runcall(asyncio.run, ask_durably(Path(name), 1000, asks))
    pstats.Stats(profile).sort_stats("tottime").print_stats(16)


def main() -> None:
    """Print the medians for 1,000 agents and for 50."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--asks", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", action="store_true", help="show where the loop's time goes")
    options = parser.parse_args()
    if options.profile:
        show_profile(options.asks)
        return
    results = []
    for agents in (1000, 50):
        rounds = [measure(agents, options.asks) for _ in range(options.rounds)]
        medians = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        results.append({"agents": agents, **medians})
    if options.json:
        print(json.dumps(results))
        return
    print("agents   asks/s   raw/s  ratio  p50 ms  p99 ms")
    for row in results:
        print(
            f"{row['agents']:6,}  {row['asks_per_s']:7,.0f} {row['raw_per_s']:7,.0f}"
            f"  {row['ratio']:5.2f}  {row['p50_ms']:6.2f}  {row['p99_ms']:6.2f}"
        )


if __name__ == "__main__":
    main()
