"""Assertions that explain themselves: what was found, what was needed, and where to look.

The rule: each looks at what is on record, and believes nothing that the arena says of itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from actors.app.gate import check_strategy
from actors.app.rerun import Divergence, explain_divergence, first_difference
from actors.journal.chain import Entry, Head, check_follows, genesis_hash
from actors.journal.codec import decode, encode
from actors.journal.rows import fold_balances
from actors.testing.harness import ArenaHarness
from arena.events import TickSettled
from arena.exceptions import EventSourcingError
from arena.experiment import manifest
from arena.strategies import Strategy
from arena.treasury import Treasury, fold
from arena.words import Book, Scalar

SHOWN_MAX = 120
"""Characters of a value that a message shows."""

LOOKAHEAD = ("poisoned_future", "truncation")
"""The checks of the gate that tell whether a strategy looks ahead."""

__tracebackhide__ = True  # pytest shows the line of the test, not those in here.

History: TypeAlias = ArenaHarness | Sequence[Entry]
"""An arena, or what one had on record."""


def assert_conserved(arena: ArenaHarness) -> None:
    """Check that no micro-dollar appeared or vanished.

    Both books sum to 0; each account is what the ledger's rows add up to; what agents own is what
    their accounts hold.

    Raises:
        AssertionError: It did; the accounts are named.
    """
    found = [*_imbalances(arena)]
    assert not found, "capital is not conserved:" + _listed(found)


def assert_gapless(arena: ArenaHarness) -> None:
    """Check that entries are numbered and chained from 1, and days settled one after the other.

    Raises:
        AssertionError: An entry or a day is missing, or is not the one that was hashed.
    """
    try:
        check_follows(Head(0, genesis_hash(manifest(arena.experiment))), arena.entries)
    except EventSourcingError as error:
        raise AssertionError(f"the journal has a gap, or was edited: {error}") from error
    days = [event.tick for event in arena.events(TickSettled)]
    for needed, day in enumerate(days, start=1):
        assert day == needed, f"day {needed} was not settled: after day {needed - 1} comes {day}"


def assert_replays(arena: ArenaHarness) -> None:
    """Check that the journal, folded, is the state that the arena has.

    Raises:
        AssertionError: It is another one, or an entry cannot be read; the first place is named.
    """
    treasury = Treasury(arena.experiment)
    for entry in arena.entries:
        try:
            event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
        except EventSourcingError as error:
            raise AssertionError(f"the journal cannot be replayed: {error}") from error
        again = encode(event)
        assert again == entry.data, (
            f"entry {entry.seq} ({entry.event_type}) is read as something else than was written:"
            f"\n  written  {entry.data}\n  read     {again}"
        )
        treasury = fold(treasury, [event])
    differs = first_difference(
        json.loads(treasury.to_json()), json.loads(arena.treasury.to_json()), "state"
    )
    if differs is not None:
        where, folded, lived = differs
        raise AssertionError(
            f"the journal folds to another state: {where} is {folded!r} in the fold, {lived!r} in "
            "the arena"
        )


def assert_same_journal(one: History, other: History) -> None:
    """Check that two histories are the same, byte for byte.

    Raises:
        AssertionError: They are not; the first entry that differs is named, the field in it, and
            both values.
    """
    left, right = _entries(one), _entries(other)
    two_runs = _other_run(one, other)
    for a, b in zip(left, right, strict=False):
        if a == b or (two_runs and _facts(a) == _facts(b)):
            continue
        where, first, second = explain_divergence(Divergence(a.seq, a, b))
        kind = a.event_type if a.event_type == b.event_type else f"{a.event_type} and another"
        raise AssertionError(
            f"the journals differ at entry {a.seq} ({kind}, {a.timestamp[:10]}):"
            f"\n  {where}\n  first   {_short(first)}\n  second  {_short(second)}{two_runs}"
        )
    if len(left) != len(right):
        longer = left if len(left) > len(right) else right
        extra = longer[min(len(left), len(right))]
        raise AssertionError(
            f"the journals differ in length: the first has {len(left)} entries, the second "
            f"{len(right)}; the longer one goes on with entry {extra.seq} ({extra.event_type})"
            f"{two_runs}"
        )
    assert not two_runs, f"the journals differ in their hashes alone{two_runs}"


async def assert_schedule_free(arena: ArenaHarness) -> None:
    """Check that the order in which tasks ran changed nothing.

    The same arena is run once more, in the order of asyncio, as many days as this one has.  What a
    test did by hand is not done again.

    Raises:
        AssertionError: It has another journal; the first difference is named.
    """
    async with arena.twin() as twin:
        await twin.run(arena.day)
        try:
            assert_same_journal(twin, arena)
        except AssertionError as differs:
            raise AssertionError(
                f"another order of tasks made another history; {differs}"
                "\n  the first is in the order of asyncio, the second in the order of this test"
                "\n  so something is shared that should not be: state of a class or of a module"
            ) from None


def assert_no_lookahead(
    strategy: type[Strategy],
    settings: Mapping[str, Scalar] | None = None,
    *,
    quick: bool = False,
) -> None:
    """Check that a strategy decides by what is known, whatever stands where the future would be.

    Args:
        strategy: A class at the top of a module, if the check is not a quick one.
        settings: Values of some of its parameters; the defaults of the others.
        quick: Check in one small world and in this process: faster, and it sees less.

    Raises:
        AssertionError: It looks ahead, or breaks before that can be tried; what differed is named.
        ValidationError: The settings are none of its own, or another process cannot import it.
    """
    report = check_strategy(strategy, settings, quick=quick)
    looks = [check for check in report.checks if check.name in LOOKAHEAD and not check.passed]
    if any(check.passed is False for check in looks):
        found = [f"{check.name}: {check.detail}" for check in looks]
        raise AssertionError(f"strategy {strategy.name!r} looks ahead:{_listed(found)}")
    if looks:
        raise AssertionError(
            f"strategy {strategy.name!r} breaks before it can be seen whether it looks ahead:"
            f"{_listed(report.explain().splitlines())}"
        )


def _imbalances(arena: ArenaHarness) -> Iterator[str]:
    treasury = arena.treasury
    rows: dict[Book, dict[str, int]] = {book: {} for book in Book}
    fold_balances(rows, (row[2:6] for row in arena.disk.rows.ledger))
    for book, accounts in treasury.books.items():
        total = sum(accounts.values())
        if total:
            yield f"the {book} book sums to {total} micro-USD, not to 0: {accounts}"
        for name in sorted(accounts.keys() | rows[book].keys()):
            held, moved = accounts.get(name, 0), rows[book].get(name, 0)
            if held != moved:
                yield f"{book} account {name!r} holds {held}, and {moved} was moved there"
    yield from _owners(treasury)


def _owners(treasury: Treasury) -> Iterator[str]:
    play = 0
    for agent in treasury.living():
        if agent.book is Book.VIRTUAL:
            play += agent.equity
        elif treasury.balance(f"agent:{agent.agent_id}") != agent.equity:
            held = treasury.balance(f"agent:{agent.agent_id}")
            yield f"{agent.agent_id} owns {agent.equity}, and its account holds {held}"
    population = treasury.books[Book.VIRTUAL].get("population", 0)
    if play != population:
        yield f"agents own {play} of play money together, and 'population' holds {population}"


def _other_run(one: History, other: History) -> str:
    """Return in what the manifests of two arenas differ; empty where they do not."""
    if not (isinstance(one, ArenaHarness) and isinstance(other, ArenaHarness)):
        return ""
    facts, others = (json.loads(manifest(each.experiment)) for each in (one, other))
    differs = first_difference(facts, others, "manifest")
    if differs is None:
        return ""
    return "\n  they are two runs: {} is {!r} in the first, {!r} in the second".format(*differs)


def _short(value: object) -> str:
    """Return a value as Python writes it, or the beginning of it."""
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]} ..."


def _facts(entry: Entry) -> Entry:
    """Return an entry without what depends on the name of the run."""
    return entry._replace(prev_hash="", hash="", event_id="")


def _entries(history: History) -> Sequence[Entry]:
    return history.entries if isinstance(history, ArenaHarness) else history


def _listed(lines: Sequence[str]) -> str:
    return "".join(f"\n  {line}" for line in lines)
