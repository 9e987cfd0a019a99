"""What happened to capital outside of trading, and the proof that none appeared or vanished."""

from __future__ import annotations

from dataclasses import dataclass

from arena.ids import AgentId
from arena.money import Money
from arena.words import Book, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class CapitalRequested:
    """An agent told the allocator how much it could use at this cycle; None is "no limit"."""

    agent_id: AgentId
    amount: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapitalAllocated:
    """Capital moved from a pool to an agent.

    Attributes:
        source: `pool:proving` or `pool:arena`.
        reason: `seat`, `entry`, `rebalance` or `direct`.
    """

    agent_id: AgentId
    amount: Money
    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapitalReturned:
    """Capital moved from an agent back to where it came from.

    Attributes:
        book: Real or virtual.
        target: `pool:proving`, `pool:arena`, or `bank` for virtual money.
        reason: `death`, `graduation`, `demotion`, `reduction` or `voluntary`.
    """

    agent_id: AgentId
    amount: Money
    book: Book
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationError:
    """A command was refused.  A refusal is a fact too: it is journalled and can be studied."""

    agent_id: AgentId | None
    command: str
    amount: Money | None
    reason: Refusal
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapitalConservationCheck:
    """Every account of both books, from the state and again from the ledger's rows.

    Attributes:
        real: Account -> balance, from the state.
        virtual: The same for the virtual book.
        real_sum: Sum of `real`: 0.
        virtual_sum: Sum of `virtual`: 0.
        real_rows: Account -> balance, the trial balance of the ledger's rows.
        virtual_rows: The same for the virtual book.
        rows_agree: Whether the trial balance of the ledger's rows equals the state, account by
            account.
    """

    tick: int
    real: dict[str, int]
    virtual: dict[str, int]
    real_sum: int
    virtual_sum: int
    real_rows: dict[str, int]
    virtual_rows: dict[str, int]
    rows_agree: bool
