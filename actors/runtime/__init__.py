"""A small actor toolkit on asyncio.  It has never heard of money."""

from actors.runtime.actor import Actor, BatchActor
from actors.runtime.budget import StepBudget, StepInterrupted
from actors.runtime.clock import Clock, ManualClock, WallClock
from actors.runtime.dead_letters import DeadLetter, DeadLetters
from actors.runtime.deadlines import Deadlines
from actors.runtime.envelope import Envelope
from actors.runtime.exceptions import (
    ActorError,
    ActorFailed,
    ActorStopped,
    AskTimeout,
    MailboxFull,
)
from actors.runtime.group import Group
from actors.runtime.mailbox import Mailbox
from actors.runtime.outcome import Outcome, outcome_of
from actors.runtime.ref import Ref
from actors.runtime.roll import Roll
from actors.runtime.system import ActorSystem
from actors.runtime.table import ActorRow, ActorState
from actors.runtime.tasks import Exit, ExitReason, spawn, wait_ended
from actors.runtime.watchdog import Watchdog

__all__ = [
    "Actor",
    "ActorError",
    "ActorFailed",
    "ActorRow",
    "ActorState",
    "ActorStopped",
    "ActorSystem",
    "AskTimeout",
    "BatchActor",
    "Clock",
    "DeadLetter",
    "DeadLetters",
    "Deadlines",
    "Envelope",
    "Exit",
    "ExitReason",
    "Group",
    "Mailbox",
    "MailboxFull",
    "ManualClock",
    "Outcome",
    "Ref",
    "Roll",
    "StepBudget",
    "StepInterrupted",
    "WallClock",
    "Watchdog",
    "outcome_of",
    "spawn",
    "wait_ended",
]
