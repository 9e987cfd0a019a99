"""What the simulation found in the allocator, each as an example of its own."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from actors.allocator import Allocator
from actors.app.arena import Arena
from actors.app.soak.cast import TICKS, cast
from actors.app.soak.small import small
from actors.journal.chain import Head, genesis_hash
from actors.journal.memory import MemoryJournal
from actors.messages.allocator import AGENTS, API, AllocatorMessage, Answer, Clocked
from actors.runtime import ActorSystem, Ref
from actors.simulator import DiskFaults, SimDisk, SimJournal, simulate
from arena import commands as c
from arena.experiment import manifest
from arena.ids import AgentId
from arena.money import Money
from arena.treasury import Treasury
from arena.words import Layer

NOON = "2020-01-01T12:00:00.000000Z"
LATER = "2020-01-01T13:00:00.000000Z"
BEFORE = "1999-12-31T23:59:59.000000Z"


async def gather(
    *asked: tuple[AllocatorMessage, str], together: bool = False
) -> tuple[list[Answer | Exception], MemoryJournal]:
    """Ask a fresh allocator, one after the other or all at once; return answers and journal."""
    arena = small()
    journal = MemoryJournal(arena.manifest)
    head = Head(0, genesis_hash(arena.manifest))
    answers: list[Any] = []
    async with ActorSystem() as system:
        allocator = Allocator(
            Treasury(arena.experiment), journal, run_id=arena.run_id, head=head, stamp=NOON
        )
        ref: Ref[AllocatorMessage, Answer] = system.start(allocator)
        if together:
            replies = [ref.ask(message, timeout_s=9, lane=lane) for message, lane in asked]
            answers = [*await asyncio.gather(*replies, return_exceptions=True)]
        else:
            for message, lane in asked:
                reply = ref.ask(message, timeout_s=9, lane=lane)
                answers += await asyncio.gather(reply, return_exceptions=True)
    return answers, journal


def ask(
    *asked: tuple[AllocatorMessage, str], together: bool = False
) -> tuple[list[Answer | Exception], MemoryJournal]:
    return simulate(lambda: gather(*asked, together=together), seed=1).value


def note(command_id: str) -> c.RecordNote:
    return c.RecordNote(command_id=command_id, kind="test")


def test_a_clock_that_was_set_back_is_not_followed() -> None:
    stamps = [LATER, BEFORE, NOON]
    _, journal = ask(*((Clocked(note(f"n{n}"), at), API) for n, at in enumerate(stamps)))

    assert [entry.timestamp for entry in journal.entries] == [LATER] * 3


def test_a_stamp_that_is_no_time_hurts_nobody_but_its_sender() -> None:
    answers, journal = ask((Clocked(note("a"), "yesterday"), API), (note("b"), API))

    assert isinstance(answers[0], ValueError)
    assert isinstance(answers[1], Answer)
    assert [entry.timestamp for entry in journal.entries] == [NOON]


def test_what_was_decided_before_the_opening_is_answered_alike_for_ever() -> None:
    kill = c.KillUnderperformers(command_id="k")
    answers, journal = ask((kill, API), (note("n"), API), (kill, API))

    first, _, again = answers
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert again.duplicate
    assert again.receipt == first.receipt == Head(0, journal.entries[0].prev_hash)


def test_an_illegible_command_with_a_known_id_hurts_nobody_but_its_sender() -> None:
    nonsense: Any = object()
    poison = c.ReturnCapital(command_id="a", agent_id=nonsense, amount=Money(1))
    answers, _ = ask((note("a"), API), (note("a"), API), (poison, API), (note("b"), API))

    assert [type(answer) for answer in answers] == [Answer, Answer, TypeError, Answer]
    answers, _ = ask((note("a"), API), (note("a"), API), (poison, API), together=True)
    assert [type(answer) for answer in answers] == [Answer, Answer, TypeError]


@pytest.mark.parametrize("agent_id", [["a list"], 7])
def test_an_illegible_wish_hurts_nobody_but_its_sender(agent_id: Any) -> None:
    wish = c.RequestCapital(command_id="bad", agent_id=agent_id, amount=Money(1))
    fair = c.RequestCapital(command_id="fair", agent_id=AgentId("nobody"), amount=Money(1))
    cycle = c.RunCycle(command_id="cycle")
    answers, _ = ask((wish, AGENTS), (fair, AGENTS), (cycle, API), together=True)

    assert isinstance(answers[1], Answer)
    assert isinstance(answers[2], Answer)


def test_a_message_that_is_no_wish_is_told_so() -> None:
    answers, _ = ask((note("n"), AGENTS), (c.RunCycle(command_id="cycle"), API), together=True)

    assert [type(answer) for answer in answers] == [TypeError, Answer]


def test_capital_can_leave_while_a_tick_is_traded() -> None:
    """The desk sold what an agent had, and a command that was decided first had sold it already."""
    experiment, market = cast()

    async def run(seed: int) -> tuple[int, int]:
        disk = SimDisk(manifest(experiment))
        journal = SimJournal(disk, random.Random(seed), watch=lambda _: None)
        journal.faults = DiskFaults(latency_s=0.2)
        async with Arena(experiment, market, journal) as arena, asyncio.TaskGroup() as group:
            withdrawing = group.create_task(withdraw(arena))
            await arena.backtest()
            withdrawing.cancel()
        refused = [json.loads(e.data)["refused"] for e in ticks(disk)]
        return len(refused), sum(map(len, refused))

    async def withdraw(arena: Arena) -> None:
        for n in range(10_000):
            for agent in [*arena.treasury.agents.values()]:
                if agent.layer is not Layer.SIMULATION:
                    wish = c.ReturnCapital(
                        command_id=f"{n}-{agent.agent_id}",
                        agent_id=agent.agent_id,
                        amount=Money(agent.equity * 9 // 10),
                    )
                    await arena.send(wish)
            await asyncio.sleep(0.1)

    settled = [simulate(lambda seed=seed: run(seed), seed=seed).value for seed in range(10)]

    assert {days for days, _ in settled} == {TICKS}
    assert sum(refused for _, refused in settled) > 0


def ticks(disk: SimDisk) -> list[Any]:
    return [entry for entry in disk.rows.entries if entry.event_type == "TickSettled"]
