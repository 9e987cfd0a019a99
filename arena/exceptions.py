"""What can go wrong, sorted by whose fault it is.

A refusal is a value (an event with a reason), so most of these never meet a user: an exception is a
bug, a broken file, or a question that has no answer.  Each class carries its facts as attributes.
"""

from __future__ import annotations


class ArenaError(Exception):
    """The root of the family: catch this to catch them all."""


class AllocationError(ArenaError):
    """Capital was not allocated, and the treasury said why.

    Attributes:
        agent_id: Who asked; None where nobody in particular did.
        amount: Micro-USD that were asked for.
        reason: The code of the refusal, as the journal has it.
        detail: More about it, for people.
    """

    def __init__(self, agent_id: str | None, amount: int, reason: str, detail: str = "") -> None:
        whom = f" of {amount} micro-USD for {agent_id!r}" if amount else ""
        super().__init__(f"the request{whom} was refused: {reason}{detail and f' ({detail})'}")
        self.agent_id = agent_id
        self.amount = amount
        self.reason = reason
        self.detail = detail


class CapitalConservationError(ArenaError):
    """Money appeared or vanished: two sums that must be equal are not.

    Attributes:
        what: Which equation failed.
        expected: Its left side, micro-USD.
        found: Its right side, micro-USD.
    """

    def __init__(self, what: str, *, expected: int, found: int) -> None:
        super().__init__(f"{what}: expected {expected} micro-USD, found {found}")
        self.what = what
        self.expected = expected
        self.found = found


class ValidationError(ArenaError):
    """A value from outside is not what was needed.

    Attributes:
        field: Where it stood: a key, a parameter, or `file:line`.
        found: What stood there.
        needed: What would have been accepted.
    """

    def __init__(self, field: str, *, found: object, needed: str) -> None:
        super().__init__(f"{field}: found {found!r}, needed {needed}")
        self.field = field
        self.found = found
        self.needed = needed


class AgentError(ArenaError):
    """An agent's strategy broke, or answered with something that is not an answer.

    Attributes:
        agent_id: Whose strategy it was.
        kind: A stable word for what happened: `raised`, `exited`, `wrong_answer`, `hung`, ...
    """

    def __init__(self, agent_id: str, kind: str, message: str) -> None:
        super().__init__(f"{agent_id}: {kind}: {message}")
        self.agent_id = agent_id
        self.kind = kind
        self.message = message


class EvolutionError(ArenaError):
    """A step of the evolution cycle failed; nothing of that cycle was written.

    Attributes:
        step: The step: `kill`, `demote`, `graduate`, `allocate` or `birth`.
    """

    def __init__(self, step: str, message: str) -> None:
        super().__init__(f"step {step!r} of the cycle failed: {message}")
        self.step = step
        self.message = message


class EventSourcingError(ArenaError):
    """The journal does not read as a history: it is damaged, foreign, or of another version.

    Attributes:
        seq: The first event at fault; None where the file as a whole is.
    """

    def __init__(self, message: str, *, seq: int | None = None) -> None:
        super().__init__(message if seq is None else f"seq {seq}: {message}")
        self.seq = seq


class GraduationError(ArenaError):
    """An agent was asked to graduate and may not.

    Attributes:
        agent_id: Who.
        reason: The first requirement that is not met.
    """

    def __init__(self, agent_id: str, reason: str) -> None:
        super().__init__(f"{agent_id} cannot graduate: {reason}")
        self.agent_id = agent_id
        self.reason = reason
