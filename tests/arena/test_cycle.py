"""A cycle kills, demotes, graduates, allocates and breeds, each on its day; or does nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from arena import commands as c
from arena.costs import CostModel
from arena.decisions.allocation import entry_amount
from arena.decisions.cycle import STEPS
from arena.events import (
    AgentDemoted,
    AgentGraduated,
    AgentKilled,
    AgentMutated,
    AgentSpawned,
    AllocationError,
    CapitalAllocated,
    CapitalReturned,
    EvolutionCycleComplete,
    EvolutionFailed,
    PositionsReduced,
)
from arena.experiment import Population
from arena.ids import AgentId
from arena.money import Money, render_usd
from arena.policies import POLICIES
from arena.rules import ENTRY, KILL, SEAT, LadderRules, Rule, Rules
from arena.treasury import Treasury, decide
from arena.words import Layer, Refusal, Tier
from tests.arena.builders import (
    CLOSED_GATE,
    OPEN_GATE,
    OPEN_GATES,
    QUIET,
    World,
    an_experiment,
    command_id,
    every,
    kinds,
    one,
    round_endowment,
    usd,
    with_rules,
)

SEATS = with_rules(QUIET, ladder={"seat": SEAT})
"""Rules under which only a seat can be won."""

KILL_BY = {rule.id: rule for rule in KILL}


def a_world(rules: Rules = QUIET, **changes: object) -> World:
    return World.of(an_experiment(rules=rules, endowment=round_endowment(), **changes))  # type: ignore[arg-type]


def deadly(rule: Rule) -> Rules:
    """Return rules under which only `rule` does anything."""
    return with_rules(OPEN_GATES, risk={"kill": (rule,)}, ladder={"seat": CLOSED_GATE})


def died_on(world: World, agent_id: AgentId, *, until: int) -> int | None:
    """Pass days with a cycle on each; return the tick of an agent's death."""
    for _ in range(until):
        world.day()
        world.cycle()
        if world.agent(agent_id).died is not None:
            return world.agent(agent_id).died
    return None


class TestOrder:
    def test_one_cycle_kills_demotes_graduates_allocates_and_breeds(self) -> None:
        rules = with_rules(
            ladder={"seat": OPEN_GATE, "entry": CLOSED_GATE, "proving_days_max": 36},
            evolution={"births_base": 1},
        )
        world = a_world(with_rules(rules, ladder={"entry": OPEN_GATE}))
        veteran = world.raised(Layer.ARENA)
        world.treasury.experiment = an_experiment(rules=rules, endowment=round_endowment())
        overdue = world.raised(Layer.PROVING)
        world.spawn("DUD")
        world.days(36)
        world.spawn("STAR")

        events = world.cycle()

        named = (AgentKilled, AgentDemoted, AgentGraduated, CapitalAllocated, AgentSpawned)
        order = [type(event).__name__ for event in events if isinstance(event, named)]
        assert order[:2] == ["AgentKilled", "AgentDemoted"]
        assert order[2:4] == ["AgentGraduated", "CapitalAllocated"]  # A seat is paid at once.
        assert order[-1] == "AgentSpawned"
        assert kinds(events)[-1] == "EvolutionCycleComplete"
        rebalanced = [e for e in every(events, CapitalAllocated) if e.reason == "rebalance"]
        assert [event.agent_id for event in rebalanced] == [veteran]
        graduated = events.index(every(events, AgentGraduated)[-1])
        assert (
            graduated < events.index(rebalanced[0]) < events.index(every(events, AgentSpawned)[0])
        )
        assert one(events, AgentDemoted).agent_id == overdue

    def test_decreases_come_before_entries_and_entries_before_increases(self) -> None:
        world = a_world(with_rules(OPEN_GATES, ladder={"entry_base": usd(30_000)}))
        worse, better = world.raised(Layer.ARENA, "FLAT"), world.raised(Layer.ARENA, "GOOD")
        world.ask(c.ReturnCapital, agent_id=better, amount=usd(25_000))
        world.days(20)
        world.treasury.experiment = an_experiment(
            rules=with_rules(OPEN_GATES, allocation={"policy": "tiered"}),
            endowment=round_endowment(),
        )
        newcomer = world.raised(Layer.PROVING)

        events = world.cycle()

        moves = [
            (event.agent_id, event.reason)
            for event in events
            if isinstance(event, (CapitalAllocated, CapitalReturned))
            and "arena" in (getattr(event, "source", "") + getattr(event, "target", ""))
        ]
        assert moves == [(worse, "reduction"), (newcomer, "entry"), (better, "rebalance")]

    def test_the_completion_tells_all_of_it(self) -> None:
        world = a_world(with_rules(SEATS, evolution={"births_base": 3}, risk={"kill": KILL}))
        star, dud = world.spawn("STAR"), world.spawn("DUD")
        world.days(40)

        events = world.cycle()
        complete = one(events, EvolutionCycleComplete)

        assert (complete.cycle, complete.tick) == (1, 40)
        assert complete.deaths == ((dud, "negative_fitness"),)
        assert complete.graduations == ((star, Layer.PROVING),)
        assert [birth[0] for birth in complete.births] == [
            event.agent_id for event in every(events, AgentSpawned)
        ]
        assert [rank.agent_id for rank in complete.ranks] == [star]


class TestKill:
    def test_negative_fitness_kills_on_the_thirtieth_day_in_a_row(self) -> None:
        """Fitness is defined from the seventh return on: days 7 to 36 are thirty."""
        world = a_world(deadly(KILL_BY["negative_fitness"]))

        assert died_on(world, world.spawn("DUD"), until=50) == 36

    def test_sharpe_is_tested_at_the_first_cycle_with_sixty_days(self) -> None:
        world = a_world(deadly(KILL_BY["sharpe_at_60"]))

        assert died_on(world, world.spawn("FLAT"), until=70) == 60

    def test_the_return_is_tested_at_the_first_cycle_with_ninety_days(self) -> None:
        world = a_world(deadly(KILL_BY["return_at_90"]))

        assert died_on(world, world.spawn("DUD"), until=100) == 90

    def test_a_cycle_a_little_late_tests_all_the_same(self) -> None:
        world = a_world(deadly(KILL_BY["sharpe_at_60"]))
        world.spawn("FLAT")
        world.days(59)
        assert not every(world.cycle(), AgentKilled)

        world.days(7)

        assert one(world.cycle(), AgentKilled).metrics["age"] == 66.0

    def test_what_was_passed_once_is_not_tested_again(self) -> None:
        world = a_world(deadly(KILL_BY["sharpe_at_60"]))
        ada = world.spawn("STAR")
        world.days(60)
        world.cycle()
        assert world.agent(ada).life.tested == ("sharpe_at_60",)

        world.holds[ada] = "FLAT"
        world.days(120)

        assert not every(world.cycle(), AgentKilled)

    def test_a_cycle_that_failed_has_tested_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = a_world(deadly(KILL_BY["sharpe_at_60"]))
        world.spawn("FLAT")
        world.days(60)
        with monkeypatch.context() as patch:
            patch.setitem(STEPS, "birth", broken)
            one(world.cycle(), EvolutionFailed)

        world.day()

        assert one(world.cycle(), AgentKilled).rule == "sharpe_at_60"

    def test_a_life_that_passed_before_a_seat_is_not_tested_after_it(self) -> None:
        rules = with_rules(deadly(KILL_BY["sharpe_at_60"]), ladder={"seat": SEAT})
        world = a_world(with_rules(rules, ladder={"entry": CLOSED_GATE, "proving_days_max": 20}))
        ada = world.spawn("STAR")
        world.days(60)
        assert one(world.cycle(), AgentGraduated).agent_id == ada
        world.holds[ada] = "COIN"
        for _ in range(20):
            world.day(COIN=-0.03)
        one(world.cycle(), AgentDemoted)
        assert world.agent(ada).life.tested == ("sharpe_at_60",)
        world.day()

        assert not every(world.cycle(), AgentKilled)

    def test_a_life_that_was_never_tested_is_tested_after_the_demotion(self) -> None:
        rules = with_rules(
            deadly(KILL_BY["return_at_90"]),
            ladder={"seat": OPEN_GATE, "entry": CLOSED_GATE, "proving_days_max": 85},
        )
        world = a_world(rules)
        ada = world.spawn("DUD")
        world.days(5)
        world.cycle()
        world.treasury.experiment = an_experiment(
            rules=with_rules(rules, ladder={"seat": CLOSED_GATE})
        )
        world.days(87)
        one(world.cycle(), AgentDemoted)
        assert world.agent(ada).life.tested == ()
        world.day()

        assert one(world.cycle(), AgentKilled).rule == "return_at_90"

    def test_a_life_ends_after_a_year_unless_it_is_in_the_arena(self) -> None:
        world = a_world(deadly(KILL_BY["lifetime"]))
        world.treasury.experiment = an_experiment(rules=OPEN_GATES, endowment=round_endowment())
        ada, bob = world.raised(Layer.ARENA), world.spawn()
        world.treasury.experiment = an_experiment(
            rules=deadly(KILL_BY["lifetime"]), endowment=round_endowment()
        )
        world.days(365)
        assert not every(world.cycle(), AgentKilled)

        world.day()

        assert one(world.cycle(), AgentKilled).agent_id == bob
        assert world.agent(ada).layer is Layer.ARENA

    def test_the_first_rule_that_applies_is_the_one_that_is_named(self) -> None:
        world = a_world(with_rules(QUIET, risk={"kill": KILL}))
        world.spawn("DUD")
        world.days(90)

        assert one(world.cycle(), AgentKilled).rule == "negative_fitness"

    def test_underperformers_can_be_killed_outside_a_cycle(self) -> None:
        world = a_world(with_rules(QUIET, risk={"kill": KILL}))
        ada, bob = world.spawn("DUD"), world.spawn("STAR")
        world.days(40)

        events = world.ask(c.KillUnderperformers)

        assert one(events, AgentKilled).agent_id == ada
        assert bob in world.treasury.agents


class TestSeats:
    def test_a_seat_is_won_on_the_thirtieth_day(self) -> None:
        world = a_world(SEATS)
        ada = world.spawn("STAR")
        world.days(29)
        assert not every(world.cycle(), AgentGraduated)

        world.day()
        events = world.cycle()

        assert one(events, AgentGraduated).agent_id == ada
        assert one(events, CapitalReturned).target == "bank"
        assert one(events, CapitalAllocated).source == "pool:proving"
        agent = world.agent(ada)
        assert (agent.layer, agent.equity, agent.stint.start) == (Layer.PROVING, usd(1_000), 30)
        assert agent.life.start == 0

    def test_a_stint_is_measured_from_its_own_start(self) -> None:
        world = a_world(SEATS)
        ada = world.spawn("STAR")
        world.days(30)
        world.cycle()
        world.holds[ada] = "DUD"
        world.days(6)
        assert world.agent(ada).fitness is None

        world.day()

        assert (world.agent(ada).fitness or 0.0) < -2.0

    def test_seats_go_by_fitness_then_id_and_the_others_wait(self) -> None:
        world = a_world(with_rules(SEATS, ladder={"seats_max": 3}))
        holdings = ("GOOD", "STAR", "GOOD", "STAR", "FLAT", "GOOD")
        agents = [world.spawn(holding) for holding in holdings]
        world.days(30)

        complete = one(world.cycle(), EvolutionCycleComplete)

        assert [who for who, _ in complete.graduations] == [agents[1], agents[3], agents[0]]
        assert complete.waiting == (agents[2], agents[5])

    def test_seats_end_where_the_pool_does(self) -> None:
        world = a_world(with_rules(SEATS, ladder={"seat_amount": usd(4_000)}))
        for _ in range(4):
            world.spawn("STAR")
        world.days(30)

        complete = one(world.cycle(), EvolutionCycleComplete)

        assert (len(complete.graduations), len(complete.waiting)) == (2, 2)
        assert world.treasury.balance("pool:proving") == usd(2_000)

    def test_a_seat_that_an_entry_frees_is_taken_in_the_same_cycle(self) -> None:
        rules = with_rules(SEATS, ladder={"seats_max": 1, "entry": ENTRY})
        world = a_world(rules)
        ada, bob = world.spawn("STAR"), world.spawn("GOOD")
        world.days(30)
        world.cycle()
        world.days(30)

        complete = one(world.cycle(), EvolutionCycleComplete)

        assert complete.graduations == ((ada, Layer.ARENA), (bob, Layer.PROVING))

    def test_a_baseline_that_would_have_been_seated_is_named_and_stays(self) -> None:
        population = Population(agents=0, mix={"idle": 1}, baselines=("cash",))
        world = a_world(SEATS, population=population)
        (baseline,) = world.treasury.agents
        world.holds[baseline] = "STAR"
        world.days(30)

        complete = one(world.cycle(), EvolutionCycleComplete)

        assert complete.baselines_ready == (baseline,)
        assert complete.graduations == complete.waiting == complete.ranks == ()


class TestEntries:
    @pytest.mark.parametrize(
        ("fitness", "amount"),
        [
            (1.0, "$5,000.00"),
            (2.0, "$5,000.00"),
            (2.123456, "$6,851.84"),
            (2.5, "$12,500.00"),
            (3.0, "$20,000.00"),
            (9.0, "$20,000.00"),
        ],
    )
    def test_an_entry_grows_with_fitness_in_whole_cents(self, fitness: float, amount: str) -> None:
        assert render_usd(entry_amount(fitness, LadderRules())) == amount

    def test_an_entry_is_won_on_the_thirtieth_day_in_proving(self) -> None:
        world = a_world(with_rules(OPEN_GATES, ladder={"entry": ENTRY}))
        ada = world.raised(Layer.PROVING, "STAR")
        world.days(29)
        assert not every(world.cycle(), AgentGraduated)

        world.day()
        fitness = world.agent(ada).fitness
        events = world.cycle()

        assert one(events, AgentGraduated).to_layer is Layer.ARENA
        assert one(events, CapitalReturned).target == "pool:proving"
        paid = one(events, CapitalAllocated)
        assert (paid.source, paid.reason) == ("pool:arena", "entry")
        assert paid.amount == entry_amount(fitness or 0.0, LadderRules())
        agent = world.agent(ada)
        assert (agent.tier, agent.equity, agent.stint.start) == (Tier.ENTRANT, paid.amount, 30)

    def test_an_entrant_is_paid_no_more_than_it_asked_for(self) -> None:
        world = a_world(with_rules(OPEN_GATES, ladder={"entry": ENTRY}))
        ada = world.raised(Layer.PROVING, "STAR")
        world.days(30)
        world.ask(c.RequestCapital, agent_id=ada, amount=usd(700))

        assert one(world.cycle(), CapitalAllocated).amount == usd(700)
        assert world.treasury.requests == {}

    def test_the_arena_has_only_so_many_places(self) -> None:
        world = a_world(with_rules(OPEN_GATES, ladder={"entry": ENTRY, "arena_agents_max": 1}))
        first, second = world.raised(Layer.PROVING, "GOOD"), world.raised(Layer.PROVING, "STAR")
        world.days(30)

        complete = one(world.cycle(), EvolutionCycleComplete)

        assert complete.graduations == ((second, Layer.ARENA),)
        assert complete.waiting == (first,)


class TestDemotion:
    RULES = with_rules(OPEN_GATES, ladder={"entry": CLOSED_GATE})

    def test_ninety_days_in_proving_without_promotion_lead_back(self) -> None:
        world = a_world(self.RULES)
        ada = world.raised(Layer.PROVING, "GOOD")
        world.treasury.experiment = an_experiment(rules=QUIET, endowment=round_endowment())
        world.days(89)
        assert not every(world.cycle(), AgentDemoted)
        world.day()
        nav, equity = world.agent(ada).nav, world.agent(ada).equity

        events = world.cycle()

        assert one(events, AgentDemoted).agent_id == ada
        assert one(events, CapitalReturned).amount == equity
        assert world.treasury.balance("pool:proving") == usd(9_000) + equity
        agent = world.agent(ada)
        assert (agent.layer, agent.equity, agent.nav) == (Layer.SIMULATION, usd(10_000), nav)
        assert (agent.stint.start, agent.life.start) == (90, 0)

    def test_who_rises_on_that_day_is_not_demoted(self) -> None:
        world = a_world(with_rules(self.RULES, ladder={"entry": ENTRY}))
        world.raised(Layer.PROVING, "STAR")
        world.days(90)

        events = world.cycle()

        assert not every(events, AgentDemoted)
        assert one(events, AgentGraduated).to_layer is Layer.ARENA


class TestAllocation:
    """Ten thousand dollars in proving, ninety thousand in the arena, trading is free."""

    RULES = with_rules(OPEN_GATES, ladder={"entry_base": usd(9_000)})

    def ranked(self, *holdings: str, days: int = 14, rules: Rules = RULES) -> World:
        """Return a world whose arena agents have been there for some days; the first are best."""
        world = a_world(rules)
        for holding in holdings:
            world.raised(Layer.ARENA, holding)
        world.days(days)
        return world

    def test_who_is_there_for_less_than_fourteen_days_keeps_its_sum(self) -> None:
        world = self.ranked("STAR", days=13)
        (ada,) = world.treasury.agents
        before = world.agent(ada).equity
        assert not every(world.cycle(), CapitalAllocated)
        assert (world.agent(ada).tier, world.agent(ada).equity) == (Tier.ENTRANT, before)

        world.day()

        assert one(world.cycle(), CapitalAllocated).agent_id == ada
        assert world.agent(ada).tier is Tier.ELITE

    def test_a_lone_agent_gets_its_thirty_per_cent_and_the_rest_stays_in_the_pool(self) -> None:
        world = self.ranked("FLAT")

        complete = one(world.cycle(), EvolutionCycleComplete)

        (rank,) = complete.ranks
        assert (rank.tier, rank.target) == (Tier.ELITE, usd(27_000))
        assert rank.limits == ("per_agent",)
        assert world.treasury.balance("pool:arena") == usd(63_000)

    def test_tiers_share_what_the_entrants_leave(self) -> None:
        rules = with_rules(self.RULES, allocation={"per_agent_bp": 10_000, "per_family_bp": 10_000})
        world = self.ranked("FLAT", "FLAT", "FLAT", rules=rules)
        entrant = world.raised(Layer.ARENA)
        first, second, third = [one for one in world.treasury.agents if one != entrant]

        world.cycle()

        equities = {agent.agent_id: agent.equity for agent in world.treasury.living()}
        assert equities == {
            entrant: usd(9_000),
            first: usd(81_000 * 0.6),
            second: usd(81_000 * 0.3),
            third: usd(81_000 * 0.1),
        }
        tiers = [world.agent(who).tier for who in (first, second, third, entrant)]
        assert tiers == [Tier.ELITE, Tier.ACTIVE, Tier.CHALLENGER, Tier.ENTRANT]

    def test_equal_stints_are_ranked_by_id(self) -> None:
        world = self.ranked("FLAT", "FLAT")

        ranks = one(world.cycle(), EvolutionCycleComplete).ranks

        assert [rank.agent_id for rank in ranks] == sorted(world.treasury.agents)
        assert [rank.tier for rank in ranks] == [Tier.ELITE, Tier.CHALLENGER]

    @pytest.mark.parametrize(("fall", "halved"), [(-0.24, False), (-0.26, True)])
    def test_a_deep_drawdown_halves_the_target(self, fall: float, halved: bool) -> None:
        world = self.ranked("COIN", days=13)
        world.day(COIN=fall)

        (rank,) = one(world.cycle(), EvolutionCycleComplete).ranks

        capital = world.treasury.layer_capital(Layer.ARENA)
        assert rank.target == capital * 3 // 10 // (2 if halved else 1)
        assert ("stint_drawdown" in rank.limits) == halved

    def test_it_stays_halved_until_a_new_peak(self) -> None:
        world = self.ranked("COIN", days=13)
        world.day(COIN=-0.30)

        limits = []
        for growth in (0.0, 0.40, 0.10):  # Nearly back; then above.
            world.day(COIN=growth)
            limits.append(one(world.cycle(), EvolutionCycleComplete).ranks[0].limits)

        assert ["stint_drawdown" in found for found in limits] == [True, True, False]

    @pytest.mark.parametrize(
        ("target", "moves"), [(9_449, False), (9_450, True), (8_551, False), (8_550, True)]
    )
    def test_a_move_under_five_per_cent_is_skipped(self, target: int, moves: bool) -> None:
        world = self.ranked("FLAT")
        (ada,) = world.treasury.agents
        rules = with_rules(self.RULES, allocation={"per_agent_bp": 10_000, "per_family_bp": 10_000})
        world.treasury.experiment = an_experiment(rules=rules)
        world.ask(c.RequestCapital, agent_id=ada, amount=usd(target))

        world.cycle()

        assert world.agent(ada).equity == usd(target if moves else 9_000)

    @pytest.mark.parametrize(("target", "moves"), [(1_099.99, False), (1_100, True)])
    def test_a_move_under_a_hundred_dollars_is_skipped(self, target: float, moves: bool) -> None:
        world = self.ranked("FLAT", rules=with_rules(self.RULES, ladder={"entry_base": usd(1_000)}))
        (ada,) = world.treasury.agents
        world.ask(c.RequestCapital, agent_id=ada, amount=usd(target))

        world.cycle()

        assert world.agent(ada).equity == usd(target if moves else 1_000)

    def test_no_balance_grows_more_than_tenfold_in_a_cycle(self) -> None:
        rules = with_rules(self.RULES, ladder={"entry_base": usd(200)})
        world = self.ranked("FLAT", rules=rules)

        (rank,) = one(world.cycle(), EvolutionCycleComplete).ranks

        assert (rank.target, rank.limits) == (usd(2_000), ("per_agent", "growth"))

    def test_who_gave_everything_back_can_be_funded_again(self) -> None:
        world = self.ranked("FLAT")
        (ada,) = world.treasury.agents
        world.ask(c.ReturnCapital, agent_id=ada, amount=usd(9_000))

        world.cycle()

        assert world.agent(ada).equity == usd(27_000)

    def test_a_family_holds_no_more_than_its_cap_entries_included(self) -> None:
        rules = with_rules(self.RULES, ladder={"entry_base": usd(10_000)})
        world = self.ranked("FLAT", "FLAT", rules=rules)
        other = world.raised(Layer.ARENA, strategy="other")
        world.raised(Layer.PROVING)

        world.cycle()  # The one in proving enters.

        held = sum(
            agent.equity
            for agent in world.treasury.living(Layer.ARENA)
            if agent.genome.family == "idle"
        )
        assert held == usd(36_000)
        assert world.agent(other).equity == usd(10_000)

    def test_entrants_who_need_all_of_it_leave_the_ranked_nothing(self) -> None:
        rules = with_rules(OPEN_GATES, ladder={"entry_base": usd(50_000)})
        world = self.ranked("FLAT", rules=rules)
        (veteran,) = world.treasury.agents
        newcomers = [world.raised(Layer.PROVING) for _ in range(2)]

        world.cycle()

        assert world.agent(veteran).equity == 0
        assert [world.agent(who).equity for who in newcomers] == [usd(50_000), usd(40_000)]

    def test_a_reduction_sells_what_it_must_and_leaves_the_nav_alone(self) -> None:
        costs = CostModel(fee_bps=10.0, slippage_bps=5.0, gas=Money(0))
        world = a_world(with_rules(self.RULES, ladder={"entry_base": usd(40_000)}))
        world.treasury.experiment = an_experiment(
            rules=with_rules(self.RULES, ladder={"entry_base": usd(40_000)}), costs=costs
        )
        ada = world.raised(Layer.ARENA, "FLAT")
        world.days(14)
        nav = world.agent(ada).nav

        events = world.cycle()

        sold = one(events, PositionsReduced)
        back = one(events, CapitalReturned)
        paid = sum(fill.costs for fill in sold.fills)
        capital = world.treasury.layer_capital(Layer.ARENA) + paid
        assert paid > 0
        assert world.agent(ada).equity == pytest.approx(capital * 0.3, abs=2)
        assert back.reason == sold.reason == "reduction"
        assert world.agent(ada).nav == nav

    def test_a_halted_arena_keeps_its_tiers(self) -> None:
        world = self.ranked("FLAT")
        world.cycle()
        world.ask(c.HaltTrading, reason="looking")
        world.day()

        events = world.cycle()

        assert [rank.tier for rank in one(events, EvolutionCycleComplete).ranks] == [Tier.ELITE]
        assert not every(events, CapitalAllocated)


class TestBirths:
    RULES = with_rules(QUIET, evolution={"births_base": 5, "agents_max": 20}, risk={"kill": KILL})

    def test_there_are_five_and_one_for_each_death_since_the_last_cycle(self) -> None:
        world = a_world(self.RULES)
        world.spawn("STAR")
        for _ in range(3):
            world.spawn("DUD")
        world.spawn("COIN")
        world.days(5)
        world.day(COIN=-0.6)  # One dies between cycles ...
        world.days(34)

        events = world.cycle()  # ... and three of them now.

        assert len(every(events, AgentSpawned)) == 5 + 4
        assert world.treasury.deaths == 0
        world.day()
        assert len(every(world.cycle(), AgentSpawned)) == 5

    def test_nobody_is_born_beyond_the_bound(self) -> None:
        world = a_world(self.RULES)
        for _ in range(18):
            world.spawn()

        assert len(every(world.cycle(), AgentSpawned)) == 2
        assert not every(world.cycle(), AgentSpawned)
        refused = world.ask(c.SpawnAgent, strategy="idle")
        assert one(refused, AllocationError).reason is Refusal.POPULATION_IS_FULL

    def test_the_first_two_are_mutants_of_the_top_fifth_and_the_others_fresh(self) -> None:
        world = a_world(self.RULES)
        stars = [world.spawn("STAR", strategy="tactical-trader")]
        for _ in range(4):
            world.spawn("FLAT", strategy="tactical-trader")
        world.days(10)

        events = world.cycle()
        born = every(events, AgentSpawned)

        assert [event.parents for event in born] == [tuple(stars), tuple(stars), (), (), ()]
        mutants = every(events, AgentMutated)
        assert [event.agent_id for event in mutants] == [event.agent_id for event in born[:2]]
        parent = world.agent(stars[0]).genome.parameters
        for event, mutant in zip(born, mutants, strict=False):
            assert mutant.changes
            changed = {name: after for name, (_, after) in mutant.changes.items()}
            assert event.parameters == {**parent, **changed}

    def test_where_nobody_has_a_score_all_are_fresh(self) -> None:
        world = a_world(self.RULES)
        world.spawn("STAR")

        assert {event.parents for event in every(world.cycle(), AgentSpawned)} == {()}

    def test_newborns_are_named_by_generation_and_slot_and_start_now(self) -> None:
        world = a_world(self.RULES)
        world.days(3)

        born = every(world.cycle(), AgentSpawned)

        assert [event.agent_id for event in born] == [f"g001-{n:03d}" for n in range(1, 6)]
        assert {world.agent(event.agent_id).life.start for event in born} == {3}
        assert one(world.ask(c.SpawnAgent, strategy="idle"), AgentSpawned).agent_id == "g001-006"

    def test_a_newborns_draw_is_not_changed_by_anothers(self) -> None:
        """The same slot of the same seed is the same agent, whoever else was born or mutated."""
        mix = {"tactical-trader": 1, "defi-yield-farmer": 1}
        small, large = (
            Treasury(an_experiment(population=Population(agents=n, mix=mix, baselines=())))
            for n in (3, 8)
        )

        few, many = (
            [e.event for e in decide(t, c.OpenArena(command_id="1"))][1:] for t in (small, large)
        )

        assert few == many[:3]
        assert len({json.dumps(event.parameters) for event in every(many, AgentSpawned)}) == 8

    def test_a_baseline_is_no_parent(self) -> None:
        population = Population(agents=0, mix={"idle": 1}, baselines=("cash",))
        world = a_world(self.RULES, population=population)
        (baseline,) = world.treasury.agents
        world.holds[baseline] = "STAR"
        world.days(20)

        assert {event.parents for event in every(world.cycle(), AgentSpawned)} == {()}
        refused = world.ask(c.MutateAgent, parent=baseline)
        assert one(refused, AllocationError).reason is Refusal.AGENT_IS_BASELINE


def broken(*_: object) -> None:
    """Fail as other people's code does."""
    message = "somebody else's bug"
    raise RuntimeError(message)


class TestFailure:
    @staticmethod
    def state(treasury: Treasury) -> dict[str, object]:
        """Return the state, but for the number of events."""
        state: dict[str, object] = json.loads(treasury.to_json())
        del state["seq"]
        return state

    @pytest.fixture
    def world(self) -> World:
        """A world in which every step of the next cycle has something to do."""
        rules = with_rules(
            ladder={"seat": OPEN_GATE, "entry": OPEN_GATE, "proving_days_max": 10},
            risk={"kill": KILL},
        )
        world = a_world(rules)
        for layer in (Layer.PROVING, Layer.ARENA):
            world.raised(layer, "GOOD")
        world.spawn("DUD")
        world.days(40)
        return world

    @pytest.mark.parametrize("step", list(STEPS))
    def test_a_step_that_breaks_leaves_one_event_and_nothing_else(
        self, world: World, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(STEPS, step, broken)
        before, seq = self.state(world.treasury), world.treasury.seq

        (event,) = world.cycle()

        assert isinstance(event, EvolutionFailed)
        assert (event.step, event.cycle, event.tick) == (step, 1, 40)
        assert event.message == "RuntimeError: somebody else's bug"
        assert self.state(world.treasury) == before
        assert world.treasury.seq == seq + 1

    def test_a_policy_that_breaks_is_a_step_that_breaks_and_the_next_cycle_runs(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setitem(POLICIES, "tiered", broken)
            assert one(world.cycle(), EvolutionFailed).step == "allocate"

        assert one(world.cycle(), EvolutionCycleComplete).cycle == 1

    @pytest.mark.parametrize(
        "spread", [lambda amount: amount * 3, lambda amount: -amount], ids=["greedy", "negative"]
    )
    def test_a_policy_that_cannot_count_cannot_make_money(
        self, spread: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        equal = POLICIES["equal"]
        monkeypatch.setitem(
            POLICIES, "tiered", lambda ranked, amount, rules: equal(ranked, spread(amount), rules)
        )
        limits = {"per_agent_bp": 10_000, "per_family_bp": 10_000}
        world = a_world(with_rules(OPEN_GATES, allocation=limits))
        for _ in range(3):
            world.raised(Layer.ARENA)
        world.days(14)

        world.cycle()  # It checks the books.

        assert world.treasury.balance("pool:arena") >= 0


def test_deciding_a_cycle_changes_nothing_until_it_is_applied() -> None:
    world = a_world(with_rules(evolution={"births_base": 5}))
    for holding in ("STAR", "DUD", "FLAT"):
        world.spawn(holding)
    world.days(40)
    before = world.treasury.state_hash()

    first, second = (decide(world.treasury, c.RunCycle(command_id=command_id())) for _ in range(2))

    assert world.treasury.state_hash() == before
    assert first == second
