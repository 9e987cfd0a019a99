"""What may be asked of the treasury.  A command wishes; whether it comes true is decided.

Every command has an id of its sender's making: the journal remembers it beside the events that the
command caused.  Amounts are micro-USD.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from arena.events import AgentFailed
from arena.exceptions import ValidationError
from arena.ids import AgentId
from arena.later import later
from arena.money import Money
from arena.orders import Fill, Order, RefusedOrder
from arena.words import Action, Layer, Scalar, StopMode

_OF_THE_DESK = re.compile(r"\d+-.+-\d+")
"""How the desk, and a forced sale, name their own orders."""

BY_MAX, REASON_MAX = 64, 500
"""Characters of who acts, and of why."""

_UNSEEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
"""What would not be seen where it is shown, or changes what is: controls, lone surrogates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenArena(_Command):
    """Endow the treasury, divide it, and give birth to the first generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleTick(_Command):
    """Mark every book at the close of a bar whose orders have been executed at its open.

    Attributes:
        tick: The tick to settle; one more than the last.
        prices: Instrument -> (open, close) of the bar; none for an instrument without one.
        fills: What the desk executed.
        refused: What it did not.
        failures: Agents that broke since the last tick.
        units: Instrument -> notional of one unit, USD, where that is not its price.
        carry: Instrument -> what one long unit pays over the bar, USD.
        expired: Instruments whose positions become cash at the close.
        held: Instruments whose bar was carried over a gap in the data.
        submitted: Orders among these that were pending: one that is so no more has its outcome.
    """

    tick: int
    prices: Mapping[str, tuple[float, float]]
    fills: tuple[Fill, ...] = ()
    refused: tuple[RefusedOrder, ...] = ()
    failures: tuple[AgentFailed, ...] = ()
    units: Mapping[str, float] = later(factory=dict)
    carry: Mapping[str, float] = later(factory=dict)
    expired: tuple[str, ...] = later(())
    held: tuple[str, ...] = later(())
    submitted: tuple[str, ...] = later(())


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCapital(_Command):
    """Tell the allocator how much the agent could use at this cycle; None is no limit."""

    agent_id: AgentId
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCapital(_Command):
    """Give real capital back to the pool it came from."""

    agent_id: AgentId
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocateCapital(_Command):
    """Move capital from the agent's pool to the agent now, or be refused; never a part of it."""

    agent_id: AgentId
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCycle(_Command):
    """Kill, demote, graduate, allocate, breed: all of it, or none and a reason."""

    failures: tuple[AgentFailed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KillUnderperformers(_Command):
    """Apply the kill rules now, outside a cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraduateAgent(_Command):
    """Move one agent up to `layer`, if it meets the requirements and there is room."""

    agent_id: AgentId
    layer: Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnAgent(_Command):
    """Give birth to an agent; parameters that are left out are the strategy's defaults."""

    strategy: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateAgent(_Command):
    """Give birth to a mutant of one agent."""

    parent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltTrading(_Command):
    """Stop all trading until somebody resumes it; a pause can become a wind-down."""

    reason: str
    mode: StopMode = later(StopMode.PAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeTrading(_Command):
    """Let trading go on."""

    reason: str


def trade_command_id(order_id: str) -> str:
    """Return the id of the command that submits an order: so it is submitted once, for ever."""
    return f"trade-{order_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitTrade(_Command):
    """Let an order wait for the next open, on record.

    Raises:
        ValidationError: `command_id` is not `trade_command_id(order.order_id)`, the order's id is
            no text of its own or one that the desk could give, or its quantity is no finite number.
    """

    order: Order

    def __post_init__(self) -> None:
        """Check that it can be recorded, and that nobody can submit it again."""
        order_id: object = self.order.order_id
        if not isinstance(order_id, str) or not order_id or not _is_writable(order_id):
            raise ValidationError("order_id", found=order_id, needed="text")
        if _OF_THE_DESK.fullmatch(order_id):
            needed = "an id unlike the desk's own, which are <tick>-<agent>-<n>"
            raise ValidationError("order_id", found=order_id, needed=needed)
        if self.command_id != trade_command_id(order_id):
            needed = f"{trade_command_id(order_id)!r}"
            raise ValidationError("command_id", found=self.command_id, needed=needed)
        if not math.isfinite(self.order.quantity):
            found = self.order.quantity
            raise ValidationError("quantity", found=found, needed="a finite number of units")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureProtocol(_Command):
    """Switch a protocol on or off, and say how much may be in it.

    Attributes:
        protocol: Of an instrument that can be traded.
        enabled: Whether anything may be placed in it.
        share_bp: Most of all deployable real capital in it, basis points; None is
            `risk.per_protocol_bp`.
    """

    protocol: str
    enabled: bool
    share_bp: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPositionLimit(_Command):
    """Say how much exposure one agent may have; None is no limit."""

    instrument: str
    most: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConservation(_Command):
    """Compare the state with the trial balance of the ledger's rows, account by account."""

    real: Mapping[str, int]
    virtual: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCheck(_Command):
    """Put on the record what became of a strategy at the gate.

    Attributes:
        checks: Name of a check -> whether it passed; None where it could not be tried.
        source_hash: SHA-256 of its files; empty of what is built in, and where there are none.
    """

    strategy: str
    checks: Mapping[str, bool | None]
    source_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordNote(_Command):
    """Put a fact on the record.

    Raises:
        ValidationError: `kind` or a key is no text, or a value is not text, a finite number, a
            truth value or None: it could not be read back.
    """

    kind: str
    data: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the journal can hold it."""
        names: list[object] = [self.kind, *self.data]
        for name in names:
            if not isinstance(name, str) or not _is_writable(name):
                raise ValidationError("note", found=name, needed="text as kind and as keys")
        for name, value in self.data.items():
            if not _is_scalar(value):
                needed = "text, a finite number, true, false or None"
                raise ValidationError(f"note.{name}", found=value, needed=needed)


def _is_scalar(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return _is_writable(value)
    return value is None or isinstance(value, int)


def _is_writable(text: str) -> bool:
    """Say whether UTF-8 can write `text`: a lone surrogate it cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkRun(_Command):
    """Go on under other rules, as a branch of the run that this was until now.

    Attributes:
        parent_hash: Hash of the last entry that the two share.
        changes: Key of the config -> its new value; a list or a table as JSON.
        manifest: What is run from here on, as canonical JSON.
    """

    parent_hash: str
    changes: Mapping[str, Scalar]
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRun(_Command):
    """Say that the last tick was settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillAgent(_Command):
    """End one agent, whatever the rules say; what it had returns to where it came from."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseAgent(_Command):
    """Let one agent neither trade nor be asked; it keeps what it holds."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpauseAgent(_Command):
    """Let one agent go on that was paused."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBehalf(_Command):
    """Do something on behalf of somebody who runs the arena, with their name and reason on record.

    Attributes:
        by: Who says so, 1 to 64 characters.
        reason: Why, up to 500 characters.
        action: What is done.
        command: What does it, of the type that `OPERATIONS` names; its id is not used.

    Raises:
        ValidationError: A text is too long or holds a control character, or `command` is not what
            the action asks for.
    """

    by: str
    reason: str
    action: Action
    command: Command | None = None

    def __post_init__(self) -> None:
        """Check that it can be recorded, and that it does what it says."""
        _check_text("by", self.by, 1, BY_MAX)
        _check_text("reason", self.reason, 0, REASON_MAX)
        if not isinstance(self.action, Action):
            raise ValidationError("action", found=self.action, needed=f"one of {[*Action]}")
        needed = OPERATIONS.get(self.action)
        if type(self.command) is not (needed or type(None)):
            found = type(self.command).__name__
            what = f"{needed.__name__ if needed else None} for {self.action}"
            raise ValidationError("command", found=found, needed=what)


def _check_text(name: str, text: object, least: int, most: int) -> None:
    if not isinstance(text, str) or not least <= len(text) <= most or _UNSEEN.search(text):
        needed = f"{least} to {most} characters of text without controls"
        raise ValidationError(name, found=text, needed=needed)


Command: TypeAlias = (
    OpenArena
    | SettleTick
    | RequestCapital
    | ReturnCapital
    | AllocateCapital
    | RunCycle
    | KillUnderperformers
    | GraduateAgent
    | SpawnAgent
    | MutateAgent
    | HaltTrading
    | ResumeTrading
    | SubmitTrade
    | ConfigureProtocol
    | SetPositionLimit
    | CheckConservation
    | RecordCheck
    | RecordNote
    | ForkRun
    | CompleteRun
    | KillAgent
    | PauseAgent
    | UnpauseAgent
    | OnBehalf
)

OPERATIONS: Mapping[Action, type[Command]] = {
    Action.PANIC: HaltTrading,
    Action.RESET_PANIC: ResumeTrading,
    Action.SPAWN: SpawnAgent,
    Action.KILL: KillAgent,
    Action.PAUSE_AGENT: PauseAgent,
    Action.UNPAUSE_AGENT: UnpauseAgent,
}
"""What each action is done by; the others change nothing but what is on record of them."""
