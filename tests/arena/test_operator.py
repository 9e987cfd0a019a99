"""What somebody who runs the arena has done is named, reasoned, and paid for like the rest."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena import commands as c
from arena.events import (
    AgentKilled,
    AgentPaused,
    AgentUnpaused,
    AllocationError,
    CapitalAllocated,
    CapitalReturned,
    EvolutionCycleComplete,
    OperatorActed,
    TradingHalted,
)
from arena.exceptions import ValidationError
from arena.experiment import Population
from arena.ids import AgentId
from arena.treasury import Treasury, decide
from arena.words import Action, Book, Layer, Refusal, Status, StopMode
from tests.arena.builders import (
    OPEN_GATES,
    World,
    an_experiment,
    check_books,
    every,
    kinds,
    one,
    refold,
    round_endowment,
    usd,
    with_rules,
)


@pytest.fixture
def world() -> World:
    rules = with_rules(OPEN_GATES, evolution={"births_base": 0})
    return World.of(an_experiment(rules=rules, endowment=round_endowment()))


def act(world: World, action: Action, command: c.Command | None = None) -> list[Any]:
    behalf = partial(c.OnBehalf, by="ada", reason="so", action=action, command=command)
    return [*world.ask(behalf)]


def on(kind: Any, agent_id: AgentId) -> c.Command:
    command: c.Command = kind(command_id="inner", agent_id=agent_id)
    return command


class TestOnBehalf:
    def test_whatever_follows_names_what_was_asked_for_as_its_cause(self, world: World) -> None:
        ada = world.raised(Layer.ARENA, "COIN")
        world.days(2)
        command = c.OnBehalf(
            command_id="x", by="ada", reason="", action=Action.KILL, command=on(c.KillAgent, ada)
        )

        first, *rest = decide(world.treasury, command)

        seq = world.treasury.seq + 1
        assert first == (OperatorActed(action=Action.KILL, by="ada", reason=""), None)
        assert "AgentKilled" in kinds([each.event for each in rest])
        assert all(each.caused_by is not None and each.caused_by >= seq for each in rest)

    def test_a_refusal_stands_behind_who_asked_for_it(self, world: World) -> None:
        acted, refused = act(world, Action.KILL, on(c.KillAgent, AgentId("nobody")))

        assert acted.action is Action.KILL
        assert refused.reason is Refusal.UNKNOWN_AGENT

    def test_the_clock_is_stopped_and_started_and_asking_twice_is_no_error(
        self, world: World
    ) -> None:
        found = []
        for action in (Action.PAUSE, Action.PAUSE, Action.RESUME, Action.RESUME, Action.EVOLVE):
            assert kinds(act(world, action)) == ["OperatorActed"]
            found.append(world.treasury.paused)

        assert found == [True, True, False, False, False]
        assert refold(world.treasury, world.log).to_json() == world.treasury.to_json()

    def test_a_state_that_was_never_paused_is_what_it_was_before_there_were_pauses(
        self, world: World
    ) -> None:
        assert "paused" not in world.treasury.to_plain()

    def test_a_panic_is_a_stop_and_its_reset_ends_it(self, world: World) -> None:
        stop = c.HaltTrading(command_id="x", reason="so", mode=StopMode.WIND_DOWN)

        assert one(act(world, Action.PANIC, stop), TradingHalted).mode is StopMode.WIND_DOWN
        act(world, Action.RESET_PANIC, c.ResumeTrading(command_id="x", reason="over"))

        assert world.treasury.stop_mode == ""

    @pytest.mark.parametrize(
        "facts",
        [
            {"by": ""},
            {"by": "a" * 65},
            {"by": "a\nb"},
            {"by": "\ud800"},
            {"by": None},
            {"reason": "r" * 501},
            {"reason": "\x1b[2J"},
            {"reason": "\u202egnp"},
            {"action": "kill"},
            {"action": Action.KILL},
            {"command": c.RecordNote(command_id="x", kind="k")},
        ],
    )
    def test_what_cannot_be_recorded_or_is_another_thing_is_refused(
        self, facts: dict[str, Any]
    ) -> None:
        whole = {"by": "ada", "reason": "", "action": Action.PAUSE, **facts}

        with pytest.raises(ValidationError):
            c.OnBehalf(command_id="x", **whole)

    @given(by=st.text(min_size=1, max_size=64), reason=st.text(max_size=500))
    def test_what_is_taken_can_be_written_and_holds_no_control(self, by: str, reason: str) -> None:
        try:
            taken = c.OnBehalf(command_id="x", by=by, reason=reason, action=Action.PAUSE)
        except ValidationError:
            assert not (by + reason).isprintable()
        else:
            assert (taken.by + taken.reason).encode().decode().splitlines() == [by + reason]

    def test_every_operation_is_a_command(self) -> None:
        assert set(c.OPERATIONS.values()) < set(get_args(c.Command))


class TestKill:
    @pytest.mark.parametrize("layer", [*Layer])
    def test_what_it_had_returns_to_where_it_came_from(self, world: World, layer: Layer) -> None:
        spawned = world.spawn if layer is Layer.SIMULATION else None
        ada = spawned("COIN") if spawned else world.raised(layer, "COIN")
        world.days(2)
        before = world.treasury.layer_capital(layer)

        events = world.ask(c.KillAgent, agent_id=ada)

        died, back = one(events, AgentKilled), one(events, CapitalReturned)
        assert (died.rule, died.thresholds) == ("operator", ())
        assert back.book is (Book.VIRTUAL if layer is Layer.SIMULATION else Book.REAL)
        assert world.agent(ada).cause == "operator"
        assert layer is Layer.SIMULATION or world.treasury.layer_capital(layer) == before

    def test_who_is_paused_can_be_ended_and_the_dead_cannot(self, world: World) -> None:
        ada = world.raised(Layer.ARENA)
        world.ask(c.PauseAgent, agent_id=ada)

        assert one(world.ask(c.KillAgent, agent_id=ada), AgentKilled).agent_id == ada
        again = one(world.ask(c.KillAgent, agent_id=ada), AllocationError)
        assert again.reason is Refusal.AGENT_IS_DEAD

    def test_in_an_emergency_stop_nobody_is_ended(self, world: World) -> None:
        ada = world.raised(Layer.ARENA)
        world.ask(c.HaltTrading, reason="so")

        refused = one(world.ask(c.KillAgent, agent_id=ada), AllocationError)

        assert refused.reason is Refusal.TRADING_HALTED


class TestPause:
    def reasons(self, world: World, kind: Any, *names: str) -> list[Refusal]:
        asked = [world.ask(kind, agent_id=AgentId(name)) for name in names]
        return [one(events, AllocationError).reason for events in asked]

    def test_who_cannot_be_paused_is_named(self, world: World) -> None:
        population = Population(agents=0, mix={"idle": 1}, baselines=("cash",))
        world = World.of(replace(world.treasury.experiment, population=population))
        ada, dead = world.spawn(), world.spawn()
        world.ask(c.KillAgent, agent_id=dead)
        world.ask(c.PauseAgent, agent_id=ada)

        found = self.reasons(world, c.PauseAgent, "nobody", dead, "baseline-cash", ada)
        awake = self.reasons(world, c.UnpauseAgent, "nobody", dead, world.spawn())

        known = [Refusal.UNKNOWN_AGENT, Refusal.AGENT_IS_DEAD]
        assert found == [*known, Refusal.AGENT_IS_BASELINE, Refusal.AGENT_IS_PAUSED]
        assert awake == [*known, Refusal.AGENT_IS_NOT_PAUSED]

    def test_it_keeps_what_it_holds_and_goes_on_afterwards(self, world: World) -> None:
        ada = world.raised(Layer.ARENA, "COIN")
        world.days(2)
        held = world.agent(ada).portfolio.positions

        assert one(world.ask(c.PauseAgent, agent_id=ada), AgentPaused).agent_id == ada
        world.holds[ada] = "STAR"
        world.day(COIN=0.1)

        assert world.agent(ada).paused
        assert not world.agent(ada).trading
        assert world.agent(ada).portfolio.positions == held
        assert world.agent(ada).pnl > 0
        assert one(world.ask(c.UnpauseAgent, agent_id=ada), AgentUnpaused).agent_id == ada
        world.day()
        assert world.agent(ada).status is Status.ALIVE
        assert "STAR" in world.agent(ada).portfolio.positions

    def test_a_cycle_moves_no_capital_of_it_and_lets_it_not_rise(self) -> None:
        changes = {"entrant_days": 0, "move_min": 1, "move_min_bp": 0}
        rules = with_rules(OPEN_GATES, allocation=changes, evolution={"births_base": 0})
        world = World.of(an_experiment(rules=rules, endowment=round_endowment()))
        bob, eve = world.raised(Layer.ARENA, "STAR"), world.raised(Layer.ARENA, "GOOD")
        low = world.spawn("STAR")
        world.days(60)
        for paused in (bob, low):
            world.ask(c.PauseAgent, agent_id=paused)
        before = world.agent(bob).equity

        events = world.cycle()

        cycle = one(events, EvolutionCycleComplete)
        ranks = {rank.agent_id: rank for rank in cycle.ranks}
        assert ranks[bob].target is None
        assert ranks[eve].target is not None
        assert world.agent(bob).equity == before
        assert bob not in [each.agent_id for each in every(events, CapitalAllocated)]
        assert world.agent(low).layer is Layer.SIMULATION
        assert world.agent(eve).equity != usd(0)

    def test_its_state_comes_back_from_its_events(self, world: World) -> None:
        ada = world.raised(Layer.PROVING, "COIN")
        world.days(2)
        world.ask(c.PauseAgent, agent_id=ada)
        world.cycle()
        world.days(2)

        again: Treasury = refold(world.treasury, world.log)

        assert again.to_json() == world.treasury.to_json()
        check_books(again)
