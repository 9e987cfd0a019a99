"""Planted bugs: each is one mistake that somebody could make, and the soak must find it.

    python -m tests.simulation.mutants [NAME...]

prints how many seeds each one needed, and what gave it away.
"""

from __future__ import annotations

import asyncio
import builtins
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import actors.allocator
import actors.journal.chain
import actors.journal.memory
import arena.apply
import arena.decisions.capital
import arena.decisions.population
import arena.decisions.tick
from actors.allocator import Allocator, Plan
from actors.app.soak import run_seed
from actors.app.soak.cast import undisturbed
from actors.journal.chain import Head, timestamp
from actors.journal.memory import MemoryJournal
from actors.journal.port import Batch, StorageError
from actors.messages.allocator import AGENTS
from actors.runtime import Actor, BatchActor, Deadlines, Envelope, Mailbox
from actors.simulator import SimJournal
from arena.ledger import Transfer
from arena.money import Money
from arena.words import Refusal

SEEDS_MAX = 200
"""A planted bug must be found within so many seeds."""

Patch = tuple[Any, str, Any]
MUTANTS: dict[str, Callable[[], list[Patch]]] = {}
BREAKS: dict[str, tuple[str, ...]] = {}
"""The invariants that a mutant may be found by: another one would be luck, or a broken mutant."""

SCENARIO = {"wishes are decided in order of arrival": "cast"}
"""What a mutant is looked for in, where it is not the crowd."""


def mutant(*breaks: str) -> Callable[[Callable[[], list[Patch]]], Callable[[], list[Patch]]]:
    """Register what a function with a telling name patches, and which invariants it breaks."""

    def register(make: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
        name = make.__name__.replace("_", " ")
        MUTANTS[name], BREAKS[name] = make, breaks
        return make

    return register


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Plant one bug in this process, and take it out again."""
    missing = object()
    patches = MUTANTS[name]()
    before = [(owner, word, vars(owner).get(word, missing)) for owner, word, _ in patches]
    for _, word, value in before:
        assert value is not missing or hasattr(builtins, word), f"nothing is called {word}"
    for owner, word, value in patches:
        setattr(owner, word, value)
    undisturbed.cache_clear()
    try:
        yield
    finally:
        undisturbed.cache_clear()
        for owner, word, value in before:
            if value is missing:
                delattr(owner, word)
            else:
                setattr(owner, word, value)


def hunt(name: str) -> tuple[int, str] | None:
    """Return how many seeds it took to find a planted bug, and what gave it away."""
    with planted(name):
        for seed in range(1, SEEDS_MAX + 1):
            faults = run_seed(seed, SCENARIO.get(name, "crowd")).faults
            if faults:
                return seed, faults[0]
    return None


@mutant("I5")
def replies_before_the_commit() -> list[Patch]:
    original = Plan.decide

    def decide(plan: Plan, asked: Any) -> Any:
        outcome = original(plan, asked)
        if not isinstance(outcome, Exception):
            asked.envelope.answer(outcome)
        return outcome

    return [(Plan, "decide", decide)]


@mutant("I10")
def publishes_before_the_commit() -> list[Patch]:
    original = Allocator._append

    async def append(self: Allocator, plan: Plan) -> None:
        self._treasury = plan.treasury
        await original(self, plan)

    return [(Allocator, "_append", append)]


@mutant("I10")
def a_full_disk_leaks_the_overlay() -> list[Patch]:
    original = Allocator._append

    async def append(self: Allocator, plan: Plan) -> None:
        try:
            await original(self, plan)
        except StorageError:
            self._treasury = plan.treasury
            raise

    return [(Allocator, "_append", append)]


@mutant("I13")
def a_rollback_burns_numbers() -> list[Patch]:
    original = Allocator._append

    async def append(self: Allocator, plan: Plan) -> None:
        try:
            await original(self, plan)
        except StorageError:
            self._head = plan.head
            raise

    return [(Allocator, "_append", append)]


@mutant("I14", "I6")
def a_failed_sync_passes_for_a_full_disk() -> list[Patch]:
    def made(self: StorageError, message: str, *, definite: bool) -> None:
        Exception.__init__(self, message)
        self.definite = True

    return [(StorageError, "__init__", made)]


@mutant("I5", "I8")
def acks_what_is_not_synced() -> list[Patch]:
    async def append(self: SimJournal, batch: Batch) -> Head:
        self.appends += 1
        await self._take_time()
        await self._disk.sync()
        self._disk.volatile.append(batch)
        if not batch.entries:
            return await self._disk.rows.head()
        return Head(batch.entries[-1].seq, batch.entries[-1].hash)

    return [(SimJournal, "append", append)]


@mutant("I5", "I8")
def commands_on_record_are_decided_again() -> list[Patch]:
    original = MemoryJournal.append

    async def append(self: MemoryJournal, batch: Batch) -> Head:
        for row in batch.commands:
            self.commands.pop(row.command_id, None)
        return await original(self, batch)

    return [(MemoryJournal, "append", append)]


@mutant("I5", "I8")
def commands_of_one_batch_are_decided_twice() -> list[Patch]:
    original = Plan.decide

    def decide(plan: Plan, asked: Any) -> Any:
        plan._answers.clear()
        return original(plan, asked)

    return [(Plan, "decide", decide)]


@mutant("I8")
def the_body_of_a_duplicate_is_not_compared() -> list[Patch]:
    return [(actors.allocator, "body_hash", lambda message: "")]


@mutant("I6")
def a_command_is_not_put_on_record() -> list[Patch]:
    original = Plan.batch
    return [(Plan, "batch", lambda plan: replace(original(plan), commands=plan.commands[:-1]))]


@mutant("I5")
def a_receipt_names_another_entry() -> list[Patch]:
    original = actors.allocator.answer_of

    def answer_of(receipt: Head, *args: Any, **kwargs: Any) -> Any:
        return original(Head(receipt.seq, receipt.hash[::-1]), *args, **kwargs)

    return [(actors.allocator, "answer_of", answer_of)]


@mutant("I13")
def one_leg_is_forgotten() -> list[Patch]:
    def post(balances: Any, row: Transfer) -> None:
        balances[row.debit] = balances.get(row.debit, 0) - row.amount

    return [(arena.apply, "post", post)]


@mutant("I3")
def a_row_of_the_ledger_is_forgotten() -> list[Patch]:
    original = actors.journal.memory.ledger_rows
    return [
        (actors.journal.memory, "ledger_rows", lambda seq, event: original(seq, event)[:2]),
    ]


@mutant("I4")
def each_share_is_rounded_up() -> list[Patch]:
    def split(total: int, weights: dict[Any, int]) -> dict[Any, Money]:
        whole = sum(weights.values())
        return {key: Money(-(-total * weight // whole)) for key, weight in weights.items()}

    return [(arena.decisions.population, "split_largest_remainder", split)]


@mutant("I2")
def the_hash_leaves_out_the_data() -> list[Patch]:
    original = actors.journal.chain._hash_of
    return [(actors.journal.chain, "_hash_of", lambda *fields: original(*fields[:-1], ""))]


@mutant("I12")
def the_time_is_that_of_the_machine() -> list[Patch]:
    original = actors.allocator.link

    def link(*args: Any, **kwargs: Any) -> Any:
        kwargs["timestamp"] = timestamp(datetime.now(UTC))  # noqa: TID251 - that is the bug
        return original(*args, **kwargs)

    return [(actors.allocator, "link", link)]


@mutant("I12")
def a_clock_that_was_set_back_is_followed() -> list[Patch]:
    return [(actors.allocator, "max", lambda stamp, last: stamp)]


@mutant("I4")
def a_quarantined_agent_may_have_capital() -> list[Patch]:
    original = arena.decisions.capital.refuses_agent

    def refuses(*args: Any) -> Any:
        reason = original(*args)
        return None if reason is Refusal.AGENT_IS_QUARANTINED else reason

    return [
        (arena.decisions.capital, "refuses_agent", refuses),
        (arena.decisions.population, "refuses_agent", refuses),
    ]


@mutant("I4")
def a_quarantined_agent_keeps_its_positions() -> list[Patch]:
    return [(arena.decisions.tick, "flatten", lambda *args, **kwargs: None)]


@mutant("I4")
def fills_are_not_compared_with_the_books_as_they_are() -> list[Patch]:
    return [(arena.decisions.tick, "_fitting", lambda treasury, command: (command.fills, ()))]


@mutant("I13")
def an_illegible_command_ends_the_allocator() -> list[Patch]:
    def legible(self: Allocator, asked: Any) -> list[Any]:
        body_hash = actors.allocator.body_hash
        return [one._replace(body=body_hash(one.envelope.message)) for one in asked]

    return [(Allocator, "_legible", legible)]


@mutant("I6")
def who_left_is_served_nevertheless() -> list[Patch]:
    def opened(self: BatchActor[Any, Any], batch: list[Any]) -> list[Any]:
        return [Envelope(*letter) for letter in batch]

    return [(BatchActor, "_open", opened), (Envelope, "abandoned", property(lambda self: False))]


@mutant("I10")
def wishes_are_decided_in_order_of_arrival() -> list[Patch]:
    def wishes(self: Allocator) -> list[Any]:
        held, self._held = self._held, []
        return [actors.allocator.Asked(each, each.message) for each in held]

    return [(Allocator, "_wishes", wishes)]


@mutant("I14")
def a_lane_has_no_bound() -> list[Patch]:
    original = Mailbox.__init__

    def made(self: Mailbox[Any], lanes: Any, **kwargs: Any) -> None:
        original(self, dict.fromkeys(lanes, 10**9), **kwargs)

    return [(Mailbox, "__init__", made)]


@mutant("I13", "I7", "I11")
def a_wake_up_is_lost_now_and_then() -> list[Patch]:
    original, calls = Mailbox._wake, itertools.count(1)

    def wake(self: Mailbox[Any]) -> None:
        if self.closed or next(calls) % 5:
            original(self)
        else:
            self._waiter = None

    return [(Mailbox, "_wake", wake)]


@mutant("I13")
def a_mailbox_swallows_the_cancellation_of_its_reader() -> list[Patch]:
    original = Mailbox.take

    async def take(self: Mailbox[Any], batch_max: int) -> list[Any]:
        while True:
            try:
                return await original(self, batch_max)
            except asyncio.CancelledError:
                continue

    return [(Mailbox, "take", take)]


@mutant("I11")
def a_dead_actor_leaves_its_askers_waiting() -> list[Patch]:
    return [(Actor, "abandon", lambda self, error: self.mailbox.close())]


@mutant("I11")
def deadlines_are_forgotten() -> list[Patch]:
    return [(Deadlines, "remind", lambda self, deadline: None)]


@mutant("I13")
def an_event_is_its_own_cause() -> list[Patch]:
    original = actors.allocator.link

    def link(head: Head, *args: Any, **kwargs: Any) -> Any:
        if kwargs["caused_by"] is not None:
            kwargs["caused_by"] = head.seq + 1
        return original(head, *args, **kwargs)

    return [(actors.allocator, "link", link)]


@mutant("I7")
def a_wish_is_forgotten() -> list[Patch]:
    original = Allocator.receive_batch

    async def receive_batch(self: Allocator, envelopes: Any) -> None:
        await original(self, [each for each in envelopes if each.lane != AGENTS])

    return [(Allocator, "receive_batch", receive_batch)]


def main(names: list[str]) -> int:
    """Hunt each mutant and print what it took."""
    missed = 0
    for name in names or MUTANTS:
        began = time.perf_counter()
        found = hunt(name)
        took_s = time.perf_counter() - began
        missed += found is None
        seeds, what = found or (0, "NOT FOUND")
        line = f"{name:<52} {seeds:>3} seeds {took_s:>5.1f} s  {what.splitlines()[0][:90]}\n"
        sys.stdout.write(line)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
