"""One question to a strategy: a market up to now, a book, and its answer.

view = seen(bars_of("BTC", closes), [BTC])
born(MarketMaker, [BTC], coin="BTC").decide(view, a_book(BTC=0.3), {})

check_any_book(MarketMaker, 7)    whatever is held, and however much of it was taken by force
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from arena.costs import CostModel
from arena.ids import AgentId
from arena.instruments import Instrument, derive
from arena.market import Floats, Market, MarketView
from arena.seed import Seed
from arena.strategies import BookView, Strategy, check_decision
from arena.words import Scalar
from tests.arena.builders import usd
from tests.arena.strategies.arenas import FULL, a_market, drawn, full_market, torn


def seen(columns: Mapping[str, Floats], instruments: Iterable[Instrument]) -> MarketView:
    """Return the view at the last bar of these columns, and of what is derived from them."""
    market = derive(a_market(columns), {each.name: each for each in instruments})
    return shown(market)


def shown(market: Market) -> MarketView:
    """Return the view at a market's last bar."""
    view = MarketView(market)
    view.reveal(market.values)
    return view


def a_book(equity: float = 10_000, /, **weights: float) -> BookView:
    """Return a book; `_` in a name stands for `-`."""
    held = {name.replace("_", "-"): weight for name, weight in weights.items()}
    cash = usd(equity * (1.0 - sum(held.values())))
    return BookView(AgentId("ada"), usd(equity), cash, held, CostModel())


def born(kind: type[Strategy], instruments: Sequence[Instrument], **changes: Scalar) -> Strategy:
    """Return a strategy with its defaults, but for `changes`."""
    parameters = {**kind.defaults(), **changes}
    kind.check_settings(parameters)
    return kind(parameters, instruments, Seed(1))


def check_any_book(kind: type[Strategy], seed: int) -> None:
    """Assert that an answer is one whatever is held, in a market full of holes.

    Some of it is larger than it may be, some is of another kind, and equity may be gone.
    """
    dice, market = np.random.default_rng(seed), torn(full_market(), seed)
    strategy, view, memory = drawn(kind, [*FULL.values()], seed), MarketView(market), {}
    for row in range(len(market)):
        view.reveal(market.values[row : row + 1])
        names = dice.choice(sorted(FULL), size=dice.integers(0, 4), replace=False).tolist()
        sizes = {name: float(dice.uniform(*_bounds(FULL[name]))) for name in names}
        equity = float(dice.choice([10_000.0, 10_000.0, 3.0, 0.000001, 0.0, -50.0]))
        held = sizes if equity > 0 else {}
        book = BookView(AgentId("ada"), usd(equity), usd(equity), held, CostModel())
        decision = strategy.decide(view, book, memory)
        assert check_decision(decision, strategy.instruments) is None, (row, held, decision)
        json.dumps(memory, allow_nan=False)


def _bounds(instrument: Instrument) -> tuple[float, float]:
    return 1.5 * instrument.weight_low, 1.5 * instrument.weight_high
