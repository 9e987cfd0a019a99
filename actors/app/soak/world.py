"""One seed: clients, a disk, and a process that dies at least five times while they use it.

After each death the oracle looks at what is on the disk and at what everybody was told.  At the end
the faults are switched off, and everything that is still open must be resolved.
"""

from __future__ import annotations

import asyncio
import random
import threading
from datetime import timedelta
from typing import Any

from actors.app.soak.chaos import Chaos
from actors.app.soak.client import Client, Goal
from actors.app.soak.history import History
from actors.app.soak.process import Errand, Process, Recovered, recover
from actors.app.soak.small import OPENS_AT, small
from actors.app.soak.swarm import CALM, LIVES, Swarm
from actors.app.soak.wishes import Wish
from actors.journal.chain import HASHED, genesis_hash, timestamp
from actors.messages.allocator import API, CONTROL, LANES
from actors.runtime import ActorSystem, Exit, spawn
from actors.simulator import Evidence, Moment, SimDisk, SimJournal, judge
from arena.commands import OpenArena, RunCycle

CLIENTS, GOALS = 3, 7
"""Clients of a seed besides the steward, and how many commands each one wants to get through."""

OPENER = "opener"
"""The client that opens the arena; the others come when it is done."""

LIVENESS_S = 60.0
"""How long everything may take to be resolved once the faults are off."""

LATE_S = 0.1
"""How long after its deadline an ask may end."""

JUMPS_S = (3_600, -3_600, 86_400, -86_400, 1, -40 * 365 * 86_400)
"""How far a wall clock jumps."""

CALENDAR_S = 2_000 * 365 * 86_400
"""How far many jumps may lead: years have four digits."""


class World:
    """Everything that a seed has.

    Attributes:
        rng: Draws what happens by chance.
        swarm: The faults that are on now.
        history: What was sent and what came back.
        disk: What outlives the process.
        life: Which life of the process this is, from 1.
        crashes: How many lives ended without a clean stop.
        faults: What was found wrong.
    """

    def __init__(self, seed: int, swarm: Swarm) -> None:
        self.rng = random.Random(f"world-{seed}")  # noqa: S311 - a simulation keeps no secret
        self.swarm = swarm
        self.disk = SimDisk(small().manifest)
        self.history = History(lambda: self.disk.seq)
        self.life = 0
        self.crashes = 0
        self.faults: list[str] = []
        self._jumped_s = 0
        self._stamps = {timestamp(OPENS_AT)}
        self._sightings: dict[tuple[int, int], None] = {}
        self._most = self._defied = self._waiting = self._looked_at = 0
        self._process: Process | None = None
        self._chaos: Chaos | None = None
        self._starts: asyncio.Future[None] | None = None
        self._seen = (-1, "")
        self._entries: list[dict[str, Any]] = []
        self._tasks: dict[str, asyncio.Task[Exit]] = {}
        self._clients = {client.name: client for client in self._crowd()}

    def _crowd(self) -> list[Client]:
        """Return the clients: one opens the arena, one keeps it going, the others want capital."""
        first = Goal("open", 1)
        first.wish = Wish(OpenArena(command_id="open"), API)
        crowd = [Client(OPENER, self, [first], chores=False)]
        for name in ("steward", *(f"client-{n}" for n in range(CLIENTS))):
            goals = [Goal(f"{name}-{n}", 1 + n * (LIVES + 1) // GOALS) for n in range(GOALS)]
            crowd.append(Client(name, self, goals, chores=name == "steward"))
        return crowd

    async def run(self) -> None:
        """Live, die, live again; then resolve everything, and stop."""
        threads = threading.active_count()
        self._start(self._clients[OPENER])
        while self.crashes < LIVES and not self.faults:
            await self._live()
        self.swarm = CALM
        if not self.faults:
            await self._live()
        for client in self._clients.values():
            client.goals = []
        for task in [*self._tasks.values()]:
            task.cancel()
        await asyncio.sleep(0.1)
        if threading.active_count() != threads:
            self.faults.append("I13 left behind: a thread")

    async def process(self) -> Process:
        """Return the process, once it runs."""
        while self._process is None:
            await self.next_life()
        return self._process

    async def next_life(self) -> None:
        """Wait for the next life of the process."""
        if self._starts is None:
            self._starts = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._starts)

    def stamp(self) -> str:
        """Return what the wall clock says; it may have jumped."""
        if self.rng.random() < self.swarm.clock_jump:
            jumped_s = self._jumped_s + self.rng.choice(JUMPS_S)
            self._jumped_s = min(max(jumped_s, -CALENDAR_S), CALENDAR_S)
        now_s = self._jumped_s + asyncio.get_running_loop().time()
        stamp = timestamp(OPENS_AT + timedelta(seconds=now_s))
        self._stamps.add(stamp)
        return stamp

    def _start(self, client: Client) -> None:
        def ended(exited: Exit) -> None:
            del self._tasks[client.name]
            if isinstance(exited.error, Exception):
                self.faults.append(f"I13 {client.name} broke: {exited.error!r}")
            elif not client.done:
                self._start(client)
            elif client.name == OPENER:
                for other in self._clients.values():
                    if other is not client:
                        self._start(other)

        self._tasks[client.name] = spawn(client.name, client.run, on_exit=ended)

    async def _live(self) -> None:
        """Live once: with faults until something ends it, without them until all is resolved."""
        self.life += 1
        await self.disk.restart(self.rng)
        recovered = await recover(self.disk, hash_at=self._seen[0])
        self._judge(recovered)
        journal = SimJournal(self.disk, self.rng, watch=self._watch)
        async with ActorSystem() as system:
            process = self._process = Process(system, recovered, journal)
            starts, self._starts = self._starts, None
            if starts is not None:
                starts.set_result(None)
            if self.swarm is CALM:
                await self._resolve(process)
            else:
                await self._suffer(process)
            self._process = None
        await asyncio.sleep(0.001)  # Time passes when nobody can run: every answer has arrived.
        self._look_back(process)
        if self.swarm is CALM:
            self._judge(await recover(self.disk, hash_at=self._seen[0]), last=True)

    async def _suffer(self, process: Process) -> None:
        """Let the faults come until the life is over."""
        self._chaos = Chaos(self.rng, self.swarm, process)
        await self._chaos.reign(self._clients, self._tasks, self.history, self.life)
        self.faults += self._chaos.faults
        self._most = max(self._most, self._chaos.most)
        self.crashes += process.cut or process.journal.sync_failed
        self._chaos = None

    async def _resolve(self, process: Process) -> None:
        """Wait until every client knows what became of what it wanted."""
        for n in range(int(LIVENESS_S)):
            cycle = RunCycle(command_id=f"last-{n}")
            delivery = self.history.begin(cycle.command_id, cycle, poison=False)
            process.send(delivery, Errand(cycle, CONTROL, LIVENESS_S), teller=None)
            await asyncio.sleep(1.0)
            if all(client.done for client in self._clients.values()):
                break
        self._waiting = len(process.allocator.mailbox)
        process.end()

    def _watch(self, moment: Moment) -> None:
        """See an append pass `moment`, and what readers would see now."""
        if self._process is not None:
            self._sightings[self._process.allocator.treasury.seq, self.disk.seq] = None
        if self._chaos is not None:
            self._chaos.watch(moment)

    def _look_back(self, process: Process) -> None:
        """Take note of what the life that is over has left."""
        treasury = process.allocator.treasury
        self._seen = (treasury.seq, treasury.state_hash())
        self._defied += process.journal.defied
        self.faults += [f"I13 {died}" for died in process.deaths]
        for delivery in self.history.since(self._looked_at):
            if delivery.outcome == "waiting":
                self.faults.append(f"I11 nobody ever answered {delivery.command_id}")
            if delivery.late_s > LATE_S:
                self.faults.append(
                    f"I11 {delivery.command_id} was answered {delivery.late_s} s late"
                )
            if delivery.outcome == "failed" and not delivery.poison:
                self.faults.append(f"I6 {delivery.command_id} broke: {delivery.error!r}")

        self._looked_at = len(self.history.deliveries)

    def _judge(self, recovered: Recovered, *, last: bool = False) -> None:
        """Ask the oracle."""
        rows = self.disk.rows
        new = rows.entries[len(self._entries) :]
        self._entries += [
            {name: getattr(entry, name) for name in (*HASHED, "hash")} for entry in new
        ]
        lost = [g for c in self._clients.values() for g in c.goals if last and not g.resolved]
        evidence = Evidence(
            genesis=genesis_hash(small().manifest),
            entries=self._entries,
            ledger=rows.ledger,
            commands=[*rows.commands.values()],
            endowed=small().experiment.endowment.total,
            deliveries=[delivery.row() for delivery in self.history.deliveries],
            sightings=self._sightings,
            books={str(book): held for book, held in recovered.treasury.books.items()},
            states=(self._seen[1], recovered.state_hash),
            stamps=frozenset(self._stamps),
            limits={
                f"lane {CONTROL}": (self._most, LANES[CONTROL]),
                "appends after a failed sync": (self._defied, 0),
                "messages left in the mailbox": (self._waiting, 0),
            },
            unresolved=[goal.command_id for goal in lost],
        )
        self.faults += judge(evidence)
