"""Stories that a trader can read, played against the core.

One line is one step; what follows `->` is what must come of it.  The name of an agent is made when
it is first raised.  Everyone may rise, trading is free, and there is one asset, COIN:

    ada rises to arena        -> at 5000        born, then raised layer by layer
    ada is given 100          -> allocated      `AllocateCapital`
    ada returns 100           -> returned       `ReturnCapital`
    ada asks for 100          -> requested      `RequestCapital`
    ada buys COIN                               with all its cash, at the next open
    COIN moves 10 %                             a day passes
    the cycle runs                              as it does every seven days
    trading halts             -> halted
    trading resumes           -> resumed
    ada holds 5000                              her equity
    the nav of ada is 1.1
    arena pool holds 85000                      and `proving pool`
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from arena import commands as c
from arena.events import (
    AllocationError,
    CapitalAllocated,
    CapitalRequested,
    CapitalReturned,
    Event,
    TradingHalted,
    TradingResumed,
)
from arena.ids import AgentId
from arena.money import MICRO, parse_usd
from arena.words import Layer
from tests.arena.builders import OPEN_GATES, World, an_experiment, round_endowment

OUTCOMES: dict[type, str] = {
    CapitalAllocated: "allocated",
    CapitalReturned: "returned",
    CapitalRequested: "requested",
    TradingHalted: "halted",
    TradingResumed: "resumed",
}


def check(story: str) -> World:
    """Play `story` and return the world at its end; a failure names the line."""
    teller = _Teller()
    for number, line in enumerate(story.strip().splitlines(), start=1):
        step, _, expected = (part.strip() for part in line.partition("->"))
        try:
            found = teller.tell(step)
        except AssertionError as error:
            pytest.fail(f"line {number}: {line.strip()}: {error}")
        if expected or (found and found.startswith("refused")):
            assert found == expected, f"line {number}: {line.strip()}: but {found}"
    return teller.world


def outcome(events: list[Event]) -> str:
    """Return in one word what came of a command."""
    for event in events:
        if isinstance(event, AllocationError):
            return f"refused: {event.reason}"
    return next(
        (word for event in events for kind, word in OUTCOMES.items() if type(event) is kind)
    )


def about(amount: str) -> object:
    """Return dollars to within ten micro-dollars: sizing leaves a few of them uninvested."""
    return pytest.approx(parse_usd(amount), abs=10)


class _Teller:
    def __init__(self) -> None:
        self.world = World.of(an_experiment(rules=OPEN_GATES, endowment=round_endowment()))
        self.names: dict[str, AgentId] = {}
        self.grammar: dict[str, Callable[..., str | None]] = {
            r"(\w+) rises to (proving|arena)": self.rise,
            r"(\w+) is given ([\d.]+)": lambda who, amount: self.ask(
                c.AllocateCapital, who, amount
            ),
            r"(\w+) returns ([\d.]+)": lambda who, amount: self.ask(c.ReturnCapital, who, amount),
            r"(\w+) asks for ([\d.]+)": lambda who, amount: self.ask(c.RequestCapital, who, amount),
            r"(\w+) buys COIN": self.buy,
            r"COIN moves (-?[\d.]+) %": self.move,
            r"the cycle runs": self.cycle,
            r"trading halts": lambda: outcome(self.world.ask(c.HaltTrading, reason="story")),
            r"trading resumes": lambda: outcome(self.world.ask(c.ResumeTrading, reason="story")),
            r"(\w+) holds ([\d.]+)": self.holds,
            r"the nav of (\w+) is ([\d.]+)": self.nav,
            r"(arena|proving) pool holds ([\d.]+)": self.pool,
        }

    def tell(self, step: str) -> str | None:
        """Play one step and return what came of it."""
        for pattern, play in self.grammar.items():
            match = re.fullmatch(pattern, step)
            if match is not None:
                return play(*match.groups())
        message = "nobody understands this step"
        raise AssertionError(message)

    def ask(self, command: Callable[..., c.Command], who: str, amount: str) -> str:
        agent_id = self.names.get(who, AgentId(who))
        return outcome(self.world.ask(command, agent_id=agent_id, amount=parse_usd(amount)))

    def rise(self, who: str, layer: str) -> str:
        if who not in self.names:
            self.names[who] = self.world.raised(Layer(layer))
            del self.world.holds[self.names[who]]
        else:
            self.world.ask(c.GraduateAgent, agent_id=self.names[who], layer=Layer(layer))
        agent = self.world.agent(self.names[who])
        assert agent.layer == layer
        return f"at {agent.equity // MICRO}"

    def buy(self, who: str) -> None:
        self.world.holds[self.names[who]] = "COIN"

    def move(self, percent: str) -> None:
        self.world.day(COIN=float(percent) / 100)

    def cycle(self) -> None:
        self.world.cycle()

    def holds(self, who: str, amount: str) -> None:
        assert self.world.agent(self.names[who]).equity == about(amount)

    def nav(self, who: str, nav: str) -> None:
        assert self.world.agent(self.names[who]).nav == pytest.approx(float(nav), abs=1e-8)

    def pool(self, layer: str, amount: str) -> None:
        assert self.world.treasury.balance(f"pool:{layer}") == about(amount)
