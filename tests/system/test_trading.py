"""The life of a trade: every step is on record, and outlives the process that took it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from actors.app.arena import Arena
from actors.app.bootstrap import Start
from actors.app.folding import fold_run
from actors.app.proof import prove
from actors.app.snapshots import take_snapshot, treasury_in
from actors.app.status import trading_status
from actors.journal.chain import run_id_of
from actors.journal.memory import MemoryJournal
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from actors.runtime import ManualClock
from actors.venues import Courier
from arena.events import PositionsReduced, TickSettled, TradeSubmitted, TradingHalted
from arena.exceptions import AllocationError, ValidationError
from arena.experiment import Experiment, manifest
from arena.ids import AgentId
from arena.limits import ProtocolLimit, TradingLimits
from arena.market import Market
from arena.money import parse_usd
from arena.orders import Order, OrderRefusal, TradeStatus
from arena.rules import RiskRules
from arena.treasury import Treasury
from arena.words import StopMode
from tests.contracts.exchange import Exchange
from tests.worlds import NOW, a_run, with_open_gates

pytestmark = pytest.mark.asyncio

CASH, HOLDER = AgentId("baseline-cash"), AgentId("baseline-buy-and-hold")


def an_order(name: str, quantity: float = 0.01, **changes: Any) -> Order:
    given = {"agent_id": CASH, "instrument": "BTC", "quantity": quantity, **changes}
    return Order(order_id=name, **given)


def limited(run: tuple[Experiment, Market], **limits: Any) -> tuple[Experiment, Market]:
    experiment, market = run
    terms = replace(experiment.terms, limits=TradingLimits(**limits))
    return replace(experiment, terms=terms), market


async def on_disk(folder: Path, run: tuple[Experiment, Market]) -> Arena:
    """Return an arena whose journal is on disk, from its beginning or from where it ended."""
    experiment, market = run
    facts = manifest(experiment)
    if (folder / "run.db").exists():
        journal = await SqliteJournal.open(folder)
        with open_run(folder) as stored:
            treasury = fold_run(stored)
    else:
        journal = await SqliteJournal.create(folder, run_id_of(facts), facts, {})
        treasury = Treasury(experiment)
    start = Start(run_id_of(facts), await journal.head(), treasury)
    return Arena(experiment, market, journal, start=start)


def steps_of(folder: Path, order_id: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "run.db")) as db:
        return db.execute(
            "SELECT event_type, step, status, reason FROM execution_log"
            " INNER JOIN events ON seq = event_seq"
            " WHERE order_id = ? ORDER BY event_seq, line, step",
            (order_id,),
        ).fetchall()


# Its steps


async def test_each_step_of_a_trade_is_on_record(tmp_path: Path) -> None:
    async with await on_disk(tmp_path, a_run(days=4, agents=0)) as arena:
        await arena.backtest(1)
        await arena.desk.submit_trade(an_order("good"))
        await arena.desk.submit_trade(an_order("bad", 1e9))
        await arena.backtest(1)
        await arena.desk.submit_trade(an_order("late"))

    submitted = ("TradeSubmitted", 1, "pending", None)
    assert steps_of(tmp_path, "late") == [submitted]
    assert steps_of(tmp_path, "good") == [
        submitted,
        ("TickSettled", 2, "executing", None),
        ("TickSettled", 3, "success", None),
    ]
    assert steps_of(tmp_path, "bad") == [
        submitted,
        ("TickSettled", 3, "failed", "cash_insufficient"),
    ]
    assert [status for _, _, status, _ in steps_of(tmp_path, "1-baseline-buy-and-hold-0")] == [
        "pending",
        "executing",
        "success",
    ]
    assert prove(str(tmp_path)).ok


async def test_a_trade_that_is_pending_outlives_its_process(tmp_path: Path) -> None:
    run = a_run(days=4, agents=0)
    async with await on_disk(tmp_path, run) as arena:
        await arena.backtest(1)
        assert await arena.desk.submit_trade(an_order("patient")) is TradeStatus.PENDING

    async with await on_disk(tmp_path, run) as arena:
        assert [*arena.treasury.pending] == ["patient"]
        with pytest.raises(ValidationError, match="an id that no order had"):
            await arena.desk.submit_trade(an_order("patient"))
        await arena.backtest(1)
        assert arena.treasury.pending == {}
        assert "BTC" in arena.treasury.agents[CASH].portfolio.positions

    async with await on_disk(tmp_path, run) as arena:
        with pytest.raises(ValidationError, match="an id that no order had"):
            await arena.desk.execute_trade(an_order("patient"))
        assert (await arena.desk.get_execution_stats(CASH)).total == 1


async def test_what_is_pending_is_part_of_a_snapshot(tmp_path: Path) -> None:
    async with Arena(*a_run(days=4, agents=0)) as arena:
        await arena.backtest(1)
        await arena.desk.submit_trade(an_order("kept"))
        await arena.desk.configure_protocol("aave", enabled=False, share_bp=10)
        await arena.desk.set_position_limit("BTC", "5.00")
        treasury = arena.treasury
        snapshot = take_snapshot(treasury, arena.cast.allocator.head, {})

        again = treasury_in(snapshot, arena.experiment)

        assert again.pending == treasury.pending
        assert again.limits() == treasury.limits() != TradingLimits()
        assert again.state_hash() == treasury.state_hash()


async def test_an_order_of_the_dead_fails_at_the_open() -> None:
    async with Arena(*a_run(days=3, agents=0)) as arena:
        await arena.desk.submit_trade(an_order("of nobody", agent_id=AgentId("nobody")))
        await arena.backtest(1)

        ((_, settled),) = await arena.replay_events(event_type="TickSettled")
        assert isinstance(settled, TickSettled)
        (refused,) = [one for one in settled.refused if one.order_id == "of nobody"]
        assert refused.reason is OrderRefusal.AGENT_NOT_TRADING
        assert arena.treasury.pending == {}


async def test_a_venue_out_of_reach_fails_the_trade_and_not_the_run() -> None:
    courier = Courier(Exchange(lambda: "refused"), ManualClock(NOW))
    courier.unsure = False  # Else it would not begin before it has heard what was sent before.
    experiment, market = a_run(days=3, agents=0)
    async with Arena(experiment, market, courier=courier) as arena:
        await arena.desk.submit_trade(an_order("lonely"))
        assert await arena.backtest() == 3

        stats = await arena.desk.get_execution_stats()
        assert (stats.successful, stats.success_rate) == (0, 0.0)
        journal = arena._journal
        assert isinstance(journal, MemoryJournal)
        assert {row.reason for row in journal.trades} == {"venue_failed"}


# Stats


@pytest.mark.parametrize("stored", [False, True])
async def test_stats_are_of_an_agent_and_a_time_and_of_the_whole_run(
    tmp_path: Path, stored: bool
) -> None:
    run = a_run(days=6, agents=0)
    async with await on_disk(tmp_path, run) if stored else Arena(*run) as arena:
        await arena.backtest(1)
        await arena.desk.submit_trade(an_order("one"))
        await arena.desk.submit_trade(an_order("two", 1e9))
        await arena.backtest(3)
        stamps = [e.timestamp for e, _ in await arena.replay_events(event_type="TickSettled")]
        whole = await arena.desk.get_execution_stats()
        mine = await arena.desk.get_execution_stats(CASH)
        second = market_day(run[1], arena, 2)
        then = await arena.desk.get_execution_stats(CASH, second, second + timedelta(seconds=1))
        later = await arena.desk.get_execution_stats(CASH, second + timedelta(days=5))

    assert len(stamps) == 4
    assert (mine.total, mine.successful, mine.failed) == (3, 2, 1), "bought, refused, and sold"
    assert mine.success_rate == pytest.approx(2 / 3)
    assert (then.total, then.successful, then.failed) == (2, 1, 1)
    assert then.slippage_bps_average == pytest.approx(5.0, abs=0.2)
    assert (later.total, later.success_rate, later.slippage_bps_average) == (0, 0.0, 0.0)
    assert whole.total > mine.total
    assert whole.fees > mine.fees > 0
    if stored:
        async with await on_disk(tmp_path, run) as again:
            assert await again.desk.get_execution_stats() == whole


def market_day(market: Market, arena: Arena, tick: int) -> Any:
    return market.closes_at(arena.experiment.market.warmup + tick - 1)


# Limits


async def test_limits_of_the_config_bind_strategies_too() -> None:
    experiment, market = limited(a_run(days=3, agents=4), positions={"BTC": parse_usd("100.00")})
    async with Arena(experiment, market) as arena:
        await arena.backtest()

        events = [event for _, event in await arena.replay_events(event_type="TickSettled")]
        reasons = {one.reason for e in events if isinstance(e, TickSettled) for one in e.refused}
        held = [agent.portfolio.positions.get("BTC", 0.0) for agent in arena.treasury.living()]
        assert reasons == {OrderRefusal.POSITION_LIMIT}
        assert max(held) * arena.treasury.marks["BTC"] < 150.0


async def test_a_day_has_only_so_many_trades() -> None:
    async with Arena(*limited(a_run(days=3, agents=0), trades_per_day=2)) as arena:
        await arena.backtest(1)
        for number in range(4):
            await arena.desk.submit_trade(an_order(f"o{number}", 0.001))
        await arena.backtest(1)
        stats = await arena.desk.get_execution_stats(CASH)

        assert (stats.successful, stats.failed) == (2, 2)
        await arena.desk.submit_trade(an_order("tomorrow", 0.001))
        await arena.backtest(1)
        assert (await arena.desk.get_execution_stats(CASH)).failed == 2


async def test_limits_can_be_changed_in_a_run_and_outlive_it(tmp_path: Path) -> None:
    run = a_run(days=5, agents=0)
    async with await on_disk(tmp_path, run) as arena:
        await arena.backtest(1)
        await arena.desk.set_position_limit("BTC", "50.00")
        await arena.desk.configure_protocol("aave", enabled=False)

    async with await on_disk(tmp_path, run) as arena:
        deposit = an_order("deposit", 10.0, instrument="aave")
        assert await arena.desk.validate_trade(an_order("x")) is OrderRefusal.POSITION_LIMIT
        assert await arena.desk.validate_trade(deposit) is OrderRefusal.PROTOCOL_DISABLED
        await arena.desk.set_position_limit("BTC", None)
        await arena.desk.configure_protocol("aave")
        assert await arena.desk.validate_trade(an_order("x")) is None
        assert await arena.desk.validate_trade(deposit) is None


@pytest.mark.parametrize(
    ("verb", "words", "found"),
    [
        ("configure_protocol", ("avae",), "no instrument is of the protocol"),
        ("set_position_limit", ("DOGE", "1"), "no instrument is called"),
    ],
)
async def test_a_limit_of_what_nobody_trades_is_refused(
    verb: str, words: tuple[str, ...], found: str
) -> None:
    async with Arena(*a_run(days=2, agents=0)) as arena:
        with pytest.raises(AllocationError, match=found):
            await getattr(arena.desk, verb)(*words)


async def test_what_is_deployed_in_one_protocol_is_bounded_for_orders_by_hand() -> None:
    experiment, market = a_run(days=4, agents=2)
    experiment = with_open_gates(experiment)
    async with Arena(experiment, market) as arena:
        await arena.backtest(1)
        agent = arena.treasury.population()[0].agent_id
        await arena.graduate_to_proving(agent)
        deposit = an_order("deposit", 500.0, agent_id=agent, instrument="aave")

        assert await arena.desk.validate_trade(deposit) is None
        await arena.desk.configure_protocol("aave", share_bp=0)
        assert await arena.desk.validate_trade(deposit) is OrderRefusal.PROTOCOL_LIMIT
        virtual = replace(deposit, agent_id=CASH)
        assert await arena.desk.validate_trade(virtual) is None, "play money is not bounded"


async def test_the_views_say_which_limits_hold(tmp_path: Path) -> None:
    run = limited(
        a_run(days=3, agents=0),
        positions={"BTC": parse_usd("7.00"), "ETH": parse_usd("8.00")},
        protocols={"aave": ProtocolLimit(share_bp=300), "curve": ProtocolLimit(enabled=False)},
    )
    async with await on_disk(tmp_path, run) as arena:
        before = views(tmp_path)
        await arena.desk.set_position_limit("BTC", None)
        await arena.desk.set_position_limit("SOL", "9.00")
        await arena.desk.configure_protocol("aave", enabled=False)
        seq = arena.treasury.seq
        after = views(tmp_path)

    usual = RiskRules().per_protocol_bp
    assert before == (
        {"BTC": (7_000_000, None), "ETH": (8_000_000, None)},
        {"aave": (1, 300, None), "curve": (0, usual, None), "pendle": (1, usual, None)},
    )
    assert after == (
        {"BTC": (None, seq - 2), "ETH": (8_000_000, None), "SOL": (9_000_000, seq - 1)},
        {"aave": (0, usual, seq), "curve": (0, usual, None), "pendle": (1, usual, None)},
    )


def views(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with closing(sqlite3.connect(folder / "run.db")) as db:
        positions = db.execute("SELECT * FROM position_limits ORDER BY instrument").fetchall()
        protocols = db.execute("SELECT * FROM protocol_config ORDER BY protocol").fetchall()
    return {row[0]: row[1:] for row in positions}, {row[0]: row[1:] for row in protocols}


# Stops


async def test_a_stop_cancels_what_is_pending_and_holds_until_it_is_resumed(tmp_path: Path) -> None:
    run = a_run(days=9, agents=4)
    async with await on_disk(tmp_path, run) as arena:
        await arena.backtest(2)
        await arena.desk.submit_trade(an_order("pending"))
        await arena.desk.emergency_stop("a drill")
        held = {a.agent_id: a.portfolio.positions for a in arena.treasury.living()}
        with pytest.raises(AllocationError, match="trading_halted"):
            await arena.desk.emergency_stop("again")
        await arena.desk.submit_trade(an_order("while stopped"))

    async with await on_disk(tmp_path, run) as arena:
        await arena.backtest(5)
        stopped = {a.agent_id: a.portfolio.positions for a in arena.treasury.living()}
        assert {name: stopped[name] for name in held if name in stopped} == {
            name: held[name] for name in held if name in stopped
        }
        assert held.keys() <= stopped.keys(), "nobody dies of a stop"
        await arena.desk.emergency_resume("it was one")
        await arena.desk.submit_trade(an_order("resumed"))
        await arena.backtest()
        assert "BTC" in {t.instrument for t in trades(tmp_path, "resumed")}

    halted = ("TradingHalted", 3, "failed", "trading_halted")
    assert steps_of(tmp_path, "pending")[1:] == [halted]
    assert steps_of(tmp_path, "while stopped")[1:] == [("TickSettled", *halted[1:])]
    assert steps_of(tmp_path, "resumed")[-1][2] == "success"
    assert prove(str(tmp_path)).ok


def trades(folder: Path, order_id: str) -> list[Any]:
    with open_run(folder) as run:
        return [trade for trade in run.trades() if trade.order_id == order_id]


async def test_a_wind_down_sells_everything_at_once_with_the_stop_as_its_cause() -> None:
    async with Arena(*a_run(days=6, agents=6)) as arena:
        await arena.backtest(3)
        assert any(agent.portfolio.positions for agent in arena.treasury.living())
        await arena.desk.emergency_stop("first a pause")
        await arena.desk.emergency_stop("then out", StopMode.WIND_DOWN)

        assert not any(agent.portfolio.positions for agent in arena.treasury.living())
        story = await arena.replay_events()
        stops = [e.seq for e, event in story if isinstance(event, TradingHalted)]
        sales = {e.caused_by for e, event in story if isinstance(event, PositionsReduced)}
        assert sales == {stops[-1]}
        await arena.backtest(2)
        assert not any(agent.portfolio.positions for agent in arena.treasury.living())
        await arena.verify_capital_conservation()


async def test_who_waits_for_a_trade_is_told_that_it_was_cancelled() -> None:
    async with Arena(*a_run(days=3, agents=0)) as arena:
        await arena.backtest(1)

        async def stop() -> None:
            for _ in range(50):  # Until the trade is on record.
                await asyncio.sleep(0)
            assert [*arena.treasury.pending] == ["awaited"]
            await arena.desk.emergency_stop("now")

        outcome, _ = await asyncio.gather(
            arena.desk.execute_trade(an_order("awaited")), stop(), return_exceptions=True
        )

        assert isinstance(outcome, ValidationError)
        assert outcome.found == "trading_halted"


async def test_a_trade_that_was_decided_before_a_stop_is_not_executed_after_it_was_resumed() -> (
    None
):
    """The desk has its answer and the bar is under way: only what is on record counts."""
    async with Arena(*a_run(days=6, agents=6)) as arena:
        await arena.backtest(1)
        story = []
        for _ in range(4):
            stop = arena.desk.emergency_stop("a blink")
            await asyncio.gather(arena.backtest(1), stop)
            await arena.desk.emergency_resume("it was one")
            story = [(e.seq, event) for e, event in await arena.replay_events()]
        stopped = False
        for _, event in story:
            stopped = isinstance(event, TradingHalted) or (
                stopped and type(event).__name__ != "TradingResumed"
            )
            assert not (stopped and isinstance(event, TickSettled) and event.fills)


# Status


async def test_status_says_what_trading_may_do_and_why(tmp_path: Path) -> None:
    run = a_run(days=6, agents=3)
    seen = []
    async with await on_disk(tmp_path, run) as arena:
        seen.append(status_of(tmp_path))
        await arena.backtest(2)
        await arena.desk.submit_trade(an_order("waits"))
        seen.append(status_of(tmp_path))
        await arena.desk.emergency_stop("look out")
        seen.append(status_of(tmp_path))
        await arena.desk.emergency_stop("get out", StopMode.WIND_DOWN)
        seen.append(status_of(tmp_path))

    before, running, paused, halted = seen
    assert (before["mode"], before["tick"], before["at"], before["recent"]) == (
        "normal",
        0,
        None,
        [],
    )
    assert [each["order_id"] for each in running["pending"]] == ["waits"]
    assert running["total"]["successful"] >= running["today"]["successful"]
    assert [paused[key] for key in ("mode", "scope", "since", "reason", "pending")] == [
        "paused",
        "all",
        2,
        "look out",
        [],
    ]
    assert (halted["mode"], halted["reason"]) == ("halted", "get out")
    assert halted["today"]["successful"] > paused["today"]["successful"]
    assert halted["recent"][0]["reason"] == "halt"
    assert len(halted["recent"]) <= 10


def status_of(folder: Path) -> dict[str, Any]:
    with open_run(folder) as run:
        return trading_status(run)


async def test_the_record_of_a_trade_by_hand_says_who_asked_for_what() -> None:
    async with Arena(*a_run(days=2, agents=0)) as arena:
        await arena.desk.submit_trade(an_order("mine", 0.25, agent_id=HOLDER))

        ((entry, event),) = await arena.replay_events(event_type="TradeSubmitted")

        assert event == TradeSubmitted(
            order_id="mine", agent_id=HOLDER, instrument="BTC", quantity=0.25, tick=0
        )
        assert (entry.agent_id, entry.command_id) == (HOLDER, "trade-mine")
