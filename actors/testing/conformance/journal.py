"""`JournalConformance`: in order, as a whole, and to the micro-dollar.

class TestMyJournal(JournalConformance):
async def make_journal(self, folder: Path) -> Journal:
return await MyJournal.create(folder / "journal", self.MANIFEST)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import ClassVar

import pytest

from actors.journal.chain import Entry, Head, entry_hash
from actors.journal.codec import decode
from actors.journal.port import (
    Batch,
    CommandRow,
    Journal,
    KnownCommandError,
    Snapshot,
    TradeTotals,
)
from actors.journal.rows import plus, trade_rows
from actors.testing.conformance.running import on_its_loop
from actors.testing.examples import GENESIS, LIFE, OPENED, TIME, a_batch, an_allocation
from actors.testing.examples import MANIFEST as EXAMPLE
from arena.events import EVENT_TYPES, Event
from arena.exceptions import EventSourcingError
from arena.ledger import post, transfers
from arena.words import Book


async def events_of(journal: Journal) -> list[Event]:
    """Return what is on record."""
    return [
        decode(entry.event_type, entry.type_version, entry.data) for entry in await journal.read()
    ]


def _with_gap(entry: Entry) -> Entry:
    return entry._replace(seq=entry.seq + 1)


def _with_wrong_parent(entry: Entry) -> Entry:
    return entry._replace(prev_hash="0" * 64)


def _caused_by_itself(entry: Entry) -> Entry:
    return entry._replace(caused_by=entry.seq)


def _asked(batch: Batch, *rows: CommandRow) -> Batch:
    return replace(batch, commands=rows)


class JournalConformance:
    """What every journal promises; see `actors.journal.port`.

    Attributes:
        MANIFEST: Of the run that its journals are of.
    """

    MANIFEST: ClassVar[str] = EXAMPLE

    async def make_journal(self, folder: Path) -> Journal:
        """Return an empty journal of a run with this manifest; each test has one of its own.

        Args:
            folder: Empty, and there for as long as the test runs.
        """
        raise NotImplementedError

    @on_its_loop
    async def test_a_new_journal_begins_with_the_hash_of_its_manifest(
        self, journal: Journal
    ) -> None:
        assert await journal.head() == GENESIS
        assert await journal.read() == []
        assert await journal.trial_balance() == {Book.REAL: {}, Book.VIRTUAL: {}}

    @on_its_loop
    async def test_what_was_appended_is_read_back_as_it_was(self, journal: Journal) -> None:
        batch = a_batch(GENESIS, LIFE)

        head = await journal.append(batch)

        assert await journal.read() == list(batch.entries)
        assert head == await journal.head() == Head(len(LIFE), batch.entries[-1].hash)
        assert all(entry_hash(entry) == entry.hash for entry in batch.entries)

    @on_its_loop
    async def test_every_type_of_event_comes_back_equal(self, journal: Journal) -> None:
        await journal.append(a_batch(GENESIS, LIFE))

        assert await events_of(journal) == list(LIFE)
        assert {type(event).__name__ for event in LIFE} == EVENT_TYPES.keys()

    @on_its_loop
    async def test_a_batch_may_follow_a_batch(self, journal: Journal) -> None:
        head = GENESIS
        for event in LIFE:
            head = await journal.append(a_batch(head, [event]))

        assert [entry.seq for entry in await journal.read()] == list(range(1, len(LIFE) + 1))

    @on_its_loop
    async def test_reading_can_begin_in_the_middle_and_stop_early(self, journal: Journal) -> None:
        await journal.append(a_batch(GENESIS, LIFE))

        assert [entry.seq for entry in await journal.read(after_seq=4, limit=3)] == [5, 6, 7]
        assert await journal.read(after_seq=len(LIFE)) == []

    @on_its_loop
    async def test_an_empty_batch_moves_nothing(self, journal: Journal) -> None:
        assert await journal.append(Batch((), (), {"key": "value"})) == GENESIS

    @on_its_loop
    async def test_a_gap_is_refused_and_nothing_is_written(self, journal: Journal) -> None:
        batch = a_batch(GENESIS, LIFE)

        with pytest.raises(EventSourcingError, match="seq 2"):
            await journal.append(Batch(batch.entries[1:], batch.events[1:]))

        assert await journal.head() == GENESIS
        assert await journal.read() == []

    @on_its_loop
    async def test_the_same_batch_is_not_taken_twice(self, journal: Journal) -> None:
        batch = a_batch(GENESIS, LIFE)
        head = await journal.append(batch)

        with pytest.raises(EventSourcingError, match="seq 1: does not follow"):
            await journal.append(batch)

        assert await journal.head() == head

    @on_its_loop
    async def test_a_batch_of_another_history_is_refused(self, journal: Journal) -> None:
        with pytest.raises(EventSourcingError, match="prev_hash"):
            await journal.append(a_batch(Head(0, "0" * 64), LIFE))

        assert await journal.head() == GENESIS

    @pytest.mark.parametrize("spoil", [_with_gap, _with_wrong_parent, _caused_by_itself])
    @on_its_loop
    async def test_a_bad_last_entry_takes_the_whole_batch_with_it(
        self, journal: Journal, spoil: Callable[[Entry], Entry]
    ) -> None:
        batch = a_batch(GENESIS, LIFE)
        entries = (*batch.entries[:-1], spoil(batch.entries[-1]))

        with pytest.raises(EventSourcingError, match=r"does not follow|prev_hash|not earlier"):
            await journal.append(Batch(entries, batch.events))

        assert await journal.read() == []
        assert await journal.trial_balance() == {Book.REAL: {}, Book.VIRTUAL: {}}
        assert await journal.append(batch) == await journal.head()

    @on_its_loop
    async def test_money_that_cannot_move_is_refused_with_its_batch(self, journal: Journal) -> None:
        with pytest.raises(EventSourcingError, match="seq 2: -1 micro-USD"):
            await journal.append(a_batch(GENESIS, [OPENED, an_allocation(-1)]))

        assert await journal.read() == []

    def test_entries_and_events_must_belong_together(self) -> None:
        batch = a_batch(GENESIS, LIFE)

        with pytest.raises(EventSourcingError):
            Batch(batch.entries, batch.events[:-1])
        with pytest.raises(EventSourcingError):
            Batch(batch.entries, tuple(reversed(batch.events)))

    @on_its_loop
    async def test_the_trial_balance_is_the_sum_of_all_transfers(self, journal: Journal) -> None:
        head, expected = GENESIS, {book: dict[str, int]() for book in Book}

        for event in LIFE:
            head = await journal.append(a_batch(head, [event]))
            for row in transfers(event):
                post(expected[row.book], row)

            assert await journal.trial_balance() == expected

        assert [sum(accounts.values()) for accounts in expected.values()] == [0, 0]
        assert expected[Book.VIRTUAL]["population"] > 0

    @on_its_loop
    async def test_a_batch_of_a_thousand_events_is_one_batch(self, journal: Journal) -> None:
        batch = a_batch(GENESIS, [OPENED, *(an_allocation() for _ in range(999))])

        await journal.append(batch)

        assert len(await journal.read(limit=2000)) == 1000
        assert (await journal.trial_balance())[Book.REAL]["agent:g000-001"] == 999 * 5_000

    @on_its_loop
    async def test_notes_about_the_process_are_no_part_of_the_history(
        self, journal: Journal
    ) -> None:
        await journal.record("started", {"pid": 1})

        assert await journal.head() == GENESIS
        with pytest.raises(ValueError, match="JSON"):
            await journal.record("started", {"load": float("nan")})

    @on_its_loop
    async def test_a_closed_journal_says_so_and_may_be_closed_again(self, journal: Journal) -> None:
        await journal.close()
        await journal.close()

        with pytest.raises(EventSourcingError, match="closed"):
            await journal.append(a_batch(GENESIS, LIFE))
        with pytest.raises(EventSourcingError, match="closed"):
            await journal.read()

    @on_its_loop
    async def test_what_was_decided_is_remembered_with_its_entries(self, journal: Journal) -> None:
        row, nothing = (
            CommandRow("open", "b" * 64, 1, len(LIFE), 'OpenArena{"ä":1}'),
            CommandRow("kill-1", "c", None, 3),
        )

        await journal.append(_asked(a_batch(GENESIS, LIFE), row, nothing))

        assert await journal.recall(["open", "never", "kill-1"]) == {"open": row, "kill-1": nothing}

    @on_its_loop
    async def test_a_known_command_is_named_and_takes_its_batch_with_it(
        self, journal: Journal
    ) -> None:
        first = CommandRow("open", "b", 1, 1)
        head = await journal.append(_asked(a_batch(GENESIS, [OPENED]), first))
        again, other = CommandRow("open", "b", 2, 2), CommandRow("pay", "b", 2, 2)

        with pytest.raises(KnownCommandError) as caught:
            await journal.append(_asked(a_batch(head, [an_allocation(5)]), again, other))

        assert caught.value.command_ids == ("open",)
        assert await journal.head() == head
        assert await journal.recall(["pay"]) == {}
        assert await journal.append(_asked(a_batch(head, [an_allocation(5)]), other)) != head

    @on_its_loop
    async def test_the_trial_balance_can_stop_at_an_entry(self, journal: Journal) -> None:
        await journal.append(a_batch(GENESIS, [OPENED, an_allocation(5), an_allocation(7)]))

        for upto, paid in ((3, 12), (2, 5), (None, 12)):
            balances = await journal.trial_balance(upto)
            assert balances[Book.REAL]["agent:g000-001"] == paid
        assert "agent:g000-001" not in (await journal.trial_balance(1))[Book.REAL]

    @on_its_loop
    async def test_trades_add_up_by_agent_time_and_place(self, journal: Journal) -> None:
        await journal.append(a_batch(GENESIS, LIFE))
        rows = [row for n, event in enumerate(LIFE, start=1) for row in trade_rows(n, event)]

        whole = await journal.trade_totals()
        each = [await journal.trade_totals(agent) for agent in ("g000-001", "g000-002")]

        assert whole == reduce(plus, rows, TradeTotals())
        assert (whole.total, whole.successful) == (5, 3)
        assert whole.notional == sum(row.size for row in rows) > 0
        assert [*map(sum, zip(*each, strict=True))] == [*whole]
        assert await journal.trade_totals("nobody") == TradeTotals()
        assert await journal.trade_totals(low=TIME) == whole
        assert await journal.trade_totals(high=TIME) == TradeTotals()
        assert (await journal.trade_totals(upto=7)).total == 3

    @on_its_loop
    async def test_the_last_two_snapshots_are_kept_newest_first(self, journal: Journal) -> None:
        await journal.append(a_batch(GENESIS, LIFE))
        made = [Snapshot(seq, seq - 1, 1, f'{{"n":{seq}}}', "0" * 64) for seq in (1, 2, 3)]

        for each in made:
            await journal.save_snapshot(each)

        assert await journal.snapshots() == [made[2], made[1]]
