"""Make the golden journals of a release: `python tests/golden/make.py NAME`, with its own code.

A released journal is never made again; what it must always fold to stands beside it.  `run` is what
`arena run` leaves behind, and can be executed again; `stopped` is the same run, killed on its way;
`kinds` holds something of every kind of instrument; `verbs` was moved by hand.  Between them every
type of event occurs.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import platform
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from actors.app.arena import Arena
from actors.app.cli.root import cli
from actors.app.experiment import prepare, run_experiment
from actors.app.folding import fold_run
from actors.app.markets import build_experiment, build_market
from actors.app.settings import make_settings
from actors.journal.chain import run_id_of
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from actors.runtime import WallClock
from arena import __version__
from arena import commands as c
from arena.events import EVENT_TYPES
from arena.exceptions import AllocationError
from arena.experiment import manifest
from arena.ids import AgentId
from arena.market import MarketView
from arena.money import Money
from arena.orders import Order
from arena.policies import POLICIES, Policy
from arena.strategies import BUILT_IN, BookView, Decision, Memory, Strategy
from arena.words import Action

HERE = Path(__file__).parent
CONFIG = HERE.parents[1] / "config" / "quickstart.toml"

GATES = (
    'rules.seat.all=[{metric="age",op=">=",value=10},{metric="fitness",op=">",value=0.5}]',
    'rules.entry.all=[{metric="age",op=">=",value=7},{metric="total_return",op=">",value=0}]',
    'rules.kill=[{id="idle",once_at_age=28,all=[{metric="total_return",op="<",value=0.05}]}]',
    "ladder.proving_days_max=14",
    "ladder.seats_max=4",
    "evolution.births_base=1",
    "evolution.agents_max=24",
    "allocation.entrant_days=7",
    "allocation.move_min_bp=1",
)
"""Gates and rules under which much happens in few days."""


EASILY_PAUSED = "risk.pause_drawdown=-0.0001"


class Breaks(Strategy):
    """Breaks at every tick."""

    name = "breaks"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        raise ArithmeticError("this agent always breaks")


SETTINGS = ("run.seed=7", "run.days=70", "population.agents=16", *GATES)
STOPPED_ON = 40


class Killed(BaseException):
    """What the process would never have come to say."""


def make_run(folder: Path) -> None:
    """Leave behind in `folder` what `arena run` does."""
    sets = [word for each in SETTINGS for word in ("--set", each)]
    words = ["run", str(CONFIG), "--out", str(folder), "--quiet", *sets]
    cli.main(words, standalone_mode=False)


def make_kinds(folder: Path) -> None:
    """Leave behind in `folder` a run of all archetypes, on everything that can be held."""
    sets = ("run.seed=7", "run.days=60", "population.agents=24", EASILY_PAUSED, *GATES)
    words = [word for each in sets for word in ("--set", each)]
    config = CONFIG.with_name("phase1.toml")
    cli.main(["run", str(config), "--out", str(folder), "--quiet", *words], standalone_mode=False)


def make_stopped(folder: Path) -> None:
    """Leave behind in `folder` what is there of that run when it is killed."""

    def on_tick(tick: int) -> None:
        if tick == STOPPED_ON:
            raise Killed

    prepared = prepare(CONFIG, SETTINGS, now=WallClock().stamp())
    try:
        asyncio.run(run_experiment(prepared, folder, on_tick=on_tick))
    except Killed:
        return
    raise AssertionError("nobody killed it")


def make_verbs(folder: Path) -> None:
    """Leave behind in `folder` a run in which every type of event occurs."""
    asyncio.run(live(folder))


async def live(folder: Path) -> None:
    """Live through every type of event."""
    catalog = {**BUILT_IN, Breaks.name: Breaks}
    mix = {Breaks.name: 1, "tactical-trader": 2, "defi-yield-farmer": 2}
    tables: dict[str, Any] = {
        "run": {"name": "verbs", "seed": 7, "days": 49},
        "population": {"agents": 10, "mix": mix},
    }
    settings = make_settings(tables, (*GATES, EASILY_PAUSED), catalog=catalog)
    loaded = build_market(settings, HERE, now=None)  # type: ignore[arg-type]  # reads no file
    policies = dict(POLICIES)
    experiment = build_experiment(settings, loaded, catalog, policies)
    facts = manifest(experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
    async with Arena(experiment, loaded.market, journal) as life:
        await life.backtest(42)
        await use_verbs(life, policies)
        await life.backtest()
        await life.complete()


async def use_verbs(life: Arena, policies: dict[str, Policy]) -> None:
    """Do by hand what no rule would do in so short a run."""
    await life.emit_event("memo", {"n": 1, "text": "漢", "x": 0.1, "none": None, "yes": True})
    try:
        await life.allocate_micro(life.treasury.population()[0].agent_id, Money(10**15))
    except AllocationError:
        pass  # Refused, and that is on the record.
    else:
        raise AssertionError("nobody has so much")
    trader = life.treasury.population()[0].agent_id
    order = Order(order_id="by-hand", agent_id=trader, instrument="BTC", quantity=0.01)
    await life.desk.submit_trade(order)
    await life.desk.configure_protocol("aave", enabled=False)
    await life.desk.set_position_limit("ETH", "2500.00")
    await life.desk.emergency_stop("a fire drill")
    await life.backtest(1)
    await life.desk.emergency_resume("it was one")
    await life.mutate_agent(life.treasury.population()[0].agent_id)
    working = dict(policies)
    policies.clear()  # So that a cycle breaks.
    await life.safe_run_evolution()
    policies |= working
    await operate(life, trader)
    rules, shared = manifest(life.experiment), life.cast.allocator.head.hash
    fork = c.ForkRun(command_id="fork", parent_hash=shared, changes={}, manifest=rules)
    await life.send(fork)


async def operate(life: Arena, agent_id: AgentId) -> None:
    """Do to an agent, on somebody's behalf, what only an operator does."""
    acts: list[tuple[Action, c.Command | None]] = [
        (Action.PAUSE_AGENT, c.PauseAgent(command_id="pause", agent_id=agent_id)),
        (Action.UNPAUSE_AGENT, c.UnpauseAgent(command_id="unpause", agent_id=agent_id)),
        (Action.KILL, c.KillAgent(command_id="kill", agent_id=agent_id)),
        (Action.PAUSE, None),
        (Action.RESUME, None),
    ]
    for action, command in acts:
        await life.send(
            c.OnBehalf(
                command_id=f"op/{action}",
                by="ada",
                reason="to have done it",
                action=action,
                command=command,
            )
        )


def keep(run: Path, name: str) -> dict[str, Any]:
    """Pack the journal of `run` under `name`, and return what it must fold to."""
    with closing(sqlite3.connect(run / "run.db")) as connection:
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
    with open_run(run) as stored:
        treasury, head = fold_run(stored), stored.head()
        kinds = sorted({entry.event_type for entry in stored.entries()})
    packed = HERE / f"{name}.db.gz"
    with (run / "run.db").open("rb") as file, gzip.GzipFile(packed, "wb", mtime=0) as archive:
        shutil.copyfileobj(file, archive)
    return {
        "head": head.hash,
        "events": head.seq,
        "state_hash": treasury.state_hash(),
        "ticks": treasury.tick,
        "schema": schema,
        "missing": sorted(EVENT_TYPES.keys() - set(kinds)),
        "arena": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


MAKERS = {"run": make_run, "stopped": make_stopped, "kinds": make_kinds, "verbs": make_verbs}


def main(release: str) -> None:
    """Make the journals of `release`."""
    for kind, make in MAKERS.items():
        name = f"{release}-{kind}"
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder))
            facts = keep(Path(folder), name)
        text = json.dumps(facts, indent=2) + "\n"
        (HERE / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
