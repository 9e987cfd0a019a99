"""From an event back to the command that asked for it, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actors.app.explaining.words import say
from actors.journal.chain import Entry
from actors.journal.codec import decode
from actors.journal.pages import entry_at
from actors.journal.reader import JournalReader
from arena.decisions.deaths import OPERATOR
from arena.events import AgentKilled, AllocationError
from arena.exceptions import EventSourcingError

COMMANDS = {
    "OpenArena": "endow the treasury and give birth to the first generation",
    "SettleTick": "settle a day",
    "RunCycle": "kill, demote, graduate, allocate, breed",
    "RequestCapital": "note how much an agent could use",
    "ReturnCapital": "give capital back",
    "AllocateCapital": "give an agent capital now",
    "KillUnderperformers": "apply the kill rules now",
    "GraduateAgent": "let one agent rise now",
    "SpawnAgent": "give birth to an agent",
    "MutateAgent": "give birth to a mutant",
    "HaltTrading": "stop all trading",
    "ResumeTrading": "let trading go on",
    "SubmitTrade": "execute an order at the next open",
    "ConfigureProtocol": "limit what may be in a protocol",
    "SetPositionLimit": "limit a position",
    "CheckConservation": "audit the books",
    "RecordCheck": "put on the record what became of a strategy at the gate",
    "RecordNote": "put a note on the record",
    "ForkRun": "go on under other rules",
    "CompleteRun": "end the run",
    "KillAgent": "end one agent",
    "PauseAgent": "pause one agent",
    "UnpauseAgent": "let a paused agent go on",
    "OnBehalf": "do what somebody who runs the arena wants",
}
"""What each command asks for."""

_TELLING = {
    "EvolutionCycleComplete": "RunCycle",
    "EvolutionFailed": "RunCycle",
    "TickSettled": "SettleTick",
}
"""Events that only one command causes, and that tell the ones before them too."""

_FIRST = {
    "ArenaOpened": "OpenArena",
    "CapitalRequested": "RequestCapital",
    "PositionsReduced": "ReturnCapital",
    "CapitalReturned": "ReturnCapital",
    "CapitalAllocated": "AllocateCapital",
    "AgentKilled": "KillUnderperformers",
    "AgentGraduated": "GraduateAgent",
    "AgentSpawned": "SpawnAgent",
    "TradingHalted": "HaltTrading",
    "TradingResumed": "ResumeTrading",
    "TradeSubmitted": "SubmitTrade",
    "ProtocolConfigured": "ConfigureProtocol",
    "PositionLimitSet": "SetPositionLimit",
    "CapitalConservationCheck": "CheckConservation",
    "StrategyChecked": "RecordCheck",
    "NoteRecorded": "RecordNote",
    "RunForked": "ForkRun",
    "RunCompleted": "CompleteRun",
    "AgentPaused": "PauseAgent",
    "AgentUnpaused": "UnpauseAgent",
    "OperatorActed": "OnBehalf",
}
"""A command's first event, where none of the above follows it."""


@dataclass(frozen=True, slots=True)
class Step:
    """An event on the way back.

    Attributes:
        entry: As the journal has it.
        said: In plain words.
        command: What its command was; None where the next step is the same command's.
    """

    entry: Entry
    said: str
    command: str | None


def trace(run: JournalReader, seq: int) -> list[Step]:
    """Return the event `seq`, its cause, the cause of that, and so on: the last is a command's own.

    Raises:
        EventSourcingError: A cause is missing, or not earlier than its effect.
    """
    entries = [*_back(run, seq)]
    about = entries[0].agent_id
    steps = []
    for entry, earlier in zip(entries, [*entries[1:], None], strict=True):
        event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
        ends = earlier is None or earlier.command_id != entry.command_id
        steps.append(Step(entry, say(event, about), _command(run, entry) if ends else None))
    return steps


def _back(run: JournalReader, seq: int) -> Iterator[Entry]:
    wanted: int | None = seq
    while wanted is not None:
        entry = entry_at(run, wanted)
        yield entry
        wanted = entry.caused_by
        if wanted is not None and not 0 < wanted < entry.seq:
            raise EventSourcingError(f"caused_by {wanted} is not earlier", seq=entry.seq)


def _command(run: JournalReader, entry: Entry) -> str:
    """Return which command caused `entry`: its events say so, from this one on."""
    first, mutates = None, False
    for each in run.entries(entry.seq - 1):
        if each.command_id != entry.command_id:
            break
        if each.event_type in _TELLING:
            return _TELLING[each.event_type]
        first = first or _first(each)
        mutates = mutates or each.event_type == "AgentMutated"
    return "MutateAgent" if mutates else first or "RunCycle"


def _first(entry: Entry) -> str | None:
    if entry.event_type in {"AllocationError", "AgentKilled"}:
        event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
        if isinstance(event, AllocationError):
            return event.command
        if isinstance(event, AgentKilled) and event.rule == OPERATOR.id:
            return "KillAgent"
    return _FIRST.get(entry.event_type)
