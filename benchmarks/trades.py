"""Trades: validated and executed by the desk's session, beside a bare loop that does the same sums.

    python -m benchmarks.trades [--agents 1000] [--rounds 15] [--limits] [--json]

So many agents of a synthetic run trade every instrument at one open: what each one decided becomes
orders, each of which is held against the book and the limits and carried to the simulated venue.
With `--limits` every limit is set, so wide that none refuses.  The bare loop takes the same trades
as numbers, checks the cash, and books cash, units and costs in a list and two dicts.  Both are
measured in this process in turn; a ratio is the median over the pairs.  Time is this process's own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from actors.app.arena import Arena
from actors.app.markets import build_experiment, build_market
from actors.app.settings import make_settings
from actors.runtime import WallClock
from actors.venues import Session, simulated
from arena.bars import Bar, Bars
from arena.experiment import Experiment
from arena.limits import ProtocolLimit, TradingLimits
from arena.market import Market
from arena.money import MICRO, MONEY_MAX, Money
from arena.orders import Fill
from arena.treasury import Treasury

FEE, HALF_SPREAD = 0.001, 0.0005

clock = time.process_time


def a_run(agents: int, *, limits: bool) -> tuple[Experiment, Market]:
    """Return a run of so many agents."""
    tables = {
        "run": {"name": "trades", "days": 2},
        "population": {"agents": agents},
        "evolution": {"agents_max": agents},
        "ladder": {"gate_required": False},
    }
    settings = make_settings(tables)
    loaded = build_market(settings, Path(), now=WallClock().stamp())
    experiment = build_experiment(settings, loaded)
    if limits:
        terms = experiment.terms
        wide = TradingLimits(
            trade_min=Money(MICRO),
            trade_max=Money(MONEY_MAX),
            trades_per_day=1_000,
            slippage_bps_max=10_000.0,
            gas_max=Money(MONEY_MAX),
            positions=dict.fromkeys(terms.instruments, Money(MONEY_MAX)),
            protocols={name: ProtocolLimit(share_bp=10_000) for name in ("aave", "curve")},
        )
        experiment = replace(experiment, terms=replace(terms, limits=wide))
    return experiment, loaded.market


def bars_of(treasury: Treasury) -> Bars:
    """Return a bar of everything that has a mark, with enough volume for everyone."""
    return {
        name: Bar(mark, mark, high=mark * 1.02, low=mark * 0.98, volume=1e12)
        for name, mark in treasury.marks.items()
    }


async def trade_all(treasury: Treasury, bars: Bars) -> list[Fill]:
    """Trade every agent into equal parts of everything, and return the fills."""
    courier = simulated()
    courier.unsure = False
    session = Session(treasury, courier, treasury.tick + 1, bars)
    targets = dict.fromkeys(bars, 0.9 / len(bars))
    for agent_id in sorted(treasury.agents):
        await session.trade(agent_id, targets, ())
    if session.refused:
        raise AssertionError(f"{len(session.refused)} orders were refused: {session.refused[0]}")
    return session.fills


def book_all(trades: Sequence[tuple[str, str, float, float]], cash: int) -> int:
    """Book the trades with nothing around them; return how many there were."""
    purses: dict[str, int] = {}
    units: dict[tuple[str, str], float] = {}
    booked = []
    for agent, instrument, quantity, price in trades:
        paid = round(quantity * price * MICRO)
        fee, slippage = round(abs(paid) * FEE), round(abs(paid) * HALF_SPREAD)
        left = purses.get(agent, cash) - paid - fee - slippage
        if left < 0:
            raise AssertionError(f"{agent} has no cash for {instrument}")
        purses[agent] = left
        place = agent, instrument
        units[place] = units.get(place, 0.0) + quantity
        booked.append((agent, instrument, quantity, price, fee, slippage))
    return len(booked)


async def measure(agents: int, rounds: int, *, limits: bool) -> dict[str, float]:
    """Return what `rounds` pairs say about so many agents."""
    experiment, market = a_run(agents, limits=limits)
    async with Arena(experiment, market) as arena:
        await arena.backtest(1)
        treasury = arena.treasury
        bars = bars_of(treasury)
        fills = await trade_all(treasury, bars)
        trades = [(str(f.agent_id), f.instrument, f.quantity, f.price) for f in fills]
        gc.collect()
        gc.freeze()
        rates, ratios = [], []
        for _ in range(rounds):
            began = clock()
            await trade_all(treasury, bars)
            took = clock() - began
            began = clock()
            book_all(trades, MONEY_MAX)
            bare = clock() - began
            rates.append(len(fills) / took)
            ratios.append(bare / took)
    return {
        "agents": agents,
        "trades": len(fills),
        "trades_per_s": round(statistics.median(rates)),
        "trades_per_s_low": round(min(rates)),
        "trades_per_s_high": round(max(rates)),
        "ratio": round(statistics.median(ratios), 4),
    }


def main() -> None:
    """Measure, and print a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    row = asyncio.run(measure(options.agents, options.rounds, limits=options.limits))
    if options.json:
        print(json.dumps(row))
        return
    print("  ".join(f"{name} {value:,}" for name, value in row.items()))


if __name__ == "__main__":
    main()
