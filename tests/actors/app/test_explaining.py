"""Explanations agree with the journal, and what they say would flip a decision does flip it."""

from __future__ import annotations

import shutil
from collections import Counter

import pytest

from actors.app.explaining.agent import Explained, explain_agent
from actors.app.explaining.chain import COMMANDS, trace
from actors.app.explaining.checks import above, below, check, closest, flipped, say_flip, say_margin
from actors.app.explaining.decision import Decision
from actors.app.explaining.walk import walk
from actors.app.folding import fold_run
from actors.app.inspecting import agent_ids
from actors.journal.reader import open_run
from arena.events import (
    AgentDemoted,
    AgentGraduated,
    AgentKilled,
    CapitalAllocated,
    CapitalReturned,
    EvolutionCycleComplete,
)
from arena.ids import AgentId
from arena.rules import Condition
from arena.treasury import Treasury

OUTCOMES = {"born", "killed", "spared", "granted", "refused", "waiting", "demoted"} | {
    "entry",
    "entrant",
    "increase",
    "decrease",
    "skipped",
}


@pytest.fixture(scope="module")
def everyone(lively) -> dict[AgentId, Explained]:
    with open_run(lively) as stored:
        commands = [*walk(stored)]
        names = [AgentId(each) for each in agent_ids(stored)]
    return {name: explain_agent(commands, name, everything=True) for name in names}


@pytest.fixture(scope="module")
def history(lively) -> list[tuple[int, object]]:
    with open_run(lively) as stored:
        return [(entry.seq, event) for entry, event in stored.events()]


@pytest.fixture(scope="module")
def final(lively) -> Treasury:
    with open_run(lively) as stored:
        return fold_run(stored)


def told(everyone: dict[AgentId, Explained], *outcomes: str) -> list[tuple[AgentId, Decision]]:
    return [
        (name, one)
        for name, found in everyone.items()
        for one in found.decisions
        if one.outcome in outcomes
    ]


def test_every_kind_of_decision_is_there(everyone):
    found = {one.outcome for each in everyone.values() for one in each.decisions}

    assert found >= OUTCOMES


def test_who_rose_died_or_went_back_is_told_so_once(everyone, history):
    for kind, outcomes in (
        (AgentGraduated, ("granted",)),
        (AgentKilled, ("killed",)),
        (AgentDemoted, ("demoted",)),
    ):
        happened = {(event.agent_id, seq) for seq, event in history if isinstance(event, kind)}

        assert {(name, one.seq) for name, one in told(everyone, *outcomes)} == happened


def test_who_waits_is_who_the_cycle_says_waits(everyone, history):
    waiting = {
        (name, event.cycle)
        for _, event in history
        if isinstance(event, EvolutionCycleComplete)
        for name in event.waiting
    }

    assert waiting
    assert {(name, one.cycle) for name, one in told(everyone, "waiting")} == waiting


def test_ranks_and_targets_are_those_that_the_cycle_recorded(everyone, history):
    recorded = {
        (rank.agent_id, event.cycle): rank
        for _, event in history
        if isinstance(event, EvolutionCycleComplete)
        for rank in event.ranks
    }
    ranked = told(everyone, "increase", "decrease", "skipped", "unchanged", "unfunded")
    for name, one in ranked:
        rank = recorded[name, one.cycle or 0]

        assert one.numbers["target"] == rank.target
        assert one.numbers["tier"] == rank.tier
        assert tuple(one.numbers["limits"]) == rank.limits
        assert one.numbers["balance"] == rank.balance
    for name, one in told(everyone, "entry"):
        assert one.numbers["granted"] == recorded[name, one.cycle or 0].target


def test_what_moved_is_what_the_journal_moved(everyone, history):
    moved: Counter[AgentId] = Counter()
    for _, event in history:
        if isinstance(event, CapitalAllocated) and event.reason in {"entry", "rebalance"}:
            moved[event.agent_id] += event.amount
        if isinstance(event, CapitalReturned) and event.reason == "reduction":
            moved[event.agent_id] -= event.amount
    said: Counter[AgentId] = Counter()
    for name, one in told(everyone, "entry", "increase", "decrease", "skipped", "unfunded"):
        said[name] += one.numbers.get("moved", one.numbers.get("paid", 0))

    assert moved
    assert said == moved


def test_every_decision_says_what_would_have_flipped_it(everyone):
    for name, one in told(everyone, "killed", "granted", "refused", "waiting", "demoted"):
        assert one.flip, (name, one)
    for _, one in told(everyone, "granted"):
        assert all(each.holds for each in one.checks)
    for _, one in told(everyone, "refused"):
        assert any(not each.holds for each in one.checks)


def test_the_facts_of_a_death_are_those_of_its_event(everyone, history):
    facts = {event.agent_id: event for _, event in history if isinstance(event, AgentKilled)}
    for name, one in told(everyone, "killed"):
        event = facts[name]

        assert one.rule == event.rule
        assert [(c.metric, c.op, c.threshold) for c in one.checks] == [*event.thresholds]
        assert [c.value for c in one.checks] == [event.metrics[c.metric] for c in one.checks]


def test_by_default_all_changes_are_told_and_the_last_cycle_whole(lively, everyone, final):
    with open_run(lively) as stored:
        commands = [*walk(stored)]
    for name, found in everyone.items():
        some = explain_agent(commands, name, everything=False).decisions
        last = max((one.cycle or 0 for one in found.decisions), default=0)

        kept = [one for one in found.decisions if one.changed or one.cycle == last]
        assert [*some] == kept
        if name in final.agents:
            assert last == final.cycle


def test_an_agent_is_told_as_it_is_in_the_end(everyone, final):
    for name, found in everyone.items():
        assert found.agent == final.find(name)


def test_an_agent_is_explained_from_its_own_life_alone(
    lively, everyone, final, snapshot_at, tmp_path
):
    copy = shutil.copytree(lively, tmp_path / "run")
    with open_run(copy) as stored:
        ends = [entry.seq for entry in stored.entries(event_type="EvolutionCycleComplete")]
        commands = len([*walk(stored)])
    snapshot_at(copy, ends[len(ends) // 2])
    youngest = max(final.agents.values(), key=lambda agent: agent.genome.born)
    first_dead = min(final.dead.values(), key=lambda agent: agent.died)
    for one in (youngest, first_dead, next(iter(final.agents.values()))):
        name = one.agent_id
        with open_run(copy) as stored:
            life = [*walk(stored, about=name)]

        assert explain_agent(life, name, everything=True) == everyone[name]
        assert len(life) < commands or not one.genome.born


def test_a_baseline_is_told_as_one(everyone):
    cash = everyone[AgentId("baseline-cash")].decisions

    assert {one.kind for one in cash} == {"birth", "baseline"}
    assert {one.outcome for one in cash} == {"born", "not_ready"}


def test_a_cause_is_traced_to_a_command_from_every_event(lively, history):
    with open_run(lively) as stored:
        for seq, _ in history[:: max(len(history) // 60, 1)]:
            steps = trace(stored, seq)

            assert steps[0].entry.seq == seq
            assert steps[-1].entry.caused_by is None
            assert steps[-1].command in COMMANDS
            assert all(step.said for step in steps)
            causes = [step.entry.caused_by for step in steps[:-1]]
            assert causes == [step.entry.seq for step in steps[1:]]


def test_the_money_of_an_entry_is_traced_through_the_cycle_to_the_day(lively, history):
    seq = next(
        seq
        for seq, event in history
        if isinstance(event, CapitalAllocated) and event.reason == "entry"
    )
    with open_run(lively) as stored:
        steps = trace(stored, seq)

    kinds = [step.entry.event_type for step in steps]
    assert kinds == ["CapitalAllocated", "AgentGraduated", "TickSettled"]
    assert [step.command for step in steps] == [None, "RunCycle", "SettleTick"]
    assert f"{steps[0].entry.agent_id} made" in steps[-1].said


@pytest.mark.parametrize(
    ("condition", "value", "flip", "margin"),
    [
        (("sharpe", ">", 1.5), 1.42, "Sharpe above 1.50", "0.08"),
        (("sharpe", ">", 1.5), 1.6, "Sharpe at most 1.50", "0.10"),
        (("sharpe", ">", 1.5), 1.4999, "Sharpe above 1.5000", "0.0001"),
        (("drawdown", "<", -0.5), -0.504, "drawdown at least -50.0%", "0.4 points"),
        (("age", ">=", 30), 29, "age at least 30 days", "1 day"),
        (("age", ">=", 30), 30, "age at most 29 days", "0 days"),
        (("life_age", ">", 365), 365, "age since birth at least 366 days", "1 day"),
        (("days_negative", ">=", 30), 36, "days below 0 at most 29", "6 days"),
        (("win_rate", ">", 0.6), None, "days won above 60.0%", "altogether"),
    ],
)
def test_a_condition_says_by_how_much_and_what_flips_it(condition, value, flip, margin):
    rule = Condition(*condition)
    metrics = {rule.metric: value}
    one = check(rule, metrics)

    assert rule.holds(flipped(metrics, [one])) is not one.holds
    assert (say_flip(one), say_margin(one)) == (flip, margin)


def test_the_closest_condition_is_the_one_nearest_to_its_threshold():
    metrics = {"sharpe": 3.0, "age": 31.0}
    found = [check(Condition(*each), metrics) for each in (("sharpe", ">", 1.5), ("age", ">=", 30))]

    assert closest(found) == found[1]
    assert closest([]) is None


@pytest.mark.parametrize(
    ("bar", "own", "said"),
    [(2.50154, 2.5, "2.5016"), (2.50004, 2.50003, "2.50004"), (2.5, None, "2.5000")],
)
def test_a_bar_is_rounded_to_the_far_side(bar, own, said):
    assert above(bar, own) == said
    assert float(below(bar, own)) <= bar <= float(above(bar, own))


def test_whoever_is_ranked_is_told_whose_place_had_another_tier(everyone):
    ranked = told(everyone, "increase", "decrease", "skipped", "unchanged", "unfunded")
    tiers = {one.cycle: set() for _, one in ranked}
    for _, one in ranked:
        tiers[one.cycle].add(one.numbers["tier"])

    for _, one in ranked:
        assert ("it would have been" in one.flip) == (len(tiers[one.cycle]) > 1)
