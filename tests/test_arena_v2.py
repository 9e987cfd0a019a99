"""What the arena before this one got wrong, each as a test that would have caught it."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import a_run, frozen, with_open_gates

from actors.app.arena import Arena
from actors.journal.chain import run_id_of
from actors.journal.sqlite import SqliteJournal
from actors.journal.verify import verify
from arena.events import (
    AgentFailed,
    AgentKilled,
    AllocationError,
    CapitalAllocated,
    EvolutionFailed,
    NoteRecorded,
)
from arena.exceptions import AllocationError as Refused
from arena.experiment import Experiment, manifest
from arena.ids import AgentId
from arena.ledger import POOL_ARENA
from arena.market import MarketView
from arena.money import Money, parse_usd
from arena.policies import Policy
from arena.strategies import BookView, Decision, Memory, Strategy
from arena.treasury import Treasury, fold
from arena.words import Refusal

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[1]


async def on_disk(experiment: Experiment, folder: Path) -> SqliteJournal:
    facts = manifest(experiment)
    return await SqliteJournal.create(folder, run_id_of(facts), facts, {})


async def enter_arena(arena: Arena, agents: int) -> list[AgentId]:
    """Lift the first agents into the arena by its open gates."""
    names = [agent.agent_id for agent in arena.treasury.population()[:agents]]
    for name in names:
        await arena.graduate_to_proving(name)
        await arena.graduate_to_arena(name)
    return names


async def test_an_allocation_beyond_the_pool_is_refused_and_journalled() -> None:
    experiment, market = a_run(agents=2)
    async with Arena(with_open_gates(experiment), market) as arena:
        (name,) = await enter_arena(arena, 1)
        pool = arena.treasury.balance(POOL_ARENA)

        with pytest.raises(Refused) as refused:
            await arena.allocate_micro(name, Money(pool + 1))

        (_, event), *_ = await arena.replay_events(event_type="AllocationError")
        assert refused.value.reason in {Refusal.POOL_INSUFFICIENT, Refusal.AGENT_LIMIT_EXCEEDED}
        assert isinstance(event, AllocationError)
        assert (event.agent_id, event.amount) == (name, pool + 1)
        assert arena.treasury.balance(POOL_ARENA) == pool, "nothing is half-applied"


async def test_a_thousand_racing_asks_get_exactly_what_the_pool_holds() -> None:
    experiment, market = a_run(agents=10)
    rules = with_open_gates(experiment).rules
    rules = replace(rules, allocation=replace(rules.allocation, per_agent_bp=10_000))
    async with Arena(replace(experiment, rules=rules), market) as arena:
        names = await enter_arena(arena, 10)
        pool, amount = arena.treasury.balance(POOL_ARENA), parse_usd("333.33")
        asks = [names[n % len(names)] for n in range(1_000)]
        random.Random(3).shuffle(asks)

        answers = await asyncio.gather(
            *(arena.allocate_micro(name, amount) for name in asks), return_exceptions=True
        )

        accepted = [answer for answer in answers if not isinstance(answer, BaseException)]
        refused = [answer for answer in answers if isinstance(answer, Refused)]
        assert len(accepted) == pool // amount
        assert len(accepted) + len(refused) == 1_000
        assert {answer.reason for answer in refused} == {Refusal.POOL_INSUFFICIENT}
        journalled = await arena.replay_events(event_type="AllocationError")
        assert len(journalled) == len(refused)
        assert arena.treasury.balance(POOL_ARENA) == pool % amount
        check = await arena.verify_capital_conservation()
        assert (check.real_sum, check.virtual_sum) == (0, 0)


async def test_there_is_no_lock_in_the_tree() -> None:
    sources = [*ROOT.glob("arena/**/*.py"), *ROOT.glob("actors/**/*.py")]

    assert sources
    assert not [path for path in sources if re.search(r"\bLock\(", path.read_text())]


async def test_money_is_conserved_through_every_event() -> None:
    async with Arena(*a_run(days=70, agents=20)) as arena:
        await arena.backtest()
        story = await arena.replay_events()

        treasury = Treasury(arena.experiment)
        for entry, event in story:
            fold(treasury, [event])
            for book, balances in treasury.books.items():
                assert sum(balances.values()) == 0, f"{book} after seq {entry.seq}"


async def test_events_persist_and_verify(tmp_path: Path) -> None:
    experiment, market = a_run(days=30, agents=10)
    async with Arena(experiment, market, await on_disk(experiment, tmp_path)) as arena:
        await arena.backtest()
        await arena.complete()
        seq, head = arena.treasury.seq, arena.cast.allocator.head

    report = verify(tmp_path)

    assert report.ok, report.findings
    assert report.head == head
    assert report.events == seq


async def test_the_state_is_rebuilt_from_events_alone() -> None:
    async with Arena(*a_run(days=70, agents=20)) as arena:
        await arena.backtest()
        story = await arena.replay_events()

        rebuilt = fold(Treasury(arena.experiment), (event for _, event in story))

        assert rebuilt.to_json() == arena.treasury.to_json()


async def test_the_same_seed_writes_the_same_journal_and_another_seed_another() -> None:
    heads = []
    for seed in (7, 7, 8):
        async with Arena(*a_run(days=40, agents=10, seed=seed)) as arena:
            await arena.backtest()
            heads.append((arena.cast.allocator.head, arena.treasury.state_hash()))

    assert heads[0] == heads[1]
    assert heads[0] != heads[2]


class Raises(Strategy):
    name = "raises"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        raise ZeroDivisionError(f"at {object()}")


class Exits(Strategy):
    name = "exits"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        raise SystemExit(3)


class AnswersNan(Strategy):
    name = "answers-nan"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": float("nan")}


class AnswersText(Strategy):
    name = "answers-text"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return "buy"  # type: ignore[return-value]  # that is the point


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (Raises, "raised"),
        (Exits, "exited"),
        (AnswersNan, "wrong_answer"),
        (AnswersText, "wrong_answer"),
    ],
)
async def test_a_broken_strategy_hurts_only_its_own_agent(
    broken: type[Strategy], kind: str
) -> None:
    experiment, market = a_run(days=10, agents=6)
    catalog = {**experiment.catalog, broken.name: broken}
    async with Arena(replace(experiment, catalog=catalog), market) as healthy:
        await healthy.backtest()
    async with Arena(replace(experiment, catalog=catalog), market) as arena:
        name = await arena.spawn_agent(broken.name)
        await arena.backtest()

        failures = [event for _, event in await arena.replay_events(event_type="AgentFailed")]
        killed = [event for _, event in await arena.replay_events(event_type="AgentKilled")]
        assert {event.agent_id for event in failures if isinstance(event, AgentFailed)} == {name}
        assert {event.kind for event in failures if isinstance(event, AgentFailed)} == {kind}
        assert [
            (event.agent_id, event.rule) for event in killed if isinstance(event, AgentKilled)
        ] == [(name, "quarantined")]
        for agent_id, agent in healthy.treasury.agents.items():
            if agent.genome.generation == 0:
                assert arena.treasury.agents[agent_id].nav == agent.nav


async def test_the_three_strikes_and_the_errors_are_the_same_on_every_run() -> None:
    heads = []
    for _ in range(2):
        async with Arena(*a_run(days=16, agents=4, strategies=[Raises, Exits])) as arena:
            await arena.backtest()
            heads.append(arena.cast.allocator.head)

    assert heads[0] == heads[1]


async def test_an_error_in_a_cycle_does_not_stop_the_arena() -> None:
    def broken(*_: object) -> None:
        raise ArithmeticError("the policy cannot divide")

    experiment, market = a_run(days=21, agents=5)
    policies: dict[str, Policy] = {"tiered": broken}  # type: ignore[dict-item]  # that is the point
    experiment = replace(with_open_gates(experiment), policies=policies)
    async with Arena(experiment, market) as arena:
        await enter_arena(arena, 1)
        await arena.backtest()

        failed = [event for _, event in await arena.replay_events(event_type="EvolutionFailed")]
        assert arena.treasury.tick == 21
        assert failed
        assert isinstance(failed[0], EvolutionFailed)
        assert failed[0].step == "allocate"
        assert "the policy cannot divide" in failed[0].message
        assert isinstance(await arena.safe_run_evolution(), EvolutionFailed)
        await arena.verify_capital_conservation()


async def test_a_thousand_events_are_written_correctly(tmp_path: Path) -> None:
    experiment, market = a_run(agents=1)
    async with Arena(experiment, market, await on_disk(experiment, tmp_path)) as arena:
        before = arena.treasury.seq

        receipts = await asyncio.gather(
            *(arena.emit_event("noted", {"n": n}) for n in range(1_000))
        )

        noted = await arena.replay_events(event_type="NoteRecorded")
        assert [a.receipt.seq for a in receipts] == list(range(before + 1, before + 1_001))
        assert [e.data["n"] for _, e in noted if isinstance(e, NoteRecorded)] == list(range(1_000))
        assert [entry.hash for entry, _ in noted] == [a.receipt.hash for a in receipts]
    assert verify(tmp_path).ok


async def test_what_is_allocated_never_exceeds_the_arenas_capital() -> None:
    async with Arena(*a_run(days=90, agents=30)) as arena:
        story = []

        def look(_: int) -> None:
            breakdown = arena.get_capital_allocation_breakdown()
            story.append((breakdown["allocated"], breakdown["arena_capital"]))

        await arena.backtest(on_tick=look)

        assert any(allocated for allocated, _ in story)
        assert all(0 <= allocated <= capital for allocated, capital in story)


async def test_a_still_market_costs_everyone_their_costs_and_nothing_else() -> None:
    experiment, market = a_run(days=60, agents=12)
    async with Arena(with_open_gates(experiment), frozen(market)) as arena:
        await enter_arena(arena, 3)
        await arena.backtest()

        everyone = [*arena.treasury.agents.values(), *arena.treasury.dead.values()]
        assert any(agent.costs for agent in everyone)
        books = arena.treasury.books.values()
        assert all(balances.get("market", 0) == 0 for balances in books)
        never_moved = [a for a in everyone if a.genome.parents == () and a.stint is a.life]
        assert all(agent.pnl == -agent.costs for agent in never_moved)


async def test_capital_that_moves_is_no_performance() -> None:
    experiment, market = a_run(days=5, agents=5)
    async with Arena(with_open_gates(experiment), market) as arena:
        await arena.backtest(3)
        navs = {agent.agent_id: agent.nav for agent in arena.treasury.population()}

        first, second, *_ = await enter_arena(arena, 3)
        await arena.allocate_capital(first, "2000.00")
        await arena.kill_underperformers()
        await arena.run_evolution_cycle()

        after = {**arena.treasury.dead, **arena.treasury.agents}
        assert {name: after[name].nav for name in navs} == navs
        assert isinstance(
            (await arena.replay_events(event_type="CapitalAllocated"))[-1][1], CapitalAllocated
        )
        assert after[second].equity > 0
