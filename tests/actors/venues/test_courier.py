"""An order is executed at most once and recorded exactly once, wherever and whenever it fails."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.folding import fold_run
from actors.journal.chain import run_id_of
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from actors.runtime import ManualClock
from actors.venues import Courier, OutcomeUnknownError
from actors.venues.courier import ATTEMPTS_MAX, PAUSE_MAX_S, PAUSE_S
from arena.events import TickSettled
from arena.experiment import Experiment, manifest
from arena.ids import AgentId
from arena.market import Market
from arena.orders import Fill, FillCause, Order, OrderRefusal
from arena.treasury import Treasury
from tests.contracts.exchange import CrashError, Exchange
from tests.contracts.test_venue import an_order, expected
from tests.worlds import a_run

FATES = ("fine", "refused", "lost", "silent", "dead_before", "dead_after")
START = datetime(2020, 1, 1, tzinfo=UTC)


def scripted(fates: list[str]) -> Callable[[], str]:
    """Return the fates one after the other; then everything is fine."""
    left = itertools.chain(fates, itertools.repeat("fine"))
    return lambda: next(left)


def a_courier(exchange: Exchange, *, unsure: bool = False) -> tuple[Courier, ManualClock]:
    clock = ManualClock(START)
    courier = Courier(exchange, clock)
    courier.unsure = unsure
    return courier, clock


def carry(courier: Courier, order: Order) -> Fill | None:
    return asyncio.run(courier.carry(order, limit=None, expected=expected(order)))


def test_where_nothing_fails_nobody_waits_and_the_venue_is_called_once() -> None:
    exchange = Exchange(scripted([]))
    courier, clock = a_courier(exchange)

    assert carry(courier, an_order()) == expected(an_order())
    assert len(exchange.executed) == 1
    assert clock.monotonic_s() == 0.0


def test_a_call_that_executed_nothing_is_repeated_with_growing_pauses() -> None:
    exchange = Exchange(scripted(["refused"] * (ATTEMPTS_MAX - 1)))
    courier, clock = a_courier(exchange)

    assert carry(courier, an_order()) is not None
    assert len(exchange.executed) == 1
    assert clock.monotonic_s() == sum(PAUSE_S * 2**n for n in range(ATTEMPTS_MAX - 1))
    assert PAUSE_S * 2 ** (ATTEMPTS_MAX - 2) <= PAUSE_MAX_S


def test_a_venue_that_stays_out_of_reach_is_given_up() -> None:
    exchange = Exchange(lambda: "refused")
    courier, _ = a_courier(exchange)

    assert carry(courier, an_order()) is None
    assert exchange.executed == []


def test_what_nobody_knows_is_asked_and_not_sent_again() -> None:
    exchange = Exchange(scripted(["silent", "refused", "refused"]))
    courier, _ = a_courier(exchange)

    assert carry(courier, an_order()) == expected(an_order())
    assert len(exchange.executed) == 1


def test_what_did_not_arrive_is_sent_again() -> None:
    exchange = Exchange(scripted(["lost", "fine", "lost"]))
    courier, _ = a_courier(exchange)

    assert carry(courier, an_order()) is not None
    assert len(exchange.executed) == 1


@pytest.mark.parametrize("fate", ["silent", "lost"])
def test_an_outcome_that_stays_unknown_is_an_error_that_names_the_order(fate: str) -> None:
    exchange = Exchange(scripted([fate, *["refused"] * ATTEMPTS_MAX]))
    courier, _ = a_courier(exchange)

    with pytest.raises(OutcomeUnknownError, match="'one'") as raised:
        carry(courier, an_order())

    assert raised.value.order_id == "one"


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(st.sampled_from(FATES), max_size=12), max_size=6))
def test_under_any_schedule_of_failures_every_fill_is_known_once(lives: list[list[str]]) -> None:
    """Each list is the life of a process, ended by a crash or by an outcome that stays unknown."""
    script = iter(lives)
    exchange = Exchange(scripted(next(script, [])))
    orders = [an_order(f"o{number}") for number in range(4)]
    recorded: dict[str, Fill | None] = {}
    while len(recorded) < len(orders):
        courier, _ = a_courier(exchange, unsure=True)
        try:
            for order in orders:
                if order.order_id not in recorded:
                    recorded[order.order_id] = _recall_or_carry(courier, order)
        except (CrashError, OutcomeUnknownError):
            exchange.fate = scripted(next(script, []))

    executed = Counter(fill.order_id for fill in exchange.executed)
    assert set(executed.values()) <= {1}
    assert executed.keys() == {name for name, fill in recorded.items() if fill is not None}


class Blind(Courier):
    """Never asks what became of an order."""

    async def _find(self, order_id: str) -> Fill | None:
        return None


def test_a_courier_that_repeats_blindly_executes_an_order_twice() -> None:
    exchange = Exchange(scripted(["silent"]))

    carry(Blind(exchange, ManualClock(START)), an_order())

    assert [fill.order_id for fill in exchange.executed] == ["one", "one"]


def _recall_or_carry(courier: Courier, order: Order) -> Fill | None:
    found = asyncio.run(courier.recall(order.order_id))
    return found if found is not None else carry(courier, order)


# A whole run

CASH = AgentId("baseline-cash")


@pytest.fixture(scope="module")
def run() -> tuple[Experiment, Market]:
    tables = {"population": {"baselines": ["cash", "buy-and-hold"]}}
    return a_run(days=8, agents=0, tables=tables)


def hand_made() -> Iterator[Order]:
    for number in range(100):
        instrument, quantity = ("BTC", 0.01) if number % 2 else ("ETH", 0.3)
        yield Order(
            order_id=f"hand-{number}", agent_id=CASH, instrument=instrument, quantity=quantity
        )


async def live(folder: Path, run: tuple[Experiment, Market], courier: Courier) -> int:
    """Carry the run on from what is on disk, with new trades each day, to its last day."""
    experiment, market = run
    if (folder / "run.db").exists():
        journal = await SqliteJournal.open(folder)
        with open_run(folder) as stored:
            treasury = fold_run(stored)
    else:
        facts = manifest(experiment)
        journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
        treasury = Treasury(experiment)
    head = await journal.head()
    start = Start(run_id_of(manifest(experiment)), head, treasury)
    async with Arena(experiment, market, journal, start=start, courier=courier) as arena:
        submitted = {f"hand-{2 * day + n}" for day in range(arena.treasury.tick) for n in (0, 1)}
        orders = (order for order in hand_made() if order.order_id not in submitted)
        while arena.treasury.tick < experiment.market.ticks:
            for order in itertools.islice(orders, 2):
                if order.order_id not in arena.treasury.pending:
                    await arena.desk.submit_trade(order)
            await arena.backtest(1)
        return arena.treasury.tick


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_over_a_whole_run_each_trade_is_executed_and_recorded_once(
    tmp_path: Path, run: tuple[Experiment, Market], seed: int
) -> None:
    chance = random.Random(seed)
    exchange = Exchange(lambda: chance.choices(FATES, (64, 8, 8, 8, 6, 6))[0])
    reached = 0
    while reached < run[0].market.ticks:
        courier = Courier(exchange, ManualClock(START))
        with contextlib.suppress(CrashError, OutcomeUnknownError):
            reached = asyncio.run(live(tmp_path, run, courier))

    with open_run(tmp_path) as stored:
        settled = [event for _, event in stored.events() if isinstance(event, TickSettled)]
        failed = {trade.reason for trade in stored.trades(status="failed")}
    recorded = Counter(
        fill.order_id
        for event in settled
        for fill in event.fills
        if fill.cause is not FillCause.LIQUIDATION
    )
    executed = Counter(fill.order_id for fill in exchange.executed)
    assert recorded == executed
    assert set(executed.values()) == {1}
    assert sum(name.startswith("hand-") for name in executed) > 5
    assert failed <= {OrderRefusal.VENUE_FAILED, OrderRefusal.CASH_INSUFFICIENT}
