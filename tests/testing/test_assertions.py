"""An assertion fails on the fault that it is for, and says what and where it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from actors.testing import (
    ArenaHarness,
    assert_conserved,
    assert_gapless,
    assert_replays,
    assert_same_journal,
    assert_schedule_free,
    trend,
)
from arena.ids import AgentId
from arena.words import Book
from tests.testing.troupe import Half, Herd

RISING = trend("BTC", days=20)

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def arena() -> AsyncIterator[ArenaHarness]:
    harness = ArenaHarness(strategies=[Half], market=RISING, agents=2, open_gates=True)
    async with harness as arena:
        await arena.run(20)
        yield arena


async def test_money_from_nowhere_is_named(arena: ArenaHarness) -> None:
    assert_conserved(arena)
    arena.treasury.books[Book.REAL]["reserve"] += 5

    with pytest.raises(AssertionError) as caught:
        assert_conserved(arena)

    assert "the real book sums to 5 micro-USD, not to 0" in str(caught.value)
    assert "real account 'reserve' holds" in str(caught.value)


async def test_a_row_that_moved_nothing_is_named(arena: ArenaHarness) -> None:
    row = arena.disk.rows.ledger.pop()

    with pytest.raises(AssertionError, match="was moved there") as caught:
        assert_conserved(arena)

    assert repr(row.debit_account) in str(caught.value)


async def test_an_agent_that_owns_more_than_its_account_is_named(arena: ArenaHarness) -> None:
    for name, book in (("g000-001", "its account holds"), ("g002-001", "'population' holds")):
        agents, agent = arena.treasury.agents, arena.agent(name)
        agents[AgentId(name)] = replace(agent, equity=agent.equity + 7)

        with pytest.raises(AssertionError, match=book):
            assert_conserved(arena)

        agents[AgentId(name)] = agent
    assert_conserved(arena)


async def test_an_entry_that_is_gone_leaves_a_gap(arena: ArenaHarness) -> None:
    assert_gapless(arena)
    del arena.entries[9]

    with pytest.raises(AssertionError, match=r"gap, or was edited: .*seq 11"):
        assert_gapless(arena)


async def test_an_edited_entry_is_no_link_of_the_chain(arena: ArenaHarness) -> None:
    arena.entries[9] = arena.entries[9]._replace(hash="0" * 64)

    with pytest.raises(AssertionError, match="prev_hash"):
        assert_gapless(arena)


async def test_a_day_that_was_left_out_is_named(arena: ArenaHarness) -> None:
    arena.disk.rows.entries[:] = [
        entry._replace(data=entry.data.replace('"tick":7,', '"tick":8,')) for entry in arena.entries
    ]

    with pytest.raises(AssertionError, match="day 7 was not settled: after day 6 comes 8"):
        assert_gapless(arena)


async def test_a_journal_that_folds_to_something_else_says_where(arena: ArenaHarness) -> None:
    assert_replays(arena)
    arena.treasury.agents[AgentId("g000-001")] = replace(arena.agent("g000-001"), trades=99)

    with pytest.raises(
        AssertionError, match=r"state.agents.g000-001.trades is \d+ in the fold, 99"
    ):
        assert_replays(arena)


async def test_an_entry_that_cannot_be_read_is_named(arena: ArenaHarness) -> None:
    entry = arena.entries[6]
    arena.entries[6] = entry._replace(data=entry.data[:-1])
    with pytest.raises(AssertionError, match=r"cannot be replayed: .*seq 7"):
        assert_replays(arena)

    arena.entries[6] = entry._replace(data=entry.data.replace(",", ", ", 1))
    with pytest.raises(AssertionError, match=r"entry 7 .* is read as something else"):
        assert_replays(arena)


async def test_the_first_difference_of_two_journals_is_named(arena: ArenaHarness) -> None:
    entries = [*arena.entries]
    assert_same_journal(arena, entries)
    at = next(n for n, each in enumerate(entries) if '"fills":[{' in each.data)
    data = json.loads(entries[at].data)
    was, data["fills"][0]["quantity"] = data["fills"][0]["quantity"], 12.5
    entries[at] = entries[at]._replace(data=json.dumps(data))

    with pytest.raises(AssertionError) as caught:
        assert_same_journal(arena, entries)

    assert str(caught.value).splitlines() == [
        f"the journals differ at entry {at + 1} (TickSettled, {entries[at].timestamp[:10]}):",
        "  data.fills[0].quantity",
        f"  first   {was!r}",
        "  second  12.5",
    ]


async def test_a_journal_that_ends_early_says_what_it_lacks(arena: ArenaHarness) -> None:
    short = arena.entries[:-1]

    with pytest.raises(AssertionError, match=f"the second {len(short)}; the longer one goes on"):
        assert_same_journal(arena, short)


async def test_two_runs_are_called_two_runs(arena: ArenaHarness) -> None:
    other = ArenaHarness(strategies=[Half], market=RISING, agents=2, open_gates=True, seed=8)
    async with other as another:
        await another.run(20)
        with pytest.raises(AssertionError, match=r"two runs: manifest.seed is 7 in the first, 8"):
            assert_same_journal(arena, another)


async def test_what_order_the_tasks_run_in_changes_nothing_for_who_behaves() -> None:
    for seed in range(5):
        async with ArenaHarness(strategies=[Half], market=RISING, schedule=seed) as arena:
            await arena.run(9)
            await assert_schedule_free(arena)


async def test_a_planted_race_is_called_one() -> None:
    found = []
    for seed in range(10):
        async with ArenaHarness(strategies=[Herd], market=RISING, schedule=seed) as arena:
            await arena.run(9)
            try:
                await assert_schedule_free(arena)
            except AssertionError as error:
                found.append(str(error))

    assert found
    assert "another order of tasks made another history; the journals differ at entry" in found[0]
    assert "something is shared that should not be" in found[0]
