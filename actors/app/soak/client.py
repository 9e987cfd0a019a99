"""A client: somebody outside the process, who sends commands until he knows what became of each.

The rule: what a client wants is in its errands, not in its task.  The task may be cancelled at any
await; another one goes on where it was.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from actors.app.soak.history import Delivery, History
from actors.app.soak.process import Errand, Process
from actors.app.soak.swarm import Swarm
from actors.app.soak.wishes import Wish, draw_chore, draw_poison, draw_wish
from actors.messages.allocator import Clocked

BACKOFF_S = 0.5
"""How long a client waits at most before it sends something; each time twice as long."""


class Surroundings(Protocol):
    """What a client sees of the world.

    Attributes:
        rng: Draws everything that happens by chance.
        swarm: The faults that are on now.
        history: Where deliveries are noted.
        life: Which life of the process this is.
    """

    rng: random.Random
    swarm: Swarm
    history: History
    life: int

    async def process(self) -> Process:
        """Return the process, once it runs."""
        ...

    async def next_life(self) -> None:
        """Wait for the next life of the process."""
        ...

    def stamp(self) -> str:
        """Return what the wall clock says."""
        ...


class Goal:
    """One command that a client wants to get through.

    Attributes:
        command_id: Its id.
        life: In which life it is sent first.
        wish: The message; drawn when it is sent first.
        resolved: Whether its fate is known, or nobody cares any more.
        given_up: Whether it was told that it was not executed, and nobody tries again.
    """

    __slots__ = ("command_id", "given_up", "life", "resolved", "wish")

    def __init__(self, command_id: str, life: int) -> None:
        self.command_id = command_id
        self.life = life
        self.wish: Wish | None = None
        self.resolved = False
        self.given_up = False


class Client:
    """Sends what it wants, again and again, until it knows.

    Attributes:
        goals: What it wants, in its order.
        in_flight: What it waits for now.
    """

    def __init__(self, name: str, world: Surroundings, goals: list[Goal], *, chores: bool) -> None:
        self.name = name
        self.goals = goals
        self.in_flight: list[Delivery] = []
        self._world = world
        self._draw: Callable[[str, Process], Wish] = self._chore if chores else self._wish

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        return all(goal.resolved for goal in self.goals)

    async def run(self) -> None:
        """Pursue each goal in its turn, and now and then one that was reached long ago."""
        world = self._world
        while (goal := next((g for g in self.goals if not g.resolved), None)) is not None:
            while goal.life > world.life:
                await world.next_life()
            await self._pursue(goal)
            reached = [g for g in self.goals if g.resolved and not g.given_up]
            if reached and world.rng.random() < 0.5:
                process = await world.process()
                await self._await(self._send(world.rng.choice(reached), process), process)
            await asyncio.sleep(world.rng.random() * BACKOFF_S)

    async def _pursue(self, goal: Goal) -> None:
        world, pause_s = self._world, BACKOFF_S
        while not goal.resolved:
            process = await world.process()
            if goal.wish is None:
                goal.wish = self._draw(goal.command_id, process)
            number = world.rng.randint(1, world.swarm.copies_max)
            copies = [self._send(goal, process) for _ in range(number)]
            for delivery in copies:
                await self._await(delivery, process)
            self._conclude(goal, copies)
            if not goal.resolved:
                await asyncio.sleep(world.rng.random() * pause_s)
                pause_s = min(2 * pause_s, world.swarm.patience_s)

    def _conclude(self, goal: Goal, copies: list[Delivery]) -> None:
        """See whether the goal is reached, or given up."""
        outcomes = {delivery.outcome for delivery in copies}
        if outcomes & {"ok", "conflict", "failed"}:
            goal.resolved = True
        elif outcomes == {"not_executed"}:
            goal.resolved = goal.given_up = self._world.rng.random() < self._world.swarm.give_up

    def _send(self, goal: Goal, process: Process) -> Delivery:
        """Send the command, or another one of the same id."""
        world = self._world
        wish = goal.wish or self._draw(goal.command_id, process)
        if world.rng.random() < world.swarm.other_body:
            wish = self._draw(goal.command_id, process)
        message = wish.message
        if isinstance(message, Clocked) and not wish.poison:
            message = Clocked(message.command, world.stamp())
        delivery = world.history.begin(goal.command_id, message, poison=wish.poison)
        tellers = process.teller_names if world.rng.random() < world.swarm.teller else ()
        teller = world.rng.choice(tellers) if tellers else None
        timeout_s = world.rng.choice(world.swarm.timeout_s)
        process.send(delivery, Errand(message, wish.lane, timeout_s), teller=teller)
        return delivery

    async def _await(self, delivery: Delivery, process: Process) -> None:
        """Wait for the answer; what it is stands in the delivery."""
        reply = delivery.reply
        if reply is None:
            return
        self.in_flight.append(delivery)
        try:
            with suppress(Exception):  # `settle` says what it was.
                await reply
        finally:
            self.in_flight.remove(delivery)
        world = self._world
        # What was under way when the power went may never arrive.
        delivery.settle(reply, lost=process.cut and world.rng.random() < world.swarm.lose_reply)

    def _wish(self, command_id: str, process: Process) -> Wish:
        rng, world = self._world.rng, self._world
        if rng.random() < world.swarm.poison:
            return draw_poison(rng, command_id, world.stamp())
        return draw_wish(rng, command_id, process.allocator.treasury)

    def _chore(self, command_id: str, process: Process) -> Wish:
        world = self._world
        return draw_chore(world.rng, command_id, process.allocator.treasury, world.stamp())
