"""A tick marks every book at the close, and looks at what must not wait for a cycle."""

from __future__ import annotations

import pytest

from arena import commands as c
from arena.agents import Agent
from arena.costs import CostModel
from arena.events import (
    AgentFailed,
    AgentKilled,
    AgentQuarantined,
    AllocationError,
    CapitalAllocated,
    CapitalReturned,
    OpeningsPaused,
    OpeningsResumed,
    PositionsReduced,
    TickSettled,
    TradingHalted,
    TradingResumed,
)
from arena.experiment import Population
from arena.ids import AgentId
from arena.money import Money
from arena.orders import Fill, OrderRefusal
from arena.rules import KILL
from arena.seed import Seed
from arena.treasury import Treasury
from arena.words import Layer, Refusal, Status
from tests.arena.builders import (
    OPEN_GATES,
    QUIET,
    World,
    an_experiment,
    check_books,
    every,
    kinds,
    lending,
    one,
    opened,
    round_endowment,
    settle,
    spot,
    trade,
    usd,
    with_rules,
)

DEAR = CostModel(fee_bps=10.0, slippage_bps=5.0, gas=usd(0.25))
DEADLY = with_rules(OPEN_GATES, risk={"kill": KILL})
INVESTED = with_rules(OPEN_GATES, ladder={"entry_base": usd(45_000)})
"""Rules under which two agents hold all of an arena of 90,000 dollars."""


def a_world(rules: object = OPEN_GATES, **changes: object) -> World:
    return World.of(an_experiment(rules=rules, endowment=round_endowment(), **changes))  # type: ignore[arg-type]


def an_invested_arena(rules: object = INVESTED) -> tuple[World, AgentId, AgentId]:
    """Return a world in which two agents hold COIN with the whole arena's capital."""
    world = a_world(rules)
    ada, bob = (world.raised(Layer.ARENA, "COIN") for _ in range(2))
    world.day()
    assert world.treasury.balance("pool:arena") == 0
    return world, ada, bob


class TestMarking:
    def test_at_constant_prices_everyone_loses_exactly_their_costs(self) -> None:
        instruments = {**spot("A", "B"), **lending("aave")}
        world = a_world(costs=DEAR, instruments=instruments)
        layers = (Layer.SIMULATION, Layer.PROVING, Layer.ARENA)
        agents = [world.raised(layer) if layer != layers[0] else world.spawn() for layer in layers]
        prices, paid = {"A": 3.3, "B": 0.007, "aave": 1.01}, 0

        for tick in range(20):
            draws = Seed(5).child("weights", tick).generator().dirichlet([1.0] * 4, len(agents))
            targets = {
                agent: dict(zip(instruments, map(float, row[:3]), strict=True))
                for agent, row in zip(agents, draws, strict=True)
            }
            fills = trade(world.treasury, targets, prices)
            settled = one(settle(world.treasury, prices, fills), TickSettled)
            check_books(world.treasury)
            for book in (settled.real, settled.virtual):
                assert [-cost for cost in book.costs] == [*book.pnl]
                paid += sum(book.costs)

        assert paid > 0
        assert sum(world.agent(agent).costs for agent in agents) == paid

    def test_profit_is_the_change_of_equity_and_the_nav_grows_with_it(self) -> None:
        world = a_world(QUIET)
        ada = world.spawn("COIN")

        settled = one(world.day(COIN=0.1), TickSettled)

        assert settled.virtual.agents == (ada,)
        assert settled.virtual.pnl == (usd(1_000),)
        assert settled.virtual.nav == pytest.approx((1.1,))
        assert world.agent(ada).equity == usd(11_000)

    def test_an_order_fills_at_the_open_and_earns_what_the_bar_does(self) -> None:
        treasury = a_world(QUIET).treasury
        world = World(treasury, {"COIN": 100.0}, {}, [])
        ada = world.spawn("COIN")

        fills = trade(treasury, {ada: {"COIN": 0.5}}, {"COIN": 200.0})
        settle(treasury, {"COIN": (200.0, 220.0)}, fills)

        assert fills[0].price == 200.0
        assert world.agent(ada).equity == usd(10_500)

    def test_an_instrument_without_a_bar_keeps_its_last_mark(self) -> None:
        world = a_world(QUIET)
        ada = world.spawn("COIN")
        world.day()

        settle(world.treasury, {"FLAT": 1.0})

        assert world.agent(ada).equity == usd(10_000)
        check_books(world.treasury)

    def test_columns_stand_in_the_order_of_ids(self) -> None:
        world = a_world()
        for holding in ("STAR", "DUD", "FLAT"):
            world.spawn(holding)
        world.raised(Layer.PROVING)

        settled = one(world.day(), TickSettled)

        assert [*settled.virtual.agents] == sorted(settled.virtual.agents)
        assert len(settled.virtual.agents) == 3
        assert len(settled.real.agents) == 1

    @pytest.mark.parametrize("tick", [-1, 0, 1, 3])
    def test_a_tick_that_is_not_the_next_is_refused_and_changes_nothing(self, tick: int) -> None:
        treasury = opened()
        settle(treasury, {"COIN": 1.0})
        before = treasury.fund, treasury.marks.copy(), treasury.agents.copy()

        asked = World(treasury, {}, {}, []).ask(c.SettleTick, tick=tick, prices={})

        assert one(asked, AllocationError).reason is Refusal.TICK_OUT_OF_ORDER
        assert treasury.tick == 1
        assert (treasury.fund, treasury.marks, treasury.agents) == before


class TestDeath:
    @pytest.mark.parametrize(("fall", "dies"), [(-0.5, False), (-0.5001, True)])
    def test_a_drawdown_of_more_than_half_ends_an_agent_on_any_tick(
        self, fall: float, dies: bool
    ) -> None:
        world = a_world(DEADLY)
        ada = world.spawn("COIN")
        world.day()

        events = world.day(COIN=fall)

        assert bool(every(events, AgentKilled)) == dies
        if dies:
            assert one(events, AgentKilled).rule == "drawdown"
            assert one(events, AgentKilled).thresholds == (("drawdown", "<", -0.5),)
            assert world.agent(ada).cause == "drawdown"
            assert ada not in world.treasury.agents

    @pytest.mark.parametrize(
        ("layer", "home"),
        [
            (Layer.SIMULATION, "bank"),
            (Layer.PROVING, "pool:proving"),
            (Layer.ARENA, "pool:arena"),
        ],
    )
    def test_the_capital_of_the_dead_returns_to_where_it_came_from(
        self, layer: Layer, home: str
    ) -> None:
        world = a_world(DEADLY)
        ada = world.spawn("COIN") if layer is Layer.SIMULATION else world.raised(layer, "COIN")
        world.day()
        nav = world.agent(ada).nav

        events = world.day(COIN=-0.6)

        assert kinds(events) == [
            "TickSettled",
            "AgentKilled",
            "PositionsReduced",
            "CapitalReturned",
        ]
        assert one(events, CapitalReturned).target == home
        assert world.agent(ada).equity == 0
        assert world.agent(ada).nav == pytest.approx(nav * 0.4)

    def test_other_rules_wait_for_the_cycle(self) -> None:
        world = a_world(with_rules(DEADLY, ladder={"proving_days_max": 900}))
        world.spawn("DUD")

        world.days(50)

        assert not every(world.log, AgentKilled)
        assert one(world.cycle(), AgentKilled).rule == "negative_fitness"

    def test_a_baseline_is_never_killed(self) -> None:
        population = Population(agents=0, mix={"idle": 1}, baselines=("cash",))
        world = a_world(DEADLY, population=population)
        (baseline,) = world.treasury.agents
        world.holds[baseline] = "DUD"
        world.day()

        world.day(DUD=-0.9)
        world.days(60)
        world.cycle()
        world.ask(c.KillUnderperformers)

        assert world.agent(baseline).nav < 0.1
        assert baseline in world.treasury.agents


def a_ruin(agent: Agent, *, beyond: int = 0) -> Fill:
    """Return a fill whose gas costs all that an agent has, and more."""
    return Fill(
        order_id="1",
        agent_id=agent.agent_id,
        instrument="COIN",
        quantity=0.0,
        price=1.0,
        fee=Money(0),
        slippage=Money(0),
        gas=Money(agent.equity + beyond),
    )


class TestHalt:
    @pytest.mark.parametrize(("fall", "halts"), [(-0.30, False), (-0.301, True)])
    def test_the_arena_halts_when_its_fund_has_fallen_too_far(
        self, fall: float, halts: bool
    ) -> None:
        world, ada, bob = an_invested_arena()
        outside = world.raised(Layer.PROVING, "COIN")
        world.day()

        events = world.day(COIN=fall)

        assert bool(every(events, TradingHalted)) == halts
        if halts:
            assert one(events, TradingHalted).drawdown == pytest.approx(fall)
            sold = every(events, PositionsReduced)
            assert [event.agent_id for event in sold] == [ada, bob]
            assert {event.reason for event in sold} == {"halt"}
            assert not world.agent(ada).portfolio.positions
            assert world.agent(ada).equity == pytest.approx(usd(45_000 * 0.699), abs=5)
            assert world.agent(outside).portfolio.positions

    def test_who_was_halted_bears_the_costs_in_its_nav(self) -> None:
        world, ada, _ = an_invested_arena()
        world.treasury.experiment = an_experiment(
            rules=INVESTED, costs=DEAR, endowment=round_endowment()
        )

        events = world.day(COIN=-0.4)

        costs = sum(fill.costs for fill in every(events, PositionsReduced)[0].fills)
        assert costs > 0
        agent = world.agent(ada)
        assert agent.equity == pytest.approx(usd(27_000) - costs, abs=5)
        assert agent.nav == pytest.approx(0.6 * (1 - costs / usd(27_000)))
        assert agent.navs[-1] == agent.nav
        assert agent.stint.drawdown == pytest.approx(agent.nav - 1.0)

    def test_while_it_is_halted_nobody_rises_and_nothing_is_allocated(self) -> None:
        world, ada, _ = an_invested_arena()
        eve = world.raised(Layer.PROVING)
        world.day(COIN=-0.4)

        rise = world.ask(c.GraduateAgent, agent_id=eve, layer=Layer.ARENA)
        gift = world.ask(c.AllocateCapital, agent_id=ada, amount=usd(1))
        cycle = world.cycle()

        assert one(rise, AllocationError).reason is Refusal.TRADING_HALTED
        assert one(gift, AllocationError).reason is Refusal.TRADING_HALTED
        assert not every(cycle, CapitalAllocated)
        assert world.agent(eve).layer is Layer.PROVING

    def test_it_resumes_after_thirty_days_with_a_new_peak(self) -> None:
        world, *_ = an_invested_arena()
        world.day(COIN=-0.4)

        world.days(29)
        assert not every(world.log, TradingResumed)
        events = world.day()

        assert one(events, TradingResumed).scope == "arena"
        assert world.treasury.fund.peak == world.treasury.fund_nav == pytest.approx(0.6)
        assert not every(world.day(COIN=-0.29), TradingHalted)
        assert world.treasury.halted == {}

    def test_before_it_halts_openings_are_paused_until_the_fund_has_recovered(self) -> None:
        world, ada, _ = an_invested_arena(with_rules(INVESTED, risk={"pause_drawdown": -0.2}))

        assert not every(world.day(COIN=-0.2), OpeningsPaused)
        assert world.treasury.reduced == {}
        paused = one(world.day(COIN=-0.05), OpeningsPaused)
        assert paused.drawdown == pytest.approx(-0.24)
        assert world.treasury.reduced == {"arena": paused.tick}
        assert world.treasury.halted == {}
        assert world.agent(ada).portfolio.positions, "nothing is sold"
        assert not every(world.day(), OpeningsPaused)
        resumed = one(world.day(COIN=0.06), OpeningsResumed)
        assert resumed.drawdown == pytest.approx(-0.1944)
        assert world.treasury.reduced == {}

    def test_a_halt_ends_a_pause_when_it_is_over(self) -> None:
        world, *_ = an_invested_arena(with_rules(INVESTED, risk={"pause_drawdown": -0.2}))
        world.day(COIN=-0.25)
        events = world.day(COIN=-0.2)

        assert every(events, TradingHalted)
        assert "arena" in world.treasury.reduced
        world.days(30)
        assert one(world.day(), OpeningsResumed).drawdown == 0.0

    def test_in_an_emergency_stop_nothing_is_sold_for_anyone(self) -> None:
        world, ada, bob = an_invested_arena(with_rules(INVESTED, risk={"kill": KILL}))
        world.day()
        world.ask(c.HaltTrading, reason="a drill")

        events = world.day(COIN=-0.6)
        events += world.ask(c.KillUnderperformers)
        events += world.cycle()
        back = world.ask(c.ReturnCapital, agent_id=ada, amount=usd(1_000))

        assert not every(events, PositionsReduced)
        assert not every(events, AgentKilled)
        assert not every(events, TradingHalted), "the fund is not looked at"
        assert one(back, AllocationError).reason is Refusal.TRADING_HALTED
        world.ask(c.ResumeTrading, reason="over")
        killed = every(world.day(), AgentKilled)
        assert {event.agent_id for event in killed} == {ada, bob}

    def test_a_daemon_waits_for_somebody_to_resume_it(self) -> None:
        world, *_ = an_invested_arena(with_rules(INVESTED, risk={"halt_days": None}))
        world.day(COIN=-0.4)

        world.days(100)
        assert "arena" in world.treasury.halted
        world.ask(c.ResumeTrading, reason="looked at it")

        assert world.treasury.halted == {}

    def test_a_fund_that_lost_everything_is_still_a_fund(self) -> None:
        world, ada, bob = an_invested_arena()
        settle(world.treasury, world.prices, [a_ruin(world.agent(one)) for one in (ada, bob)])
        assert world.treasury.fund_nav == 0.0
        assert "arena" in world.treasury.halted

        for _ in range(31):
            settle(world.treasury, world.prices)

        assert world.treasury.halted == {}
        check_books(world.treasury)


def a_failure(agent_id: AgentId, tick: int) -> AgentFailed:
    return AgentFailed(agent_id=agent_id, tick=tick, kind="raised", message="oops")


class TestQuarantine:
    @staticmethod
    def fail_on(*ticks: int) -> tuple[Treasury, AgentId, list[AgentQuarantined]]:
        """Return what happened to an agent whose strategy broke on `ticks`."""
        world = a_world(QUIET)
        ada = world.spawn("COIN")
        found: list[AgentQuarantined] = []
        for tick in range(1, max(ticks) + 1):
            failures = [a_failure(ada, tick)] if tick in ticks else []
            fills = trade(world.treasury, {ada: {"COIN": 1.0}}, {"COIN": 100.0})
            found += every(
                settle(world.treasury, {"COIN": 100.0}, fills, failures), AgentQuarantined
            )
        return world.treasury, ada, found

    def test_three_failures_in_twenty_ticks_quarantine_an_agent(self) -> None:
        treasury, ada, (event,) = self.fail_on(5, 6, 24)

        assert (event.tick, event.failures) == (24, 3)
        assert treasury.agents[ada].status is Status.QUARANTINED
        assert not treasury.agents[ada].trading
        assert not treasury.agents[ada].portfolio.positions

    def test_three_in_twenty_one_do_not(self) -> None:
        treasury, ada, events = self.fail_on(5, 6, 25)

        assert events == []
        assert treasury.agents[ada].failures == (6, 25)

    def test_one_in_quarantine_is_not_quarantined_again(self) -> None:
        _, _, events = self.fail_on(1, 2, 3, 4, 5)

        assert len(events) == 1

    def test_the_next_cycle_ends_it(self) -> None:
        world = a_world(QUIET)
        ada = world.spawn()
        for tick in (1, 2, 3):
            settle(world.treasury, {"COIN": 1.0}, failures=[a_failure(ada, tick)])

        event = one(world.cycle(), AgentKilled)

        assert (event.agent_id, event.rule) == (ada, "quarantined")

    def test_a_baseline_is_not_quarantined(self) -> None:
        population = Population(agents=0, mix={"idle": 1}, baselines=("cash",))
        treasury = a_world(QUIET, population=population).treasury
        (baseline,) = treasury.agents

        for tick in (1, 2, 3):
            settle(treasury, {"COIN": 1.0}, failures=[a_failure(baseline, tick)])

        assert treasury.agents[baseline].status is Status.ALIVE


def test_a_purchase_that_its_book_can_no_longer_pay_is_refused() -> None:
    world = a_world()
    ada = world.raised(Layer.PROVING)
    opens = dict.fromkeys(world.prices, 100.0)
    bought = trade(world.treasury, {ada: {"COIN": 1.0}}, opens)
    half = Money(world.agent(ada).equity // 2)
    world.ask(c.ReturnCapital, agent_id=ada, amount=half)  # Between the desk and the allocator.

    settled = one(settle(world.treasury, opens, bought), TickSettled)

    assert settled.fills == ()
    assert [each.reason for each in settled.refused] == [OrderRefusal.CASH_INSUFFICIENT]
    assert world.agent(ada).portfolio.cash == half
    check_books(world.treasury)


@pytest.mark.parametrize("layer", list(Layer))
def test_a_loss_beyond_the_balance_is_the_markets_and_leaves_a_balance_of_zero(
    layer: Layer,
) -> None:
    world = a_world()
    ada = world.spawn() if layer is Layer.SIMULATION else world.raised(layer)
    balance, fund = world.agent(ada).equity, world.treasury.layer_capital(Layer.ARENA)

    fills = [a_ruin(world.agent(ada), beyond=usd(5))]
    settled = one(settle(world.treasury, {"COIN": 1.0}, fills), TickSettled)

    book = settled.virtual if layer is Layer.SIMULATION else settled.real
    assert book.bad_debt == ((ada, usd(5)),)
    assert (world.agent(ada).equity, world.agent(ada).nav) == (0, 0.0)
    check_books(world.treasury)
    lost = balance / fund if layer is Layer.ARENA else 0.0
    assert settled.fund_nav == pytest.approx(1.0 - lost)
