"""The first run: agents, a year of days, trading, fitness, and the journal on disk.

    python -m benchmarks.first_run [--agents 50] [--days 365] [--rounds 3] [--grow]

It prints agent-ticks per second and the ratio to the limit of any design with one task for each
agent: bare asyncio tasks that are woken on every tick and answer, and do nothing else.  Both are
measured in this process, one after the other, and the best of the rounds is taken.  By default the
population is held at its size; `--grow` lets it grow to 100 as the quickstart does.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from actors.app.arena import Arena
from actors.app.markets import build_experiment, build_market
from actors.app.settings import make_settings
from actors.journal.chain import run_id_of
from actors.journal.sqlite import SqliteJournal
from arena.experiment import Experiment, manifest
from arena.market import Market


async def bare_tasks(agents: int, ticks: int) -> float:
    """Return the seconds that `agents` tasks need to be woken and to answer `ticks` times."""
    loop = asyncio.get_running_loop()
    wakes: list[asyncio.Future[int]] = [loop.create_future() for _ in range(agents)]
    answered: asyncio.Future[None] = loop.create_future()
    count = 0

    async def agent(n: int) -> None:
        nonlocal count
        for _ in range(ticks):
            await wakes[n]
            wakes[n] = loop.create_future()
            count += 1
            if count == agents:
                answered.set_result(None)

    tasks = [loop.create_task(agent(n)) for n in range(agents)]
    await asyncio.sleep(0)
    started = time.perf_counter()
    for tick in range(ticks):
        count, answered = 0, loop.create_future()
        for wake in wakes:
            wake.set_result(tick)
        await answered
    elapsed = time.perf_counter() - started
    await asyncio.gather(*tasks)
    return elapsed


async def whole_run(experiment: Experiment, market: Market) -> tuple[float, int]:
    """Return the seconds of a whole run on disk, and its agent-ticks."""
    facts = manifest(experiment)
    with tempfile.TemporaryDirectory() as folder:
        journal = await SqliteJournal.create(Path(folder), run_id_of(facts), facts, {})
        agent_ticks = 0

        def count(_: int) -> None:
            nonlocal agent_ticks
            agent_ticks += len(arena.treasury.agents)

        started = time.perf_counter()
        async with Arena(experiment, market, journal) as arena:
            await arena.backtest(on_tick=count)
            await arena.complete()
        return time.perf_counter() - started, agent_ticks


def prepare(agents: int, days: int, *, grow: bool) -> tuple[Experiment, Market]:
    """Return the quickstart's run with another size."""
    settings = make_settings(
        {
            "run": {"name": "bench", "seed": 7, "days": days},
            "population": {"agents": agents},
            "evolution": {"agents_max": 100 if grow else agents},
            "ladder": {"gate_required": False},
        }
    )
    loaded = build_market(settings, Path(), now=datetime(2026, 1, 1, tzinfo=UTC))
    return build_experiment(settings, loaded), loaded.market


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--grow", action="store_true")
    options = parser.parse_args()
    experiment, market = prepare(options.agents, options.days, grow=options.grow)
    gc.freeze()
    runs = [asyncio.run(whole_run(experiment, market)) for _ in range(options.rounds)]
    wall_s, agent_ticks = min(runs)
    crowd = round(agent_ticks / options.days)
    limit_s = min(asyncio.run(bare_tasks(crowd, options.days)) for _ in range(options.rounds))
    rate, limit = agent_ticks / wall_s, crowd * options.days / limit_s
    print(
        json.dumps(
            {
                "agents": options.agents,
                "days": options.days,
                "agent_ticks": agent_ticks,
                "wall_s": round(wall_s, 3),
                "agent_ticks_per_s": round(rate),
                "bare_tasks_per_s": round(limit),
                "ratio": round(rate / limit, 4),
                "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
