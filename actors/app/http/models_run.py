"""What the API answers with: the run, its capital and its history.

Units are those of `actors.app.http.models`.
"""

from __future__ import annotations

from typing import Annotated, Any

from actors.app.http.models import STAMP, Answer, Model, Money, say


class Status(Answer):
    """Where the run stands, as its journal says, and as its writer says."""

    version: Annotated[str, say("Of treasury-arena.", "0.4.0")]
    run_id: Annotated[str, say("The run's identity.")]
    name: Annotated[str, say("The run's name.", "quickstart")]
    hash: Annotated[str, say("Of the entry `as_of`: the fingerprint of all history up to it.")]
    head: Annotated[int, say("The last entry on record, as far as was looked.", 4174)]
    behind: Annotated[int, say("How many entries this server has yet to read.", 0)]
    tick: Annotated[int, say("The last settled day.", 60)]
    ticks: Annotated[int | None, say("How many the run has; null where it is open-ended.", 180)]
    cycle: Annotated[int, say("How many cycles are complete.", 8)]
    sim_time: Annotated[str | None, say("The last settled close, in the run's time.", STAMP)]
    completed: Annotated[bool, say("Whether the last day was settled.")]
    panic: Annotated[Panic | None, say("The emergency stop that is in force.")]
    halted: Annotated[dict[str, int], say("Scope -> day since which its trading is halted.")]
    agents: Annotated[dict[str, int], say("How many live, by layer; baselines are not counted.")]
    ledger: Annotated[Sums, say("What both books sum to.")]
    trouble: Annotated[str | None, say("Why the journal cannot be read on.")]
    writer: Annotated[
        dict[str, Any] | None, say("What the daemon says of itself; null where none answers.")
    ]
    note: Annotated[str | None, say("Why `writer` is null or old.", "no daemon serves this run")]


class Panic(Model):
    """An emergency stop."""

    mode: Annotated[str, say("pause: what is held stays; wind_down: it was sold.", "pause")]
    since_tick: Annotated[int, say("The day after which nothing was traded.", 12)]


class Sums(Model):
    """What the books sum to: 0, or money appeared or vanished."""

    real_sum: Annotated[Money, say("Of the real book.", 0)]
    virtual_sum: Annotated[Money, say("Of the virtual book.", 0)]


class Config(Answer):
    """What is run, and how."""

    run_id: Annotated[str, say("The run's identity.")]
    settings: Annotated[dict[str, Any] | None, say("The config in full, as it was at the start.")]
    rules: Annotated[dict[str, Any], say("The rules of the game as they are now.")]
    endowment: Annotated[dict[str, Any], say("The treasury's opening capital.")]
    population: Annotated[dict[str, Any], say("Who competes.")]
    seed: Annotated[int, say("The root of all randomness.", 42)]


class Series(Model):
    """Where one column of the market comes from."""

    name: Annotated[str, say("`<instrument>.<field>`, or a feature's name.", "BTC.close")]
    unit: Annotated[str, say("Of its numbers.", "USD")]
    provenance: Annotated[str, say("real, resampled, estimated or synthetic.", "synthetic")]
    origin: Annotated[str, say("The file or generator that it was made from.")]
    sha256: Annotated[str, say("Of its numbers.")]


class Data(Answer):
    """The market of the run, without its numbers."""

    source: Annotated[str, say("Where it comes from.", "synthetic")]
    badge: Annotated[str, say("real, synthetic or mixed.", "synthetic")]
    first_bar: Annotated[str, say("The first bar that is settled.", "2020-04-11")]
    warmup: Annotated[int, say("Bars before that, visible and not traded.", 120)]
    ticks: Annotated[int | None, say("Bars that are settled; null where it is open-ended.", 180)]
    periods_per_year: Annotated[int, say("Bars in a year.", 365)]
    marks: Annotated[dict[str, float], say("Instrument -> last close, USD.", {"BTC": 7100.5})]
    series: Annotated[list[Series], say("Every column.")]


class Actors(Model):
    """The daemon's actors; nobody has them where no daemon runs."""

    actors: Annotated[list[dict[str, Any]] | None, say("One line each; null where none answers.")]
    note: Annotated[str | None, say("Why `actors` is null or old.")]


class Capital(Answer):
    """Where the capital is."""

    tick: Annotated[int, say("The last settled day.", 60)]
    total: Annotated[Money, say("All real capital.", 373_261_000_000)]
    stable_reserve: Annotated[Money, say("What is kept.")]
    proving_capital: Annotated[Money, say("Of the proving layer: its pool and its agents.")]
    arena_capital: Annotated[Money, say("Of the arena: its pool and its agents.")]
    allocated: Annotated[Money, say("Of it, with agents.")]
    available: Annotated[Money, say("Of it, idle in the pool.")]
    by_tier: Annotated[dict[str, int], say("Tier, or `proving` -> equity of its agents.")]
    by_agent: Annotated[dict[str, int], say("Agent with real capital -> its equity.")]
    accounts: Annotated[
        dict[str, dict[str, int]],
        say("Book -> account -> balance; the accounts of all agents are one, `agents`."),
    ]
    ledger: Annotated[Sums, say("What both books sum to.")]


class Transfer(Model):
    """One row of the ledger: both legs of one movement of money."""

    event_seq: Annotated[int, say("The entry that moved it.", 1)]
    line: Annotated[int, say("From 1 in each entry.", 1)]
    book: Annotated[str, say("real or virtual.", "real")]
    debit_account: Annotated[str, say("Where it left.", "endowment")]
    credit_account: Annotated[str, say("Where it arrived.", "reserve")]
    amount: Annotated[Money, say("Above 0.", 163_115_057_000)]
    reason: Annotated[str, say("Why.", "opening")]


class LedgerNext(Model):
    """Where the next page of the ledger begins."""

    after_seq: Annotated[int, say("For the parameter of that name.", 31)]
    after_line: Annotated[int, say("For the parameter of that name.", 1000)]


class Ledger(Answer):
    """A page of the ledger; it may be shorter than its limit where `next` is not null."""

    transfers: Annotated[list[Transfer], say("In the order in which they happened.")]
    next: Annotated[LedgerNext | None, say("The next page; null at the end.")]


class Event(Model):
    """One entry of the journal."""

    seq: Annotated[int, say("Its place, from 1.", 1)]
    type: Annotated[str, say("What happened: see the reference of events.", "ArenaOpened")]
    agent: Annotated[str | None, say("Whom it is about.", "g000-001")]
    timestamp: Annotated[str, say("In the run's time.", STAMP)]
    caused_by: Annotated[int | None, say("The entry that led to it.")]
    command_id: Annotated[str | None, say("The command that caused it.")]
    data: Annotated[dict[str, Any], say("What happened, field by field.")]
    hash: Annotated[str, say("Covers the entry and all before it.")]


class Events(Answer):
    """A page of the journal; it may be shorter than its limit where `next` is not null."""

    events: Annotated[list[Event], say("In the order that was asked for.")]
    next: Annotated[
        int | None,
        say("`after_seq` of the next page, or `before_seq` with order=desc; null at the end.", 100),
    ]


class EventAnswer(Answer):
    """One entry of the journal, and what it moved."""

    event: Annotated[Event, say("As it stands in the journal.")]
    said: Annotated[str, say("In plain words.")]


class CauseStep(Event):
    """An entry on the way back to a command."""

    said: Annotated[str, say("In plain words.")]
    command: Annotated[
        str | None, say("What its command was; null where the next step is the same command's.")
    ]


class Cause(Answer):
    """What led to an entry, back to the command that asked for it."""

    seq: Annotated[int, say("The entry.", 400)]
    chain: Annotated[list[CauseStep], say("The entry first, then what led to it.")]
    command: Annotated[str | None, say("What was asked for.", "RunCycle")]
    command_id: Annotated[str | None, say("By which command.")]


class Cycle(Answer):
    """One round of killing, demoting, graduating, allocating and breeding."""

    seq: Annotated[int, say("The entry that ends it.", 431)]
    timestamp: Annotated[str, say("In the run's time.", STAMP)]
    cycle: Annotated[dict[str, Any], say("The fields of `EvolutionCycleComplete`.")]


Status.model_rebuild()
