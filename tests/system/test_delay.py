"""With `delay_bars` the same is decided, and executed later; what was fast only shows.

What waits is saved with a snapshot, so a run that was stopped meanwhile ends with the
bytes of one that never was.
"""

from __future__ import annotations

import asyncio
import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app import Arena
from actors.app import experiment as running
from actors.app.experiment import prepare, run_experiment
from actors.app.markets import build_experiment, build_market
from actors.app.resuming import resume_experiment
from actors.app.settings import make_settings
from actors.app.snapshots import VERSION, delayed_in, take_snapshot
from actors.journal.chain import Head
from actors.journal.port import Snapshot
from actors.journal.reader import open_run
from actors.messages.desk import Decided
from arena.events import TickSettled
from arena.exceptions import EventSourcingError
from arena.ids import AgentId
from arena.market import MarketView
from arena.orders import Fill, Order
from arena.strategies import (
    BUILT_IN,
    HOLD,
    BookView,
    Decision,
    Memory,
    Quote,
    Quotes,
    Strategy,
)
from arena.treasury import Treasury
from tests.worlds import NOW, a_run

CONFIG = Path(__file__).parents[2] / "config" / "quickstart.toml"
PRICES = Path(__file__).parents[2].parent / "shared" / "data" / "crypto" / "daily_ohlcv.csv"
NEEDS_PRICES = pytest.mark.skipif(
    not PRICES.exists(), reason="the shared price file may not be shipped with the project"
)
SMALL = ("run.days=30", "population.agents=8", "market.warmup_days=60")
DELAYED = (*SMALL, "run.delay_bars=2")


class Swinger(Strategy):
    """Goes in and out by the calendar, whatever its book says, and notes what it said."""

    name = "swinger"
    family = "test"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        del book
        said = memory.setdefault("said", [])
        said.append([market.now, market.now // 3 % 2])
        return {"BTC": 1.0} if market.now // 3 % 2 else {}


async def swing(delay_bars: int, *, days: int = 20) -> tuple[Any, dict[int, list[Fill]]]:
    """Return what the swinger said, and its fills by tick."""
    experiment, market = a_run(days=days, agents=1, strategies=[Swinger])
    experiment = replace(experiment, terms=replace(experiment.terms, delay_bars=delay_bars))
    async with Arena(experiment, market) as arena:
        await arena.backtest()
        said = dict(arena.cast.memories)[AgentId("g000-001")]["said"]
        events = await arena.replay_events(event_type="TickSettled")
    fills = {
        event.tick: [fill for fill in event.fills if fill.agent_id == "g000-001"]
        for _, event in events
        if isinstance(event, TickSettled)
    }
    return said, fills


@pytest.mark.parametrize("delay_bars", [1, 3])
def test_the_same_is_decided_and_executed_later(delay_bars: int) -> None:
    said, fills = asyncio.run(swing(0))
    said_again, later = asyncio.run(swing(delay_bars))

    traded = [tick for tick in sorted(fills) if fills[tick]]
    traded_later = [tick for tick in sorted(later) if later[tick]]
    assert said_again == said
    assert traded
    shifted = [tick + delay_bars for tick in traded if tick + delay_bars <= 20]
    assert traded_later[: len(shifted)] == shifted
    assert [len(later[tick]) for tick in shifted] == [
        len(fills[tick - delay_bars]) for tick in shifted
    ]


def test_an_order_made_by_hand_does_not_wait() -> None:
    async def trade() -> list[int]:
        experiment, market = a_run(days=6, agents=1, strategies=[Swinger])
        experiment = replace(experiment, terms=replace(experiment.terms, delay_bars=2))
        order = Order(
            order_id="mine",
            agent_id=AgentId("baseline-cash"),
            instrument="BTC",
            quantity=0.01,
        )
        async with Arena(experiment, market) as arena:
            await arena.backtest(1)
            await arena.desk.submit_trade(order)
            await arena.backtest()
            events = await arena.replay_events(event_type="TickSettled")
        return [
            event.tick
            for _, event in events
            if isinstance(event, TickSettled)
            and any(fill.order_id == "mine" for fill in event.fills)
        ]

    assert asyncio.run(trade()) == [2]


def test_an_emergency_stop_cancels_what_waits() -> None:
    async def traded(*, stop: bool) -> list[int]:
        experiment, market = a_run(days=8, agents=1, strategies=[Swinger])
        experiment = replace(experiment, terms=replace(experiment.terms, delay_bars=1))
        async with Arena(experiment, market) as arena:
            await arena.backtest(5)  # Decided before its open: to buy at the open of day 6.
            if stop:
                await arena.desk.emergency_stop("a test")
                await arena.desk.emergency_resume("a test")
            await arena.backtest()
            events = await arena.replay_events(event_type="TickSettled")
        return [
            event.tick
            for _, event in events
            if isinstance(event, TickSettled)
            and any(fill.agent_id == "g000-001" for fill in event.fills)
        ]

    assert asyncio.run(traded(stop=False)) == [2, 3, 6]
    assert asyncio.run(traded(stop=True)) == [2, 3, 7]


# Stopped while decisions wait


class Killed(BaseException):
    """What the process would never have come to say."""


def carry_out(folder: Path, *, until: int = 0) -> dict[str, Any]:
    def on_tick(tick: int) -> None:
        if tick == until:
            raise Killed

    folder.mkdir()
    prepared = prepare(CONFIG, DELAYED, now=NOW)
    return asyncio.run(run_experiment(prepared, folder, on_tick=on_tick))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return carry_out(tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.slow
@pytest.mark.parametrize("day", [1, 2, 8, 15, 29])
def test_a_run_that_was_stopped_while_decisions_wait_goes_on_to_the_same_end(
    tmp_path: Path, whole: dict[str, Any], day: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SNAPSHOT_EVERY_S", 0.0)
    with pytest.raises(Killed):
        carry_out(tmp_path / "run", until=day)

    again = asyncio.run(resume_experiment(tmp_path / "run", now=NOW))

    assert (again["head"], again["state_hash"]) == (whole["head"], whole["state_hash"])
    with open_run(tmp_path / "run") as run:
        saved = run.snapshots()
    assert saved
    assert all(len(delayed_in(each)) == 2 for each in saved)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_from_what_it_saved(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    done: list[int] = []
    prepared = prepare(CONFIG, DELAYED, now=NOW)
    first = asyncio.run(
        run_experiment(prepared, folder, on_tick=done.append, stopped=lambda: len(done) == 11)
    )

    again = asyncio.run(resume_experiment(folder, now=NOW))

    assert (first["status"], first["ticks"]) == ("interrupted", 11)
    assert again["head"] == whole["head"]


@pytest.mark.slow
def test_a_fork_of_a_delayed_run_takes_what_waits_with_it(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    from click.testing import CliRunner  # noqa: PLC0415  # here alone

    from actors.app.cli import cli  # noqa: PLC0415  # the same

    def fork(delay_bars: int) -> dict[str, Any]:
        words = ["fork", str(Path(whole["path"]).parent), "--at", "45", "--json", "--out"]
        words += [str(tmp_path / str(delay_bars)), "--set", f"run.delay_bars={delay_bars}"]
        answer = CliRunner().invoke(cli, words)
        assert answer.exit_code == 0, answer.output
        found: dict[str, Any] = json.loads(answer.stdout)
        return found

    for delay_bars in (0, 1, 4):
        found = fork(delay_bars)
        replayed = CliRunner().invoke(
            cli, ["replay", str(tmp_path / str(delay_bars)), "--re-execute", "--json"]
        )

        assert found["ticks"] == 30
        assert json.loads(replayed.stdout)["match"] is True


# What a snapshot holds

names = st.sampled_from(["ada", "bob", "cyd"]).map(AgentId)
numbers = st.floats(allow_nan=False, allow_infinity=False)
targets = st.dictionaries(st.sampled_from(["BTC", "ETH"]), numbers)
quotes = st.builds(
    Quotes,
    st.dictionaries(st.sampled_from(["BTC", "ETH"]), st.builds(Quote, numbers, numbers, numbers)),
    targets | st.just(HOLD),
)
waiting = st.builds(Decided, st.dictionaries(names, targets | quotes), st.integers(0, 9))


@given(st.lists(waiting, max_size=3))
def test_what_waits_comes_back_from_a_snapshot_as_it_was(delayed: list[Decided]) -> None:
    experiment, _ = a_run(days=1, agents=1)

    snapshot = take_snapshot(Treasury(experiment), Head(1, "x"), {}, delayed)

    assert [*delayed_in(snapshot)] == delayed


def test_where_nothing_waits_a_snapshot_says_nothing_of_it() -> None:
    experiment, _ = a_run(days=1, agents=1)

    snapshot = take_snapshot(Treasury(experiment), Head(1, "x"), {})

    assert json.loads(snapshot.state).keys() == {"treasury", "memories"}
    assert delayed_in(snapshot) == ()


def test_a_snapshot_in_which_what_waits_is_spoiled_is_not_used() -> None:
    spoiled = Snapshot(1, 1, VERSION, '{"delayed": [{"decisions": {"ada": 3}}]}', "x")

    with pytest.raises(EventSourcingError, match="cannot be read"):
        delayed_in(spoiled)


# Looking ahead


class Averages(Strategy):
    """Holds while the mean of 10 closes is above that of 30: at this close, or at the next one."""

    family = "test"
    ahead: ClassVar[int]
    above: ClassVar[list[bool]]

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        del book
        row = min(market.now + self.ahead, len(self.above) - 1)
        wanted = self.above[row]
        before, memory["wanted"] = memory.get("wanted", False), wanted
        return HOLD if wanted == before else {"BTC": 1.0} if wanted else {}


class Honest(Averages):
    """Knows what has happened."""

    name = "honest"
    ahead = 0


class Cheater(Averages):
    """Knows the next close, as a program does that takes a bar's own return for its signal."""

    name = "cheater"
    ahead = 1


def bitcoin() -> list[float]:
    with PRICES.open(newline="") as file:
        return [float(row["close"]) for row in csv.DictReader(file) if row["asset"] == "BTC"]


def crossed(closes: list[float]) -> list[bool]:
    return [
        row >= 29 and np.mean(closes[row - 9 : row + 1]) > np.mean(closes[row - 29 : row + 1])
        for row in range(len(closes))
    ]


def grown(delay_bars: int) -> tuple[dict[str, float], dict[str, list[Fill]]]:
    """Return by how much each one multiplied its capital on real prices, and its fills."""
    Averages.above = crossed(bitcoin())
    columns = {f"BTC.{field}": field for field in ("open", "close")}
    source = {"path": str(PRICES), "series": columns, "where": {"asset": "BTC"}}
    settings = make_settings(
        {
            "run": {"name": "ahead", "days": 1640, "delay_bars": delay_bars},
            "market": {
                "source": "csv",
                "start": np.datetime64("2019-01-02").item(),
                "warmup_days": 1,
                "sources": [source | {"time_column": "date", "time_zone": "UTC"}],
            },
            "instruments": [{"name": "BTC", "kind": "spot"}],
            "costs": {"fee_bps": 0.0, "slippage_bps": 0.0, "trade_min": 0.0},
            "population": {"agents": 1, "mix": {"honest": 1}, "baselines": ["honest", "cheater"]},
            "evolution": {"births_base": 0, "agents_max": 1},
        },
        catalog=(catalog := {**BUILT_IN, "honest": Honest, "cheater": Cheater}),
    )
    loaded = build_market(settings, Path(), now=NOW)
    experiment = build_experiment(settings, loaded, catalog)

    async def run() -> tuple[dict[str, float], dict[str, list[Fill]]]:
        fills: dict[str, list[Fill]] = {"honest": [], "cheater": []}
        async with Arena(experiment, loaded.market) as arena:
            await arena.backtest()
            agents = arena.treasury.agents
            navs = {name: agents[AgentId(f"baseline-{name}")].nav for name in fills}
            for _, event in await arena.replay_events(event_type="TickSettled"):
                assert isinstance(event, TickSettled)
                for fill in event.fills:
                    name = fill.agent_id.removeprefix("baseline-")
                    fills.get(name, []).append(fill)
        return navs, fills

    return asyncio.run(run())


@NEEDS_PRICES
def test_looking_ahead_is_worth_what_is_known() -> None:
    """`quant.md` 2.6: the signal of a close on its own return x15.3487, on the next one x6.9632."""
    closes = bitcoin()
    above = np.array(crossed(closes))
    returns = np.array(closes[1:]) / np.array(closes[:-1])

    assert round(float(np.prod(np.where(above[1:], returns, 1.0))), 4) == 15.3487
    assert round(float(np.prod(np.where(above[:-1], returns, 1.0))), 4) == 6.9632


@NEEDS_PRICES
@pytest.mark.slow
def test_a_bar_of_delay_takes_from_a_cheater_what_it_did_not_earn() -> None:
    at_once, first = grown(0)
    delayed, second = grown(1)

    assert at_once["cheater"] == pytest.approx(15.3487, rel=0.01)
    assert at_once["honest"] == pytest.approx(6.9632, rel=0.01)
    assert delayed["cheater"] == pytest.approx(at_once["honest"], rel=1e-9)
    trades = [(fill.price, fill.quantity) for fill in first["honest"]]
    assert [(fill.price, fill.quantity) for fill in second["cheater"]][: len(trades)] == trades
