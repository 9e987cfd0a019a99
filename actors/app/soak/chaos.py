"""What goes wrong during one life: the power, the clients, the tellers, the crowd."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

from actors.app.soak.client import Client
from actors.app.soak.history import History
from actors.app.soak.process import Errand, Process
from actors.app.soak.swarm import Swarm
from actors.messages.allocator import CONTROL, LANES
from actors.runtime import Exit
from actors.simulator import Moment
from arena.commands import RecordNote

LIFE_S = (1.0, 4.0, 40.0)
"""A life ends after one of these at the latest."""

TO_END_S = 1.0
"""How long a cancelled task may take to end."""


class Chaos:
    """The faults of one life.

    Attributes:
        most: The most messages that were seen in the lane that is flooded.
        faults: What was found wrong.
    """

    def __init__(self, rng: random.Random, swarm: Swarm, process: Process) -> None:
        self.most = 0
        self.faults: list[str] = []
        self._rng = rng
        self._swarm = swarm
        self._process = process
        self._last: tuple[int, Moment] | None = None
        self._timers: list[asyncio.TimerHandle] = []

    async def reign(
        self,
        clients: Mapping[str, Client],
        tasks: Mapping[str, asyncio.Task[Exit]],
        history: History,
        life: int,
    ) -> None:
        """Let things go wrong until the life is over."""
        rng, swarm, process = self._rng, self._swarm, self._process
        process.journal.faults = swarm.disk
        if rng.random() < swarm.crash_in_append:
            self._last = (rng.randint(1, 4), rng.choice([*Moment]))
        end = process.end if rng.random() < swarm.clean_stop else process.cut_power
        self._later(rng.choice(LIFE_S) * rng.random(), end)
        if swarm.cancel_every_s:
            self._cancel_next(clients, tasks)
        if rng.random() < swarm.flood:
            self._later(rng.random(), self._flood, history, life)
        await process.ended
        for timer in self._timers:
            timer.cancel()

    def watch(self, moment: Moment) -> None:
        """See an append pass `moment`; it may be the last one."""
        if self._last == (self._process.journal.appends, moment):
            self._process.cut_power()

    def _later(self, delay_s: float, call: object, *args: object) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(delay_s, call, *args))  # type: ignore[arg-type]

    def _cancel_next(
        self, clients: Mapping[str, Client], tasks: Mapping[str, asyncio.Task[Exit]]
    ) -> None:
        delay_s = self._rng.expovariate(1.0 / self._swarm.cancel_every_s)
        self._later(delay_s, self._cancel, clients, tasks)

    def _cancel(
        self, clients: Mapping[str, Client], tasks: Mapping[str, asyncio.Task[Exit]]
    ) -> None:
        """Cancel somebody, wherever he is: a client or a teller, never the allocator."""
        name = self._rng.choice([*tasks, *self._process.teller_names])
        if name in tasks:
            self._process.mark_queued(clients[name].in_flight)
        task = tasks.get(name) or self._process.teller_task(name)
        if task is not None:
            task.cancel()
            self._later(TO_END_S, self._check_ended, task)
        self._cancel_next(clients, tasks)

    def _check_ended(self, task: asyncio.Task[Exit]) -> None:
        if not task.done():
            self.faults.append(f"I13 {task.get_name()} was cancelled and goes on")

    def _flood(self, history: History, life: int) -> None:
        """Send more at once than the most urgent lane holds."""
        for n in range(LANES[CONTROL] + 6):
            note = RecordNote(command_id=f"flood-{life}-{n}", kind="flood")
            delivery = history.begin(note.command_id, note, poison=False)
            self._process.send(delivery, Errand(note, CONTROL, 5.0), teller=None)
        queued = [letter for letter in self._process.allocator.mailbox if letter[3] == CONTROL]
        self.most = max(self.most, len(queued))
