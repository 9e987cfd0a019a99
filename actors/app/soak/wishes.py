"""What clients of a soak wish for: a mix of every command, and some that nobody can decide."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from actors.app.soak.small import COIN
from actors.messages.allocator import AGENTS, API, CONTROL, AllocatorMessage, Audit, Clocked
from arena import commands as c
from arena.agents import Agent
from arena.events import AgentFailed
from arena.ids import AgentId
from arena.money import MICRO, Money
from arena.orders import Fill
from arena.treasury import Treasury
from arena.words import Layer


class Wish(NamedTuple):
    """A message, the lane that it takes, and whether it is meant to break."""

    message: AllocatorMessage
    lane: str
    poison: bool = False


def draw_wish(rng: random.Random, command_id: str, treasury: Treasury) -> Wish:
    """Draw what an agent or somebody at the API asks for."""
    agent_id = _somebody(rng, treasury)
    amount = Money(rng.choice((1, 999_999, 250 * MICRO, 3_000 * MICRO, 10**12)) + rng.randrange(9))
    kind = rng.choices(
        ("allocate", "return", "request", "graduate", "spawn", "mutate", "kill", "halt", "note"),
        weights=(20, 12, 12, 20, 6, 4, 3, 4, 12),
    )[0]
    match kind:
        case "allocate":
            return Wish(
                c.AllocateCapital(command_id=command_id, agent_id=agent_id, amount=amount), API
            )
        case "return":
            lane = rng.choice((AGENTS, API, API))
            return Wish(
                c.ReturnCapital(command_id=command_id, agent_id=agent_id, amount=amount), lane
            )
        case "request":
            asked = rng.choice((None, amount))
            return Wish(
                c.RequestCapital(command_id=command_id, agent_id=agent_id, amount=asked), AGENTS
            )
        case "graduate":
            layer = rng.choice((Layer.PROVING, Layer.PROVING, Layer.ARENA))
            return Wish(c.GraduateAgent(command_id=command_id, agent_id=agent_id, layer=layer), API)
        case _:
            return Wish(_about_nobody(rng, kind, command_id, agent_id), API)


def _about_nobody(
    rng: random.Random, kind: str, command_id: str, agent_id: AgentId
) -> AllocatorMessage:
    match kind:
        case "spawn":
            strategy = rng.choice(("tactical-trader", "cash", "no-such-strategy"))
            return c.SpawnAgent(command_id=command_id, strategy=strategy)
        case "mutate":
            return c.MutateAgent(command_id=command_id, parent=agent_id)
        case "kill":
            return c.KillUnderperformers(command_id=command_id)
        case "halt":
            choice = rng.choice((c.HaltTrading, c.ResumeTrading, c.ResumeTrading))
            return choice(command_id=command_id, reason="soak")
        case _:
            return c.RecordNote(command_id=command_id, kind="soak", data={"n": rng.randrange(99)})


def draw_chore(rng: random.Random, command_id: str, treasury: Treasury, stamp: str) -> Wish:
    """Draw what keeps the arena going: a tick, a cycle, an audit."""
    kind = rng.choices(("tick", "cycle", "audit"), weights=(7, 2, 1))[0]
    if kind == "cycle":
        return Wish(c.RunCycle(command_id=command_id), CONTROL)
    if kind == "audit":
        return Wish(Audit(command_id), CONTROL)
    opened = treasury.marks.get(COIN, 100.0)
    closed = max(opened * (1.0 + rng.uniform(-0.06, 0.06)), 1.0)
    failed = rng.random() < 0.7
    tick = treasury.tick + rng.choices((1, 2), weights=(9, 1))[0]
    living = [agent for agent in treasury.population() if agent.trading]
    command = c.SettleTick(
        command_id=command_id,
        tick=tick,
        prices={COIN: (opened, closed)},
        fills=tuple(_fill(rng, agent, tick, opened) for agent in living if rng.random() < 0.5),
        failures=tuple(_failure(agent.agent_id, tick) for agent in living[:2] if failed),
    )
    return Wish(Clocked(command, stamp), CONTROL)


def draw_poison(rng: random.Random, command_id: str, stamp: str) -> Wish:
    """Draw something that cannot be decided; whoever sends it is to be told, and nobody else hurt.

    These come from a client with a bug: no type checker has seen them.
    """
    nonsense: Any = object()
    poisons: list[Any] = [
        c.AllocateCapital(command_id=command_id, agent_id=AgentId("g000-001"), amount=nonsense),
        c.ReturnCapital(command_id=command_id, agent_id=nonsense, amount=Money(1)),
        c.MutateAgent(command_id=command_id, parent=["unhashable"]),  # type: ignore[arg-type]
        c.HaltTrading(command_id=command_id, reason="\ud800"),
        c.GraduateAgent(command_id=command_id, agent_id={}, layer=nonsense),  # type: ignore[arg-type]
        Clocked(c.RecordNote(command_id=command_id, kind="late"), f"not a time {stamp}"),
    ]
    return Wish(rng.choice(poisons), rng.choice((CONTROL, AGENTS, API)), poison=True)


def _somebody(rng: random.Random, treasury: Treasury) -> AgentId:
    names = [*treasury.agents, *list(treasury.dead)[-1:], AgentId("nobody")]
    return names[min(int(rng.expovariate(0.5)), len(names) - 1)]


def _fill(rng: random.Random, agent: Agent, tick: int, price: float) -> Fill:
    """Buy a little or sell everything, as it looks now: it may be decided later."""
    quantity = -agent.portfolio.positions.get(COIN, 0.0)
    if quantity == 0 or rng.random() < 0.6:
        spent = max(agent.portfolio.cash, 0) * rng.uniform(0.05, 0.3)
        quantity = round(spent / MICRO / price, 6)
    cost = int(abs(quantity) * price * 1_000)
    return Fill(
        order_id=f"{tick}-{agent.agent_id}",
        agent_id=agent.agent_id,
        instrument=COIN,
        quantity=quantity,
        price=price,
        fee=Money(cost),
        slippage=Money(cost // 2),
        gas=Money(0),
    )


def _failure(agent_id: AgentId, tick: int) -> AgentFailed:
    return AgentFailed(agent_id=agent_id, tick=tick, kind="raised", message="soak")
