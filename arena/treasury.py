"""The treasury: who may have how much.  Start reading here.

Three functions and a value:

    Treasury                       everything that the events so far have made true
    decide(treasury, command)      the events that a command causes; it changes nothing
    apply(treasury, event)         changes the treasury as the event says; it cannot refuse
    fold(treasury, events)         applies one after the other

`decide` holds every rule and is total: every command has an answer, and a refusal is one (an
`AllocationError` event with its reason).  The rules themselves are data (`arena.rules`), the steps
of a decision are in `arena.decisions`, one file for each subject.  Whoever wants to know what
happens in a tick reads `arena.decisions.tick`; in an evolution cycle, `arena.decisions.cycle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from arena import commands as c
from arena.apply import apply, fold
from arena.decisions.capital import allocate_capital, request_capital, return_capital
from arena.decisions.cycle import run_cycle
from arena.decisions.deaths import kill_by_rules
from arena.decisions.draft import Decided, Draft
from arena.decisions.ladder import record_check
from arena.decisions.operator import operate
from arena.decisions.population import graduate_agent, mutate_agent, open_arena, spawn_agent
from arena.decisions.tick import settle_tick
from arena.decisions.trading import (
    check_conservation,
    configure_protocol,
    halt_trading,
    resume_trading,
    set_position_limit,
    submit_trade,
)
from arena.events import NoteRecorded, OperatorActed, RunCompleted, RunForked
from arena.state import Treasury, capital_breakdown

__all__ = [
    "Decided",
    "Treasury",
    "apply",
    "capital_breakdown",
    "decide",
    "decide_onto",
    "fold",
]


def decide(treasury: Treasury, command: c.Command) -> Sequence[Decided]:
    """Return the events that `command` causes, each with its cause; `treasury` stays as it is."""
    return decide_onto(treasury.copy(), command)


def decide_onto(treasury: Treasury, command: c.Command) -> Sequence[Decided]:
    """Do as `decide`, and leave the events applied: for whoever decides many on an overlay."""
    draft = Draft(treasury)
    _decide(draft, command)
    return draft.decided


def _decide(draft: Draft, command: c.Command) -> None:  # noqa: C901, PLR0912  # a case for each
    treasury = draft.treasury
    match command:
        case c.AllocateCapital():
            allocate_capital(draft, command)
        case c.RequestCapital():
            request_capital(draft, command)
        case c.ReturnCapital():
            return_capital(draft, command)
        case c.SettleTick():
            settle_tick(draft, command)
        case c.RunCycle():
            run_cycle(draft, command)
        case c.KillUnderperformers():
            kill_by_rules(draft, every_tick=False, because=treasury.settled_seq)
        case c.GraduateAgent():
            graduate_agent(draft, command)
        case c.SpawnAgent():
            spawn_agent(draft, command)
        case c.MutateAgent():
            mutate_agent(draft, command)
        case c.OpenArena():
            open_arena(draft)
        case c.HaltTrading():
            halt_trading(draft, command)
        case c.ResumeTrading():
            resume_trading(draft, command)
        case c.SubmitTrade():
            submit_trade(draft, command)
        case c.ConfigureProtocol():
            configure_protocol(draft, command)
        case c.SetPositionLimit():
            set_position_limit(draft, command)
        case c.CheckConservation():
            check_conservation(draft, command)
        case c.RecordCheck():
            record_check(draft, command)
        case c.RecordNote():
            draft.emit(NoteRecorded(kind=command.kind, data=dict(command.data)))
        case c.ForkRun():
            _fork(draft, command)
        case c.CompleteRun():
            draft.emit(RunCompleted(ticks=treasury.tick, cycles=treasury.cycle))
        case c.KillAgent() | c.PauseAgent() | c.UnpauseAgent():
            operate(draft, command)
        case c.OnBehalf():
            _act(draft, command)
        case _:
            assert_never(command)


def _act(draft: Draft, command: c.OnBehalf) -> None:
    """Put who acts on the record, and decide what they want: all of it follows from that."""
    acted = OperatorActed(action=command.action, by=command.by, reason=command.reason)
    draft.root = draft.emit(acted)
    if command.command is not None:
        _decide(draft, command.command)


def _fork(draft: Draft, command: c.ForkRun) -> None:
    """Let what follows be decided by the rules of the command's manifest."""
    forked = RunForked(
        parent_seq=draft.treasury.seq,
        parent_hash=command.parent_hash,
        tick=draft.treasury.tick,
        changes=dict(command.changes),
        manifest=command.manifest,
    )
    draft.emit(forked)
