"""Anybody but the writer may be cancelled at any moment: nothing is half done, nobody left over."""

from __future__ import annotations

import asyncio
import random
import threading
from pathlib import Path

import pytest
from worlds import a_run, with_open_gates

from actors.app.arena import Arena
from actors.app.asking import outcome_of
from actors.journal.chain import run_id_of
from actors.journal.sqlite import SqliteJournal
from actors.messages.allocator import API, Answer
from actors.runtime import ActorError, ExitReason, Outcome, spawn
from arena.commands import AllocateCapital, Command, RecordNote
from arena.experiment import manifest
from arena.ids import AgentId
from arena.money import Money
from arena.treasury import Treasury, fold

pytestmark = pytest.mark.asyncio

ASKS = 10_000
WAVE = 500
LONG_S = 600.0


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Asker:
    """Asks for one thing; may be cancelled at any of its awaits.

    Every tenth asks when it is too late already, and every tenth for what is refused.
    """

    def __init__(self, arena: Arena, number: int) -> None:
        name = f"n-{number}"
        self.command: Command = RecordNote(command_id=name, kind="n", data={})
        if number % 10 == 1:
            nobody, cent = AgentId("nobody"), Money(10_000)
            self.command = AllocateCapital(command_id=name, agent_id=nobody, amount=cent)
        self.timeout_s = -1.0 if number % 10 == 0 else LONG_S
        self.outcome: Outcome | None = None
        self._arena = arena

    async def ask(self, timeout_s: float = LONG_S) -> Answer:
        ref = self._arena.cast.ask_allocator
        return await ref.ask(self.command, timeout_s=timeout_s, lane=API)

    async def run(self) -> None:
        await asyncio.sleep(0)  # It may be cancelled before it asks.
        try:
            answer = await self.ask(self.timeout_s)
        except (ActorError, asyncio.CancelledError) as error:
            self.outcome = outcome_of(error)
            raise
        self.outcome = outcome_of(answer)


async def on_record(arena: Arena) -> list[str]:
    """Return the ids of what was asked and is on record."""
    story = [entry for entry, _ in await arena.replay_events()]
    return [e.command_id for e in story if (e.command_id or "").startswith("n-")]


@pytest.mark.slow
async def test_ten_thousand_cancelled_asks_end_in_what_is_known_of_them(tmp_path: Path) -> None:
    experiment, market = a_run(days=3, agents=1)
    facts = manifest(experiment)
    journal = await SqliteJournal.create(tmp_path, run_id_of(facts), facts, {})
    chance, askers = random.Random(7), []
    async with Arena(experiment, market, journal) as arena:
        for first in range(0, ASKS, WAVE):
            wave = [Asker(arena, number) for number in range(first, first + WAVE)]
            tasks = [spawn("asker", asker.run, on_exit=lambda _: None) for asker in wave]
            waiting = list(tasks)
            chance.shuffle(waiting)
            while waiting:  # Some are cancelled before they begin, some in hand, some too late.
                for task in waiting[: chance.randrange(60)]:
                    task.cancel()
                del waiting[:60]
                await turns(chance.randrange(4))
            for task in tasks:
                await asyncio.wait([task])
            askers += wave
        found = await on_record(arena)
        assert len(set(found)) == len(found), "nothing was done twice"

        ended: dict[Outcome | None, set[str]] = {outcome: set() for outcome in (None, *Outcome)}
        for asker in askers:
            ended[asker.outcome].add(asker.command.command_id)
        assert all(ended.values()), "each of them came to pass"
        assert ended[Outcome.ACCEPTED] | ended[Outcome.REFUSED] <= set(found)
        assert not (ended[Outcome.NOT_EXECUTED] | ended[None]) & set(found)
        unknown = ended[Outcome.UNKNOWN]
        assert unknown & set(found)
        assert unknown - set(found)

        again = {a.command.command_id: await a.ask() for a in askers if a.outcome == "unknown"}
        assert {name for name in again if again[name].duplicate} == unknown & set(found)
        assert sorted(await on_record(arena)) == sorted({*found, *unknown})
        assert await arena.backtest() == 3, "nothing is stuck"


async def storm(arena: Arena, seed: int, spared: set[asyncio.Task]) -> None:
    """Cancel somebody at every seventh turn of the loop."""
    chance = random.Random(seed)
    for _ in range(40):
        await turns(7)
        victims = [task for task in asyncio.all_tasks() if task not in spared]
        names = sorted(task.get_name() for task in victims)
        if names:
            name = chance.choice(names)
            next(task for task in victims if task.get_name() == name).cancel()


@pytest.mark.parametrize("seed", range(40))
async def test_whoever_is_cancelled_leaves_nothing_half_done_and_nobody_behind(seed: int) -> None:
    tasks, threads = asyncio.all_tasks(), threading.active_count()
    experiment, market = a_run(days=9, agents=5)
    async with Arena(with_open_gates(experiment), market) as arena:
        names = {"allocator"} if seed % 2 else {"allocator", "trading_desk", "arena_manager"}
        spared = {task for task in asyncio.all_tasks() if task.get_name() in names} | tasks
        run = spawn("app", arena.backtest, on_exit=lambda _: None)
        storming = spawn("storm", lambda: storm(arena, seed, spared), on_exit=lambda _: None)
        spared.add(storming)
        ended = [await run, await storming]

        for end in ended:
            fine = end.reason in {ExitReason.RETURNED, ExitReason.CANCELLED}
            assert fine or isinstance(end.error, ActorError), end
        await arena.emit_event("alive")
        await arena.verify_capital_conservation()
        events = [event for _, event in await arena.replay_events()]
        again = fold(Treasury(experiment), events)
        assert again.state_hash() == arena.treasury.state_hash()
    assert asyncio.all_tasks() == tasks
    assert threading.active_count() == threads
