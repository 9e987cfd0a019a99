"""The daemon: carries one run out for as long as it is wanted.

One loop.  Between two ticks it carries out what operators ask for; then, when the clock says so, it
settles the next bar.  So a tick is never disturbed, and a run that is done again meets every change
at the place where it was made.

    open the journal ─► catch up with the record ─► [ requests ─► tick ─► wait ] ... ─► seal

Whatever ends the process, the next one begins at the first step.  A disk without room takes the
loop back there too, as soon as there is some.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from typing import Any

import structlog

from actors.app.arena import Arena
from actors.app.asking import reveal
from actors.app.bootstrap import Start
from actors.app.control.errors import Code, ControlError
from actors.app.control.requests import Op, Reply, Request
from actors.app.daemon.face import Face
from actors.app.daemon.gauges import Gauges
from actors.app.daemon.inbox import Asked, Inbox
from actors.app.daemon.notify import Notifier
from actors.app.daemon.opening import Opened, open_journal
from actors.app.daemon.poison import Poison
from actors.app.daemon.reception import Reception
from actors.app.daemon.reloading import Reloading
from actors.app.daemon.serving import Serving
from actors.app.daemon.status import State
from actors.app.daemon.storage import LOOK_AGAIN_S, has_room
from actors.app.daemon.verbs import begin_cycle, carry_out
from actors.app.exits import ExitCode
from actors.app.experiment import Saver, watchdog
from actors.app.live import Pace
from actors.app.redo import redo_next, unfinished_evolve
from actors.app.settings import Settings
from actors.app.settings.daemon import bar_seconds
from actors.journal.files import database_path
from actors.journal.port import StorageError
from actors.messages.allocator import CONTROL, Probe
from actors.runtime import Clock
from arena.words import Scalar

log = structlog.wrap_logger(logging.getLogger(__name__))

DAY_S = 86_400.0
"""What a bar lasts in the market, seconds."""

FLUSH_S = 5.0
"""How long the end of the daemon waits until everybody has been told of it."""


class Daemon:
    """Carries the run of `serving` out.

    Attributes:
        serving: What is served.
        gauges: What is measured.
        inbox: What operators have asked for.
        pace: When the next bar is due.
        state: What the daemon is doing.
        arena: The arena; None before the journal is open, and while the disk is full.
        opened: The run, as it was opened last.
        done: How many entries of `todo` have been done again.
        todo: How many there are after the snapshot that the run began at.
    """

    def __init__(self, serving: Serving, clock: Clock) -> None:
        """Prepare to serve.

        Raises:
            PortTakenError: Somebody else listens on `http.bind`.
            ValidationError: Somebody who is to be notified cannot be reached.
        """
        self.serving = serving
        self.clock = clock
        self.gauges = Gauges(database_path(serving.folder), clock=clock)
        self.inbox = Inbox()
        self.pace = Pace(clock, bar_seconds(serving.settings.daemon.speed, DAY_S))
        self.state = State.STARTING
        self.arena: Arena | None = None
        self.opened: Opened | None = None
        self.done = self.todo = 0
        self.reloading = Reloading(self)
        self.face = Face(serving, clock)
        self.notifier = Notifier(
            serving.settings.notify,
            run=serving.settings.run.name,
            folder=serving.config.parent,
            link=self.face.url,
            clock=clock,
        )
        self._poison = Poison(clock)
        self._reception = Reception(self)
        self._stopping = False
        self._began_s = clock.monotonic_s()

    async def run(self) -> None:
        """Serve until told to stop.

        Raises:
            StorageError: The disk failed, and nobody knows how far.
            CapitalConservationError: Money appeared or vanished.
            PoisonedError: The same fault came too often.
            Exception: As `open_journal`, or the arena broke.
        """
        async with self.face:
            try:
                while not self._stopping:
                    await self._serve_while_there_is_room()
            except Exception as error:
                seq = 0 if self.arena is None else self.arena.treasury.seq
                self.notifier.tell("invariant", seq, f"the daemon ended: {type(error).__name__}")
                raise
            finally:
                await asyncio.get_running_loop().run_in_executor(None, self.notifier.flush, FLUSH_S)
                self.notifier.close()

    def stop(self, drain_s: float | None = None) -> None:
        """Stop at the end of what is under way, or, where that takes too long, at once.

        Args:
            drain_s: How long it may take; by default what `daemon.drain_s` says.
        """
        if self._stopping:
            return
        within_s = self.settings.daemon.drain_s if drain_s is None else drain_s
        log.info("stopping", drain_s=within_s)
        self._stopping, self.state = True, State.DRAINING
        self.face.manager.stopping()
        self.inbox.close(ControlError(Code.DRAINING, "the daemon is about to end"))
        self.inbox.wake()
        asyncio.get_running_loop().call_later(within_s, self._leave_undrained)

    def _leave_undrained(self) -> None:
        """End the process: what is on record is complete, and the next one goes on from there."""
        log.error("not_drained", doing="what was under way took too long")
        os._exit(ExitCode.TIMED_OUT)

    @property
    def settings(self) -> Settings:
        """What the config says, as of the last reload."""
        return self.reloading.settings

    def set_speed(self, speed: str) -> None:
        """Let bars follow each other as fast as `speed` says, from the last one on."""
        interval_s = bar_seconds(speed, DAY_S)
        if interval_s != self.pace.interval_s:
            self.pace.set_speed(interval_s)

    def _has_room(self) -> bool:
        return has_room(self.serving.folder, self.settings.daemon.disk_reserve_mib)

    def reload(self) -> None:
        """Read the config again, because a signal said so; the log has what became of it."""
        try:
            self.reloading.read_again("SIGHUP", "")
        except ControlError as error:
            log.warning("reload_refused", error=str(error))

    def dump(self) -> None:
        """Log the table of actors."""
        for row in self._reception.actors():
            log.info("actor_table", **row)

    def summary(self) -> dict[str, Any]:
        """Return where the run stood when it ended."""
        found = {"folder": str(self.serving.folder), "tick": None, "seq": None, "hash": None}
        if self.arena is None:
            return found
        head, tick = self.arena.cast.allocator.head, self.arena.treasury.tick
        return {**found, "tick": tick, "seq": head.seq, "hash": head.hash}

    async def handle(self, request: Request) -> Reply:
        """Answer one request, from wherever it came."""
        return await self._reception.answer(request)

    async def probe(self) -> None:
        """Return when the writer and its disk have answered; at once where there is no writer."""
        if self.arena is not None:
            await reveal(self.arena.cast.ask_allocator, Probe(), lane=CONTROL)

    # The run

    async def _serve_while_there_is_room(self) -> None:
        """Carry the run out to its end, or until the disk is full; then wait until it is not."""
        try:
            async with open_journal(
                self.serving, self.gauges, self.notifier.committed, now=self.clock.stamp()
            ) as opened:
                if self.opened is None:
                    await self.face.show(self.handle, self.probe)
                self.opened = opened
                self.inbox.open()
                await self._carry_through(opened)
        except StorageError as error:
            if not error.definite:
                raise
            await self._wait_for_room(error)

    async def _wait_for_room(self, error: StorageError) -> None:
        log.error("storage_full", error=str(error))
        self.arena, self.state = None, State.STORAGE_FULL
        self.inbox.close(ControlError(Code.STORAGE_FULL, str(error)))
        while not self._stopping:
            await self.inbox.wait(LOOK_AGAIN_S)
            if self._has_room():
                return

    async def _carry_through(self, opened: Opened) -> None:
        """Carry the run out with one arena after the other: each reload of its rules needs one."""
        start: Start | None = opened.start
        while start is not None:
            market = opened.loaded.market
            experiment = start.treasury.experiment
            async with Arena(experiment, market, opened.journal, start=start) as arena:
                self.arena = arena
                self.gauges.attach(arena.cast, arena.budget)
                with watchdog(arena):
                    start = await self._catch_up(arena, opened) or await self._live(arena, opened)

    async def _catch_up(self, arena: Arena, opened: Opened) -> Start | None:
        """Do again what is on record; return where another arena goes on, if one must."""
        self.state = State.CATCHING_UP
        first = opened.start.head.seq
        self.todo = opened.end.seq - first
        while not opened.journal.caught_up and not self._stopping:
            again = await redo_next(arena, opened.journal)
            self.done = min(arena.treasury.seq, opened.end.seq) - first
            if isinstance(again, Start):
                return again
        return None

    async def _live(self, arena: Arena, opened: Opened) -> Start | None:
        """Let time go on; return where another arena goes on, or None where nobody wants one."""
        saver = Saver(arena, opened.journal)
        await self._begin(arena, opened)
        while not self._stopping:
            await self._answer_requests(arena)
            reloaded = await self.reloading.pass_if_due(arena, opened)
            if reloaded is not None:
                return reloaded
            wait_s = self._wait_s(arena)
            if wait_s > 0:
                await self.inbox.wait(None if math.isinf(wait_s) else wait_s)
            else:
                await self._tick(arena, saver)
        await self._seal(arena, saver, opened)
        return None

    async def _begin(self, arena: Arena, opened: Opened) -> None:
        """Say that time goes on from here, and finish what somebody asked for and did not get."""
        word = "started" if opened.end.seq == 0 else "resumed"
        await opened.journal.record(word, {"head_seq": arena.treasury.seq, "pid": os.getpid()})
        if await unfinished_evolve(arena, opened.journal):
            await begin_cycle(arena)
        self.reloading.begin(arena, opened.changed)
        if opened.end.seq:
            self.pace.begin_in(self.pace.interval_s - opened.idle_s)
        if self.serving.paused and not arena.treasury.paused:
            await carry_out(arena, _pause_request(arena))
        self._wait_s(arena)
        self.face.manager.ready(f"day {arena.treasury.tick}, {self.state}")
        log.info("serving", state=str(self.state), tick=arena.treasury.tick, url=self.face.url)

    def _wait_s(self, arena: Arena) -> float:
        """Return how long nothing is to be done, and note why; 0 where a bar is due."""
        treasury = arena.treasury
        if treasury.completed:
            self.state = State.COMPLETED
            return math.inf
        if not self._has_room():
            self.state = State.STORAGE_FULL
            return LOOK_AGAIN_S
        if treasury.paused:
            self.pace.pause()
            self.state = State.PAUSED
            return math.inf
        self.pace.resume()
        self.state = State.RUNNING
        return self.pace.due_in_s()

    async def _tick(self, arena: Arena, saver: Saver) -> None:
        """Settle the next bar; after the last one, put the end of the run on record."""
        await arena.backtest(1)
        self.pace.mark()
        await saver.save_if_due()
        if arena.experiment.market.ends_at(arena.treasury.tick):
            await saver.save()  # Who opens it again begins here.
            await arena.complete()

    async def _answer_requests(self, arena: Arena) -> None:
        """Carry out what operators ask for: nobody is in the middle of anything now."""
        for asked in self.inbox.take():
            await self._answer_one(arena, asked)

    async def _answer_one(self, arena: Arena, asked: Asked) -> None:
        if arena.treasury.completed:
            asked.fail(ControlError(Code.REFUSED, "the run is over", reason="completed"))
            return
        try:
            asked.answer(await carry_out(arena, asked.request))
        except ControlError as error:
            asked.fail(error)
        except StorageError as error:
            asked.fail(error)
            raise
        except Exception as error:
            asked.fail(error)
            log.exception("request_broke_the_arena", op=str(asked.request.op))
            self._poison.note(error)

    async def _seal(self, arena: Arena, saver: Saver, opened: Opened) -> None:
        """Leave a snapshot and a word of the end: the next process goes on right here."""
        if not arena.treasury.completed:
            await saver.save()
        word: dict[str, Scalar] = {
            "status": str(self.state),
            "head_seq": arena.treasury.seq,
            "reproducible": not arena.cast.overruns,
            "wall_s": round(self.clock.monotonic_s() - self._began_s, 3),
        }
        await opened.journal.record("stopped", word)


def _pause_request(arena: Arena) -> Request:
    """Return what `--paused` asks for."""
    return Request(
        op=Op.PAUSE,
        id=f"paused-at-{arena.treasury.seq}",
        by="arena serve",
        reason="--paused",
    )
