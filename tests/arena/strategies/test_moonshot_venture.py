"""The venture lets winners run and cuts losers; who dies costs a ticket and no more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.instruments import Instrument, Kind
from arena.market import Floats
from arena.money import MICRO
from arena.prices import add_series
from arena.seed import Seed
from arena.strategies import HOLD, MoonshotVenture
from arena.words import Scalar
from tests.arena.strategies.arenas import (
    BTC,
    ETH,
    FULL,
    Columns,
    Played,
    a_market,
    bars_of,
    check_answers,
    check_traded,
    check_unspoiled,
    full_market,
    needs_data,
    play,
    real_market,
)
from tests.arena.strategies.books import a_book, born, check_any_book, seen

DAYS = 120
FLAT = np.full(DAYS, 100.0)
DAY = np.arange(DAYS)


def token(name: str) -> Instrument:
    return Instrument(name, Kind.SPOT)


def rising(rate: float, until: int = DAYS, then: float = 0.0) -> Floats:
    """Return closes that grow by `rate` a day up to day `until`, and by `then` afterwards."""
    return 0.1 * np.cumprod(np.where(until > DAY, 1.0 + rate, 1.0 + then))


def venture(tokens: dict[str, Floats], **parameters: Scalar) -> Played:
    """Return what one venture makes of small tokens, beside a large coin that is flat."""
    columns: Columns = bars_of("BTC", FLAT)
    for name, closes in tokens.items():
        columns |= bars_of(name, closes, volume=60_000.0)
    offered = [BTC, *(token(name) for name in tokens)]
    return play(MoonshotVenture, a_market(columns), offered, **parameters)


class TestTickets:
    def test_a_winner_pays_for_all_that_die(self) -> None:
        """One of eight grows a hundredfold, the others rise a little and are gone in a week."""
        dead = {f"DEAD-{n}": rising(0.02, 40, -0.5) for n in range(7)}
        found = venture({**dead, "STAR": rising(0.05)})

        check_traded(found)
        assert len({fill.instrument for fill in found.fills}) == 8
        assert found.agent.nav > 1.5
        assert set(found.agent.portfolio.positions) == {"STAR"}

    def test_where_all_die_it_loses_its_tickets_and_no_more(self) -> None:
        dead = {f"DEAD-{n}": rising(0.02, 40, -0.5) for n in range(12)}
        found = venture(dead, tickets_max=8, ticket_share=0.04)

        check_traded(found)
        assert 1.0 - 8 * 0.04 < found.agent.nav < 0.95
        assert found.agent.portfolio.positions == {}

    def test_it_stands_aside_where_nothing_rises_and_where_nothing_is_small(self) -> None:
        assert venture({"DULL": rising(0.0)}).fills == []
        assert venture({}).fills == []

    def test_it_holds_no_more_tickets_than_it_may_and_takes_the_strongest(self) -> None:
        found = venture({f"MOON-{n}": rising(0.02 + n / 500) for n in range(9)}, tickets_max=3)

        check_traded(found)
        assert set(found.agent.portfolio.positions) == {"MOON-6", "MOON-7", "MOON-8"}
        assert len(found.fills) == 3

    def test_tickets_are_equal_and_a_winner_is_left_alone(self) -> None:
        found = venture({"A": rising(0.03), "B": rising(0.04)}, ticket_share=0.05)

        check_traded(found)
        sizes = [fill.quantity * fill.price for fill in found.fills]
        assert sizes == pytest.approx([500.0, 500.0], abs=1.0)
        assert found.agent.equity / MICRO > 10_500

    def test_what_is_delisted_is_gone_and_forgotten(self) -> None:
        closes = np.where(DAY < 60, rising(0.03), math.nan)
        columns = {
            **bars_of("BTC", FLAT),
            **bars_of("GONE", closes, volume=60_000.0),
            "GONE.expires": np.where(DAY < 60, DAY == 59, math.nan),
        }
        found = play(MoonshotVenture, a_market(columns), [BTC, token("GONE")])

        check_traded(found)
        assert len(found.fills) == 1
        assert found.agent.portfolio.positions == {}
        assert found.agent.nav > 1.0

    def test_what_is_old_is_left_to_others(self) -> None:
        closes = np.where(DAY < 20, math.nan, rising(0.03))

        assert venture({"LATE": closes}, age_max_days=40).fills
        assert venture({"EARLY": rising(0.03)}, age_max_days=25).fills == []


class TestAnswers:
    """A token at 0.1 that rose by 3 % a day, and what is noted of it."""

    @staticmethod
    def ask(closes: Floats, memory: dict[str, object], **parameters: Scalar) -> object:
        coin = token("MOON")
        view = seen(bars_of("MOON", closes, volume=60_000.0), [coin])
        return born(MoonshotVenture, [coin], **parameters).decide(view, a_book(MOON=0.1), memory)

    @pytest.mark.parametrize(
        ("bought", "peak", "close", "kept"),
        [
            (1.0, 1.0, 0.61, True),
            (1.0, 1.0, 0.59, False),
            (1.0, 10.0, 4.1, True),
            (1.0, 10.0, 3.9, False),
        ],
    )
    def test_it_sells_below_its_entry_or_far_below_its_peak(
        self, bought: float, peak: float, close: float, kept: bool
    ) -> None:
        memory: dict[str, object] = {"tickets": {"MOON": [bought, peak]}}

        answer = self.ask(np.full(DAYS, close), memory)

        assert answer == (HOLD if kept else {})
        assert memory["tickets"] == ({"MOON": [bought, peak]} if kept else {})

    def test_what_was_cut_is_not_bought_again_at_once(self) -> None:
        memory: dict[str, object] = {"tickets": {"MOON": [10.0, 10.0]}}
        closes = rising(0.03)
        assert self.ask(closes, memory) == {}
        assert memory["barred"] == {"MOON": DAYS - 1 + 14}

        coin = token("MOON")
        for more, bought in ((5, False), (14, True)):
            later = 0.1 * 1.03 ** np.arange(1, DAYS + more + 1)
            view = seen(bars_of("MOON", later, volume=60_000.0), [coin])
            answer = born(MoonshotVenture, [coin]).decide(view, a_book(), dict(memory))
            assert answer == ({"MOON": 0.04} if bought else HOLD)

    def test_what_has_no_price_today_is_neither_judged_nor_sold(self) -> None:
        memory: dict[str, object] = {"tickets": {"MOON": [10.0, 10.0]}}
        closes = np.append(np.full(DAYS - 1, 9.0), math.nan)

        assert self.ask(closes, memory) is HOLD
        assert memory["tickets"] == {"MOON": [10.0, 10.0]}

    def test_what_it_can_use_is_small_where_little_is_traded(self) -> None:
        coin = token("MOON")
        view = seen(bars_of("MOON", rising(0.0), volume=60_000.0), [coin])

        wish = born(MoonshotVenture, [coin], ticket_share=0.04).capacity(view, a_book())

        assert wish == 30_000 * MICRO  # 2 % of 60,000 dollars are one ticket of 4 %.
        nothing = seen(bars_of("MOON", rising(0.0)), [coin])
        assert born(MoonshotVenture, [coin]).capacity(nothing, a_book()) is None


@pytest.mark.slow
class TestMarkets:
    def test_it_trades_on_the_synthetic_market(self) -> None:
        found = play(MoonshotVenture, full_market(), [*FULL.values()])

        check_traded(found)
        assert all(fill.instrument.startswith("MOON") for fill in found.fills)

    @needs_data
    def test_it_trades_tokens_that_move_with_real_bitcoin(self) -> None:
        """Real: prices and volumes of BTC and ETH.  Generated: every token."""
        market = add_series(real_market(), ["moonshots"], Seed(3))
        tokens = [each for name, each in FULL.items() if name.startswith("MOON")]
        found = play(MoonshotVenture, market, [BTC, ETH, *tokens])

        check_traded(found)
        assert all(fill.instrument.startswith("MOON") for fill in found.fills)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_every_answer_is_one_in_a_market_full_of_holes(seed: int) -> None:
    check_answers(MoonshotVenture, seed)
    check_any_book(MoonshotVenture, seed)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32), st.integers(40, 280))
def test_what_comes_after_a_bar_changes_no_answer_up_to_it(seed: int, row: int) -> None:
    check_unspoiled(MoonshotVenture, seed, row)
