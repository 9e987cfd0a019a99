"""Killed runs with an emergency stop: after its event nothing is executed, in no later life.

A life carries the run on from what is on the disk, submits trades by hand and lets days pass.  One
of them stops all trading, on a day drawn, with trades pending and a day under way.  It is killed
anywhere.  The lives after it know nothing of the stop but what is on record.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.folding import fold_run
from actors.app.proof import prove
from actors.journal.chain import run_id_of
from actors.journal.files import FILE_NAME
from actors.journal.reader import JournalReader, open_run
from actors.journal.sqlite import SqliteJournal
from arena.experiment import manifest
from arena.ids import AgentId
from arena.orders import Order
from arena.treasury import Treasury
from arena.words import StopMode
from tests.kills.children import Child
from tests.kills.tally import Tally
from tests.worlds import a_run, with_open_gates

DAYS = 40
KILLS_PER_RUN = 8
HOLDER = AgentId("baseline-cash")


async def live(folder: Path, *, stop_on: int, mode: StopMode) -> None:
    """Carry the run on to its end, and stop all trading on one day, if that was not done."""
    experiment, market = a_run(days=DAYS, agents=8)
    experiment = with_open_gates(experiment)
    run_id = run_id_of(manifest(experiment))
    if (folder / FILE_NAME).exists():
        journal = await SqliteJournal.open(folder)
        with open_run(folder) as run:
            treasury = fold_run(run)
    else:
        journal = await SqliteJournal.create(folder, run_id, manifest(experiment), {})
        treasury = Treasury(experiment)
    start = Start(run_id, await journal.head(), treasury)
    async with Arena(experiment, market, journal, start=start) as arena:
        while arena.treasury.tick < DAYS:
            tick = arena.treasury.tick
            await submit(arena, tick)
            if tick == stop_on and not arena.treasury.stopped_seq:
                stop = arena.desk.emergency_stop("somebody pulled the plug", mode)
                await asyncio.gather(arena.backtest(1), stop)
            else:
                await arena.backtest(1)


async def submit(arena: Arena, tick: int) -> None:
    """Submit a trade for the next open, under an id that says for which."""
    name = f"hand-{tick}-{arena.treasury.seq}"
    order = Order(order_id=name, agent_id=HOLDER, instrument="BTC", quantity=0.01)
    await arena.desk.submit_trade(order)


def stop_runs(folder: Path, kills: int, seed: int, *, show: Callable[[str], None]) -> Tally:
    """Kill runs with a stop in them at `kills` moments drawn from `seed`."""
    random, tally = Random(seed), Tally("killed runs with an emergency stop")
    lifetime_s = 2.0
    while tally.kills < kills:
        run = folder / str(tally.size)
        run.mkdir(parents=True)
        mode = StopMode.WIND_DOWN if tally.size % 2 else StopMode.PAUSE
        words: dict[str, Any] = {"stop_on": random.randrange(3, 12), "mode": mode}
        for _ in range(min(KILLS_PER_RUN, kills - tally.kills)):
            child = _child(run, words)
            tally.kills += child.kill_after(random.uniform(0.0, lifetime_s))
        child = _child(run, words)
        if child.code():
            tally.found(f"{run.name}: the last life: {child.said()}")
        lifetime_s = max(child.took_s, 0.5)
        _check(run, tally)
        tally.size += 1
        show(f"{tally.kills} of {kills} kills, {tally.acked} trades, {tally.size} runs")
    return tally


def _child(run: Path, words: dict[str, Any]) -> Child:
    return Child(lambda: asyncio.run(live(run, **words)), run.with_name(f"{run.name}-said"))


def _check(run: Path, tally: Tally) -> None:
    """Check that nothing was executed after the stop but what it wound down itself."""
    if not prove(str(run)).ok:
        tally.found(f"{run.name} does not verify")
    with closing(open_run(run).connection) as db:
        rows = partial(_rows, db)
        ((stopped, mode),) = rows(
            "SELECT seq, iif(data LIKE '%wind_down%', 'wind_down', 'pause') FROM events"
            " WHERE event_type = 'TradingHalted'"
        )
        late = rows(
            "SELECT seq, order_id FROM trades INNER JOIN events USING (seq)"
            f" WHERE status = 'success' AND seq > {stopped} AND caused_by IS NOT {stopped}"
        )
        sold = rows(f"SELECT count(*) FROM events WHERE caused_by = {stopped}")[0][0]
        outcomes = Counter(order for (order,) in rows("SELECT order_id FROM trades"))
        steps = Counter(rows("SELECT order_id, step FROM execution_log"))
        submitted = {
            name
            for (name,) in rows(
                "SELECT order_id FROM execution_log INNER JOIN events ON seq = event_seq"
                " WHERE event_type = 'TradeSubmitted'"
            )
        }
    tally.acked += len(outcomes)
    tally.duplicates += sum(count > 1 for count in (*outcomes.values(), *steps.values()))
    for seq, order in late:
        tally.found(f"{run.name}: {order} was executed at seq {seq}, after the stop at {stopped}")
    if bool(sold) != (mode == StopMode.WIND_DOWN):
        tally.found(f"{run.name}: a {mode} sold {sold} times")
    with open_run(run) as reader:
        pending = fold_run(reader).pending
        _check_steps(reader, stopped, tally)
    tally.lost += len(submitted - outcomes.keys() - pending.keys())
    tally.note("stopped at", stopped)


def _check_steps(run: JournalReader, stopped: int, tally: Tally) -> None:
    """Check that what was pending when trading was stopped failed of it, and nothing else did."""
    for trade in run.trades():
        is_late = trade.seq >= stopped and trade.order_id.startswith("hand-")
        if is_late and trade.reason != "trading_halted":
            tally.found(f"{trade.order_id} ended with {trade.status}, {trade.reason}")


def _rows(db: Any, sql: str) -> list[Any]:
    found: list[Any] = db.execute(sql).fetchall()
    return found
