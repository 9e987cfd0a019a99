"""The treasury's state: everything that the events so far have made true."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from arena.agents import Agent, Record
from arena.execution import Marks
from arena.experiment import Experiment, plain
from arena.ids import AgentId
from arena.ledger import POOL_ARENA, POOL_PROVING, RESERVE
from arena.limits import NO_LIMITS, ProtocolLimit, TradingLimits
from arena.money import Money
from arena.orders import Order
from arena.words import Book, Layer


class Treasury:
    """The accounts, the agents, and what the rules must remember.

    Only `arena.apply` changes it, event by event.

    Attributes:
        experiment: The rules; not part of the state.
        seq: How many events have been applied.
        tick: The last tick that was settled.
        settled_seq: The event that settled it.
        cycle: How many cycles are complete.
        books: Book -> account -> balance, micro-USD.
        agents: Everyone who lives, in order of birth.
        dead: Everyone who does not, in order of death.
        requests: What agents asked for at this cycle; None is no limit.
        marks: Instrument -> last close.
        units: Instrument -> last notional of one unit, USD, where that is not its mark.
        fund: Record of the arena fund's unit NAV.
        fund_nav: The arena fund's unit NAV.
        halted: Scope -> tick since which its trading is halted.
        stop_mode: Of the emergency stop that is in force; empty where none is.
        stopped_seq: The event of the last emergency stop; 0 where there was none.
        reduced: Scope -> tick since which its agents may only give up what they hold.
        pending: Order id -> order that somebody submitted and that waits for the next open.
        checked: Strategy -> the checks of the gate that it did not pass, where it was there.
        position_limits: Instrument -> its limit, where an event changed it.
        protocol_limits: Protocol -> its limit, where an event changed it.
        deaths: Since the last cycle.
        slot: (generation, last slot that was born in it).
        counts: What has happened so far, by name.
        ready: Baseline -> the first tick at which it met the requirements of a seat.
        completed: Whether the last tick was settled.
        paused: Whether somebody wants no more ticks for now; a rule looks at it nowhere.
        equities: Layer -> sum of its agents' equity, where it was added up already; not part of the
            state.
    """

    __slots__ = (
        "agents", "books", "checked", "completed", "counts", "cycle", "dead", "deaths", "equities",
        "experiment", "fund", "fund_nav", "halted", "marks", "paused", "pending",
        "position_limits", "protocol_limits", "ready", "reduced", "requests", "seq", "settled_seq",
        "slot", "stop_mode", "stopped_seq", "tick", "units",
    )  # fmt: skip

    STATE = tuple(sorted({*__slots__} - {"experiment", "equities"}))
    """The names of what is part of the state."""

    LATER = frozenset(
        {"pending", "position_limits", "protocol_limits", "reduced", "stop_mode", "stopped_seq"}
        | {"checked", "paused", "units"}
    )
    """What an older release did not have: left out of the JSON while it is empty."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.seq = 0
        self.tick = 0
        self.settled_seq: int | None = None
        self.cycle = 0
        self.books: dict[Book, dict[str, int]] = {Book.REAL: {}, Book.VIRTUAL: {}}
        self.agents: dict[AgentId, Agent] = {}
        self.dead: dict[AgentId, Agent] = {}
        self.requests: dict[AgentId, Money | None] = {}
        self.marks: dict[str, float] = {}
        self.units: dict[str, float] = {}
        self.fund = Record.begin(0, 1.0)
        self.fund_nav = 1.0
        self.halted: dict[str, int] = {}
        self.stop_mode = ""
        self.stopped_seq = 0
        self.reduced: dict[str, int] = {}
        self.pending: dict[str, Order] = {}
        self.checked: dict[str, tuple[str, ...]] = {}
        self.position_limits: dict[str, Money | None] = {}
        self.protocol_limits: dict[str, ProtocolLimit] = {}
        self.deaths = 0
        self.slot = (0, 0)
        self.counts: dict[str, int] = {}
        self.ready: dict[AgentId, int] = {}
        self.completed = False
        self.paused = False
        self.equities: dict[Layer, int] = {}

    def copy(self) -> Treasury:
        """Return an overlay: applying events to it leaves this treasury as it is."""
        other = Treasury.__new__(Treasury)
        for name in Treasury.__slots__:
            value = getattr(self, name)
            setattr(other, name, value.copy() if isinstance(value, dict) else value)
        other.books = {book: balances.copy() for book, balances in self.books.items()}
        return other

    def living(self, layer: Layer | None = None) -> Iterator[Agent]:
        """Yield the agents that are not dead, baselines too, in order of birth."""
        for agent in self.agents.values():
            if layer is None or agent.layer is layer:
                yield agent

    def find(self, agent_id: AgentId) -> Agent | None:
        """Return an agent, dead or alive; None where there never was such a one."""
        return self.agents.get(agent_id) or self.dead.get(agent_id)

    def population(self, layer: Layer | None = None) -> list[Agent]:
        """Return the agents that compete, in order of birth."""
        return [agent for agent in self.living(layer) if not agent.genome.baseline]

    def balance(self, account: str) -> Money:
        """Return a balance of the real book, micro-USD."""
        return Money(self.books[Book.REAL].get(account, 0))

    def known(self) -> Marks:
        """Return what everything was worth last."""
        return Marks(prices=self.marks, units=self.units)

    def limits(self) -> TradingLimits:
        """Return the limits that hold now: the experiment's, and what events made of them."""
        limits = self.experiment.terms.limits
        if self.position_limits or self.protocol_limits:
            limits = replace(
                limits,
                positions={**limits.positions, **self.position_limits},
                protocols={**limits.protocols, **self.protocol_limits},
            )
        return NO_LIMITS if limits == NO_LIMITS else limits

    def layer_capital(self, layer: Layer) -> Money:
        """Return the real capital of proving or the arena: its pool and its agents."""
        pool = POOL_ARENA if layer is Layer.ARENA else POOL_PROVING
        if layer not in self.equities:
            self.equities[layer] = sum(agent.equity for agent in self.living(layer))
        return Money(self.balance(pool) + self.equities[layer])

    def to_plain(self) -> dict[str, Any]:
        """Return the state as plain JSON data."""
        return {
            name: plain(getattr(self, name))
            for name in self.STATE
            if name not in self.LATER or getattr(self, name)
        }

    def to_json(self) -> str:
        """Return the state as canonical JSON."""
        return json.dumps(self.to_plain(), sort_keys=True, separators=(",", ":"), allow_nan=False)

    def state_hash(self) -> str:
        """Return the SHA-256 of the state's canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def capital_breakdown(treasury: Treasury) -> dict[str, int]:
    """Return where the real capital is, micro-USD.

    `total` = `stable_reserve` + `proving_capital` + `arena_capital`, and `arena_capital` =
    `available` + `allocated`.
    """
    reserve = treasury.balance(RESERVE)
    proving = treasury.layer_capital(Layer.PROVING)
    arena = treasury.layer_capital(Layer.ARENA)
    available = treasury.balance(POOL_ARENA)
    return {
        "total": reserve + proving + arena,
        "stable_reserve": reserve,
        "proving_capital": proving,
        "arena_capital": arena,
        "allocated": arena - available,
        "available": available,
    }
