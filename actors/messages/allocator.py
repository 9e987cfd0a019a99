"""What the allocator receives, and how it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from actors.journal.chain import Receipt
from arena.commands import Command
from arena.events import AllocationError, Event
from arena.exceptions import ValidationError
from arena.words import Refusal

CONTROL, AGENTS, API = "control", "agents", "api"
"""The lanes of the allocator's mailbox, in order of precedence."""

LANES = {CONTROL: 64, AGENTS: 16_384, API: 4_096}
"""How many messages may wait in each lane."""

ASK_TIMEOUT_S = 3_600.0
"""How long an actor waits for another before it counts as broken.

An end is reported at once, so this only bounds what should never happen.  It is long because it is
real time: a machine that stands still for a minute must not change what an experiment writes."""


@dataclass(frozen=True, slots=True)
class Clocked:
    """A command, and the instant that events are stamped with from then on."""

    command: Command
    stamp: str


@dataclass(frozen=True, slots=True)
class Audit:
    """Ask for a `CapitalConservationCheck` against the ledger's own rows."""

    command_id: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask whether the allocator and its journal answer: it causes nothing.

    The receipt is the journal's head, after everything that came before the probe.
    """


AllocatorMessage: TypeAlias = Command | Clocked | Audit | Probe


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command.

    Attributes:
        receipt: The last entry that the command caused: it is on disk.
        events: What the command caused.
        refusal: Why it was refused; None where it was not.
        detail: More about the refusal, for people.
        duplicate: Whether it had been answered before, and this is that answer.
    """

    receipt: Receipt
    events: tuple[Event, ...]
    refusal: Refusal | None = None
    detail: str = ""
    duplicate: bool = False


def answer_of(receipt: Receipt, events: Sequence[Event], *, duplicate: bool = False) -> Answer:
    """Return the answer to a command that caused `events`, the last of them at `receipt`."""
    for event in events:
        if isinstance(event, AllocationError):
            reason, detail = event.reason, event.detail
            return Answer(receipt, tuple(events), reason, detail, duplicate=duplicate)
    return Answer(receipt, tuple(events), duplicate=duplicate)


class CommandConflictError(ValidationError):
    """A command came with the id of another one, which asked for something else.

    Attributes:
        command_id: The id.
    """

    def __init__(self, command_id: str) -> None:
        needed = "an id of its own: another command has it, and asked for something else"
        super().__init__("command_id", found=command_id, needed=needed)
        self.command_id = command_id
