"""What happened, in words that a trader can read: a line for each thing that anybody did.

    day 0   the arena opens with $373,261.00
            g000-001 is born (breakout)
    day 3   g000-001 buys 49.75 BTC at $102.01
    day 7   cycle 1: 1 rises, 0 are killed, 2 are born

The rule: what is told is what is on record.  What is asked for and audited, day after day, is not
told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePath

from arena import events as e
from arena.agents import Agent
from arena.events import Event
from arena.money import render_usd
from arena.orders import Fill
from arena.treasury import Treasury, capital_breakdown

_TOLD = ("scope", "reason", "instrument", "quantity", "protocol", "strategy", "passed", "cycles")
"""What is told of an event that has no sentence of its own."""

_SILENT = (e.CapitalRequested, e.CapitalConservationCheck)


def tell(events: Iterable[Event], *, agent_id: str | None = None) -> str:
    """Return what happened, day by day.

    Args:
        events: From the first one on.
        agent_id: Tell only of this agent; None tells of everybody.
    """
    told: list[str] = []
    day, heading = 0, -1
    for event in events:
        day = event.tick if isinstance(event, e.TickSettled) else day
        for line in _lines(event):
            if agent_id is None or agent_id in line.replace(",", " ").split():
                told.append(f"{f'day {day}' if day != heading else '':<9} {line}")
                heading = day
    return "\n".join(told)


def summary(treasury: Treasury) -> str:
    """Return how things stand, a line for each agent that lives."""
    total = _usd(capital_breakdown(treasury)["total"])
    lines = [f"day {treasury.tick}: {total} of real capital, {len(treasury.dead)} agents dead"]
    return "\n".join([*lines, *(_standing(agent) for agent in treasury.living())])


def name_of(function: Callable[..., object]) -> str:
    """Return what to call a function: its name, or the place where it stands."""
    name = getattr(function, "__name__", repr(function))
    code = getattr(function, "__code__", None)
    if name != "<lambda>" or code is None:
        return name
    return f"the condition in {PurePath(code.co_filename).name}:{code.co_firstlineno}"


def _usd(amount: int) -> str:
    """Return micro-USD to the cent."""
    return render_usd(round(amount, -4))


def _standing(agent: Agent) -> str:
    held = ", ".join(f"{units:g} {name}" for name, units in agent.portfolio.positions.items())
    return (
        f"  {agent.agent_id} ({agent.genome.strategy}) in {agent.layer}: {_usd(agent.equity)}"
        f", NAV {agent.nav:.4f}, {agent.trades} trades, holds {held or 'nothing'}"
    )


def _lines(event: Event) -> Iterator[str]:
    """Yield what there is to tell of an event."""
    match event:
        case e.TickSettled():
            yield from _session(event)
        case e.PositionsReduced():
            yield from (f"{_fill(one)} ({event.reason})" for one in event.fills)
        case e.EvolutionCycleComplete() | e.EvolutionFailed():
            yield _cycle(event)
        case e.CapitalAllocated() | e.CapitalReturned() | e.AllocationError():
            yield _capital(event)
        case e.ArenaOpened():
            yield f"the arena opens with {_usd(event.reserve + event.proving + event.arena)}"
        case e.NoteRecorded():
            yield f"note {event.kind}: {', '.join(f'{k} = {v}' for k, v in event.data.items())}"
        case _ if not isinstance(event, _SILENT):
            yield _life(event)


def _session(event: e.TickSettled) -> Iterator[str]:
    yield from (_fill(one) for one in event.fills)
    for order in event.refused:
        yield (
            f"{order.agent_id} may not trade {order.quantity:g} {order.instrument}: {order.reason}"
        )
    for settled in (event.real, event.virtual):
        for agent, amount in settled.bad_debt:
            yield f"{agent} owes {_usd(amount)} that it does not have"
    if event.expired:
        yield f"{', '.join(event.expired)} ends"


def _fill(fill: Fill) -> str:
    what = "buys" if fill.quantity > 0 else "sells"
    return f"{fill.agent_id} {what} {abs(fill.quantity):g} {fill.instrument} at ${fill.price:,.2f}"


def _cycle(event: e.EvolutionCycleComplete | e.EvolutionFailed) -> str:
    if isinstance(event, e.EvolutionFailed):
        return f"cycle {event.cycle} fails in step {event.step}: {event.message}"
    up, dead, born = (len(part) for part in (event.graduations, event.deaths, event.births))
    return f"cycle {event.cycle}: {up} risen, {dead} killed, {born} born"


def _capital(event: e.CapitalAllocated | e.CapitalReturned | e.AllocationError) -> str:
    if isinstance(event, e.AllocationError):
        who = f" for {event.agent_id}" if event.agent_id else ""
        amount = f" of {_usd(event.amount)}" if event.amount is not None else ""
        return f"{event.command}{amount}{who} is refused: {event.reason}"
    if isinstance(event, e.CapitalReturned):
        kind = "real" if event.book == "real" else "play money"
        return f"{event.agent_id} returns {_usd(event.amount)}, {kind} ({event.reason})"
    return f"{event.agent_id} is given {_usd(event.amount)} ({event.reason})"


def _life(event: Event) -> str:
    """Return what there is to tell of everything else; what has no sentence is named."""
    match event:
        case e.AgentSpawned():
            return f"{event.agent_id} is born ({event.strategy})"
        case e.AgentMutated():
            changes = [f"{k} {old} -> {new}" for k, (old, new) in event.changes.items()]
            return f"{event.agent_id} takes after {event.parent}: {', '.join(changes) or 'a twin'}"
        case e.AgentGraduated():
            return f"{event.agent_id} rises from {event.from_layer} to {event.to_layer}"
        case e.AgentDemoted():
            return f"{event.agent_id} goes back from {event.from_layer} to {event.to_layer}"
        case e.AgentKilled():
            return f"{event.agent_id} is killed in {event.layer}, by rule {event.rule}"
        case e.AgentFailed():
            return f"{event.agent_id} breaks, {event.kind}: {event.message}"
        case e.AgentQuarantined():
            return f"{event.agent_id} is quarantined after {event.failures} failures"
        case _:
            return _other(event)


def _other(event: Event) -> str:
    words: Sequence[str] = [
        f"{name} = {getattr(event, name)}" for name in _TOLD if hasattr(event, name)
    ]
    return f"{type(event).__name__}: {', '.join(words)}"
