"""Who floods the arena is refused, and everybody else goes on as if nothing had happened."""

from __future__ import annotations

import asyncio

import pytest
from worlds import a_run, with_open_gates

from actors.app.arena import Arena
from actors.messages.allocator import API
from actors.messages.allocator import LANES as ALLOCATOR_LANES
from actors.messages.desk import LANES as DESK_LANES
from actors.messages.market import MANAGER_LANES
from actors.runtime import MailboxFull
from actors.trading_desk import ORDERS_MAX
from arena.commands import RecordNote
from arena.events import AgentFailed, NoteRecorded
from arena.ids import AgentId
from arena.orders import Order

pytestmark = pytest.mark.asyncio

AGENTS_MAX = 10_000
"""What a config allows."""

LONG_S = 600.0


class Spammer:
    """Asks the allocator as often as it can, without waiting for an answer."""

    def __init__(self, arena: Arena) -> None:
        self.answers: list[asyncio.Future] = []
        self.refused = 0
        self._arena = arena

    def spam(self, times: int) -> None:
        for _ in range(times):
            note = RecordNote(command_id=f"spam-{len(self.answers)}", kind="spam", data={})
            try:
                ask = self._arena.cast.ask_allocator.ask(note, timeout_s=LONG_S, lane=API)
            except MailboxFull:
                self.refused += 1
            else:
                self.answers.append(ask)


async def outcome(*, spam: int) -> tuple[list[str], Spammer]:
    """Run two weeks, with that much spam at each tick; return what happened to agents."""
    experiment, market = a_run(days=15, agents=6)
    async with Arena(with_open_gates(experiment), market) as arena:
        spammer = Spammer(arena)
        await arena.backtest(on_tick=lambda _: spammer.spam(spam))
        await arena.complete()
        story = await arena.replay_events()
        answered = [await answer for answer in spammer.answers]
        assert len({answer.receipt.seq for answer in answered}) == len(answered)
    notes = [event for _, event in story if isinstance(event, NoteRecorded)]
    assert len(notes) == len(spammer.answers)
    assert not any(isinstance(event, AgentFailed) for _, event in story)
    others = [
        f"{entry.timestamp} {entry.event_type} {entry.data}"
        for entry, event in story
        if not isinstance(event, NoteRecorded) and "state_hash" not in entry.data
    ]
    return others, spammer


async def test_a_spammer_takes_nothing_from_the_agents() -> None:
    quiet, _ = await outcome(spam=0)

    loud, spammer = await outcome(spam=500)

    assert loud == quiet
    assert not spammer.refused


async def test_a_flood_beyond_the_lane_is_refused_and_the_control_lane_answers() -> None:
    async with Arena(*a_run(days=3, agents=2)) as arena:
        spammer = Spammer(arena)
        spammer.spam(50 * ALLOCATOR_LANES[API])

        check = await arena.verify_capital_conservation()

        assert check.rows_agree
        assert len(spammer.answers) == ALLOCATOR_LANES[API]
        assert spammer.refused == 49 * ALLOCATOR_LANES[API]
        assert await arena.backtest() == 3
        assert all(answer.done() for answer in spammer.answers)


async def test_a_lane_for_agents_has_room_for_every_agent_that_a_config_allows() -> None:
    for lanes in (ALLOCATOR_LANES, DESK_LANES, MANAGER_LANES):
        assert lanes["agents"] > AGENTS_MAX
    for lanes in (DESK_LANES, MANAGER_LANES):
        assert lanes["control"] > AGENTS_MAX, "each may break at the same time"


async def test_only_so_many_orders_wait_for_the_next_open() -> None:
    def order(number: int) -> Order:
        agent = AgentId("baseline-cash")
        return Order(order_id=f"o{number}", agent_id=agent, instrument="BTC", quantity=1e-6)

    async with Arena(*a_run(days=3, agents=1)) as arena:
        for number in range(ORDERS_MAX):
            await arena.desk.submit_trade(order(number))

        with pytest.raises(MailboxFull, match="in lane 'orders', which holds 10000"):
            await arena.desk.submit_trade(order(ORDERS_MAX))

        assert await arena.backtest(1) == 1
        await arena.desk.submit_trade(order(ORDERS_MAX))


async def test_what_is_poison_is_answered_and_changes_nothing() -> None:
    async with Arena(*a_run(days=4, agents=2)) as arena:
        await arena.backtest(2)
        poison, cure = [], []
        for number in range(500):
            broken = number % 50 == 0
            # A lone surrogate cannot be written: nobody can record such a name.
            kind = (
                arena.allocate_capital(AgentId("\ud800"), "1") if broken else arena.emit_event("ok")
            )
            (poison if broken else cure).append(kind)
        answers = await asyncio.gather(*poison, *cure, return_exceptions=True)

        assert all(isinstance(answer, UnicodeEncodeError) for answer in answers[: len(poison)])
        assert not any(isinstance(answer, Exception) for answer in answers[len(poison) :])
        letters = arena.cast.allocator.dead_letters
        assert letters.count == len(poison), "each is kept to be looked at"
        assert {letter.reason for letter in letters} == {"UnicodeEncodeError"}
        assert await arena.backtest() == 4
        await arena.verify_capital_conservation()
        story = await arena.replay_events()
        assert sum(isinstance(event, NoteRecorded) for _, event in story) == len(cure)
