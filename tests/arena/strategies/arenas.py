"""One strategy, one market, one arena: everything real, from the feed to the desk to the journal.

market = a_market({**bars_of("BTC", [100.0] * 60), "BTC.funding": np.full(60, 0.0003)})
found = play(ArbitrageHunter, market, [BTC, perpetual("BTC")], edge_min_bps=0.0)
found.fills, found.refused, found.navs, found.failures, found.liquidations

answers(drawn(ArbitrageHunter, FULL.values(), 7), torn(full_market(), 7))    no arena: fast
"""

from __future__ import annotations

import asyncio
import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from actors.app.arena import Arena
from actors.app.settings.instruments import full_instruments
from arena.agents import Agent
from arena.costs import CostModel
from arena.events import AgentFailed, TickSettled
from arena.evolution import draw_parameters
from arena.experiment import Experiment, MarketFacts
from arena.ids import AgentId
from arena.instruments import Instrument, Kind, derive
from arena.instruments.perpetual import sum_settlements
from arena.market import DAY_S, Floats, Market, MarketView, Provenance, Series, restrict
from arena.money import MICRO
from arena.orders import Fill, FillCause, RefusedOrder
from arena.prices import YEAR_2020, simulate_market
from arena.seed import Seed
from arena.strategies import BUILT_IN, BookView, Decision, Quotes, Strategy, check_decision
from arena.words import Scalar
from tests.arena.builders import QUIET, an_experiment, usd, with_rules

COSTS = CostModel()
"""What trading costs where nobody says otherwise."""

ALONE = with_rules(QUIET, evolution={"cycle_days": 1_000_000})
"""Nobody else is born, and no cycle ever comes."""

BTC, ETH, SOL = (Instrument(name, Kind.SPOT) for name in ("BTC", "ETH", "SOL"))


def perpetual(coin: str, leverage_max: float = 5.0) -> Instrument:
    """Return the perpetual on a coin, as the full universe has it."""
    return Instrument(
        f"{coin}-PERP",
        Kind.PERPETUAL,
        underlying=coin,
        leverage_max=leverage_max,
        maintenance=0.01,
    )


def staked(coin: str) -> Instrument:
    """Return the staking token of a coin."""
    return Instrument(f"{coin}-STAKED", Kind.STAKING, "lido", underlying=coin)


XVENUE = Instrument("BTC-XVENUE", Kind.SPREAD, underlying="BTC")

Columns = dict[str, Floats]


def bars_of(coin: str, closes: Sequence[float] | Floats, *, volume: float = 1e9) -> Columns:
    """Return the bars of a coin that opens where it closed, and goes straight to its close."""
    after = np.asarray(closes, dtype=np.float64)
    opens = np.concatenate((after[:1], after[:-1]))
    opens = np.where(np.isnan(opens), after, opens)
    return {
        f"{coin}.open": opens,
        f"{coin}.high": np.maximum(opens, after),
        f"{coin}.low": np.minimum(opens, after),
        f"{coin}.close": after,
        f"{coin}.volume": np.where(np.isnan(after), np.nan, volume),
    }


def a_market(
    columns: Mapping[str, Floats], *, opens_at: int = YEAR_2020, bar_s: int = DAY_S
) -> Market:
    """Return a market of these columns."""
    values = np.column_stack([*columns.values()])
    return Market(
        opens_at=opens_at + bar_s * np.arange(len(values), dtype=np.int64),
        series=tuple(Series(name, "", Provenance.SYNTHETIC) for name in columns),
        values=values,
        periods_per_year=365 * DAY_S // bar_s,
        bar_s=bar_s,
    )


@dataclass(frozen=True)
class Played:
    """What became of one agent.

    Attributes:
        agent: At the end.
        settled: Every tick.
        failures: What its strategy raised, or answered wrongly.
    """

    agent: Agent
    settled: list[TickSettled]
    failures: list[AgentFailed]

    @property
    def fills(self) -> list[Fill]:
        """Its own trades, and its liquidations."""
        return [fill for tick in self.settled for fill in tick.fills]

    @property
    def refused(self) -> list[RefusedOrder]:
        """Its orders that were refused."""
        return [order for tick in self.settled for order in tick.refused]

    @property
    def liquidations(self) -> list[Fill]:
        """What the venue closed."""
        return [fill for fill in self.fills if fill.cause is FillCause.LIQUIDATION]

    @property
    def navs(self) -> list[float]:
        """Unit NAV at each close."""
        return [float(nav) for nav in self.agent.navs]

    @property
    def costs(self) -> float:
        """Fees, slippage and gas, USD."""
        return sum(fill.costs for fill in self.fills) / MICRO


def play(
    kind: type[Strategy],
    market: Market,
    instruments: Sequence[Instrument],
    *,
    costs: CostModel = COSTS,
    warmup: int = 30,
    **parameters: Scalar,
) -> Played:
    """Let one agent of `kind` trade `market` with 10,000 dollars of play money, to its end."""
    named = {each.name: each for each in instruments}
    made = derive(market, named)
    experiment = an_experiment(
        costs=costs,
        rules=ALONE,
        instruments=named,
        market=_facts(made, warmup),
        catalog=BUILT_IN,
    )
    return asyncio.run(_play(experiment, made, kind.name, parameters))


def _facts(market: Market, warmup: int) -> MarketFacts:
    return MarketFacts(
        source="synthetic",
        opens_at=datetime.fromtimestamp(int(market.opens_at[warmup]), UTC).date().isoformat(),
        warmup=warmup,
        ticks=len(market) - warmup,
        periods_per_year=market.periods_per_year,
        badge="synthetic",
        series={},
    )


async def _play(
    experiment: Experiment, market: Market, name: str, parameters: Mapping[str, Scalar]
) -> Played:
    async with Arena(experiment, market) as arena:
        agent_id = await arena.spawn_agent(name, **parameters)
        await arena.backtest()
        await arena.complete()
        events = [event for _, event in await arena.replay_events()]
        agent = arena.treasury.find(agent_id)
    assert agent is not None
    return Played(
        agent,
        [event for event in events if isinstance(event, TickSettled)],
        [event for event in events if isinstance(event, AgentFailed)],
    )


def answers(strategy: Strategy, market: Market) -> list[Decision]:
    """Return a strategy's answer on every bar; its book becomes what it asked for.

    Each answer is checked.  What has no price today is kept, and what expired is gone.
    """
    view, memory, weights = MarketView(market), dict[str, object](), dict[str, float]()
    found: list[Decision] = []
    for row in range(len(market)):
        view.reveal(market.values[row : row + 1])
        weights = {name: each for name, each in weights.items() if not _expired(view, name)}
        cash = usd(10_000 * (1.0 - sum(weights.values())))
        book = BookView(AgentId("ada"), usd(10_000), cash, dict(weights), COSTS)
        decision = strategy.decide(view, book, memory)
        assert check_decision(decision, strategy.instruments) is None, (row, decision)
        json.dumps(memory, allow_nan=False)
        targets = decision.targets if isinstance(decision, Quotes) else decision
        if isinstance(targets, Mapping):
            stuck = {name: each for name, each in weights.items() if _is_dark(view, name)}
            asked = {
                name: each for name, each in targets.items() if each and not _is_dark(view, name)
            }
            weights = {**asked, **stuck}
        found.append(decision)
    return found


def _is_dark(view: MarketView, name: str) -> bool:
    column = f"{name}.close"
    return column not in view.columns or math.isnan(view.last(column))


def _expired(view: MarketView, name: str) -> bool:
    column = f"{name}.expires"
    return column in view.columns and view.last(column) == 1.0


def drawn(kind: type[Strategy], instruments: Sequence[Instrument], seed: int) -> Strategy:
    """Return a strategy with parameters drawn at random."""
    return kind(draw_parameters(kind, Seed(seed)), list(instruments), Seed(seed))


FULL = {table.name: table.instrument() for table in full_instruments()}
"""The full universe of the synthetic market."""


@cache
def full_market(bars: int = 300, seed: int = 11) -> Market:
    """Return the synthetic market with everything that can be held in it."""
    return derive(simulate_market(bars, Seed(seed).child("market"), universe="full"), FULL)


def torn(market: Market, seed: int, *, missing: float = 0.03) -> Market:
    """Return the market with holes: stretches of columns, rows, and whole columns not there."""
    dice, values = np.random.default_rng(seed), market.values.copy()
    for _ in range(60):
        column, start = dice.integers(values.shape[1]), dice.integers(len(values))
        values[start : start + dice.integers(1, 40), column] = np.nan
    values[dice.random(len(values)) < 0.02] = np.nan
    kept = np.flatnonzero(dice.random(values.shape[1]) >= missing)
    return Market(
        opens_at=market.opens_at.copy(),
        series=tuple(market.series[n] for n in kept),
        values=values[:, kept],
    )


def poisoned(market: Market, row: int, seed: int) -> Market:
    """Return the market with everything after `row` replaced by noise."""
    values = market.values.copy()
    values[row + 1 :] = np.random.default_rng(seed).lognormal(0.0, 3.0, values[row + 1 :].shape)
    return Market(opens_at=market.opens_at.copy(), series=market.series, values=values)


def check_answers(kind: type[Strategy], seed: int) -> None:
    """Assert that answers are answers, twice the same, in a market full of holes."""
    market, instruments = torn(full_market(), seed), [*FULL.values()]
    once = answers(drawn(kind, instruments, seed), market)
    assert answers(drawn(kind, instruments[::-1], seed), market) == once


def check_unspoiled(kind: type[Strategy], seed: int, row: int) -> None:
    """Assert that answers up to a bar are the same whatever comes after it."""
    market, instruments = full_market(), [*FULL.values()]
    told = answers(drawn(kind, instruments, seed), restrict(market, slice(row + 1)))
    spoilt = poisoned(market, row, seed)
    assert answers(drawn(kind, instruments, seed), spoilt)[: row + 1] == told


def check_traded(found: Played) -> None:
    """Assert that an agent traded, and that nothing went wrong by its own fault."""
    assert found.fills
    assert found.failures == []
    assert found.refused == []


# Real data

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "crypto"

needs_data = pytest.mark.skipif(not DATA.exists(), reason=f"the real data is not here: {DATA}")


@cache
def real_market() -> Market:
    """Return real daily bars of BTC and ETH, 2020-01 to 2023-06, with Binance's real funding."""
    columns: Columns = {}
    for coin in ("BTC", "ETH"):
        rows = [row for row in _rows("daily_ohlcv.csv") if row["asset"] == coin]
        rows = [row for row in rows if row["date"] >= "2020-01-01"]
        for field in ("open", "high", "low", "close"):
            columns[f"{coin}.{field}"] = np.array([float(row[field]) for row in rows])
        columns[f"{coin}.volume"] = np.array([float(row["volume_usd"]) for row in rows])
        paid = [row for row in _rows("funding_8h_binance.csv") if row["asset"] == coin]
        columns[f"{coin}.funding"] = sum_settlements(
            np.array([_seconds(row["time_utc"]) for row in paid]),
            np.array([float(row["funding_rate"]) for row in paid]),
            YEAR_2020 + DAY_S * np.arange(len(rows), dtype=np.int64),
            bar_s=DAY_S,
        )
    return a_market(columns)


@cache
def real_venues() -> Market:
    """Return real 8 h bars of BTC at Bybit, 2023-01 to 2023-06, and how far OKX's closes are off.

    The two share their bars; others do not, and must not be compared with them.
    """
    spot = {
        (row["venue"], row["bar_open_utc"]): row
        for row in _rows("perp_spot_8h.csv")
        if row["asset"] == "BTC" and row["contract"] == "spot"
    }
    stamps = sorted(at for venue, at in spot if venue == "bybit" and ("okx", at) in spot)
    ours, theirs = ([spot[venue, at] for at in stamps] for venue in ("bybit", "okx"))
    columns = {
        f"BTC.{field}": np.array([float(row[field]) for row in ours])
        for field in ("open", "high", "low", "close")
    }
    closes = np.array([float(row["close"]) for row in theirs])
    columns["BTC.venue_spread"] = closes / columns["BTC.close"] - 1.0
    columns["BTC.volume"] = np.full(len(stamps), 1e9)
    return a_market(columns, opens_at=_seconds(stamps[0]), bar_s=DAY_S // 3)


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _seconds(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp).timestamp())
