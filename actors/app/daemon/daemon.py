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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import structlog

from actors.app.arena import Arena
from actors.app.asking import outcome_of, reveal
from actors.app.bootstrap import Start
from actors.app.control.errors import (
    Code,
    ControlError,
    SocketTakenError,
    UnknownOutcomeError,
)
from actors.app.control.requests import Reply, Request
from actors.app.daemon.inbox import Asked
from actors.app.daemon.jumps import Jumps
from actors.app.daemon.life import Life
from actors.app.daemon.opening import Opened, open_journal
from actors.app.daemon.poison import Poison
from actors.app.daemon.polling import Polling
from actors.app.daemon.reception import Reception
from actors.app.daemon.reloading import Reloading
from actors.app.daemon.serving import Serving
from actors.app.daemon.status import State
from actors.app.daemon.storage import LOOK_AGAIN_S
from actors.app.daemon.verbs import begin_cycle, carry_out
from actors.app.experiment import Saver, watchdog
from actors.app.forks import pass_fork
from actors.app.live import extend
from actors.app.redo import redo_next, unfinished_evolve
from actors.journal.lock import LockedError
from actors.journal.port import StorageError
from actors.messages.allocator import CONTROL, Probe
from actors.runtime import Clock, Outcome
from arena.commands import OnBehalf
from arena.exceptions import ValidationError
from arena.words import Action, Scalar

log = structlog.wrap_logger(logging.getLogger(__name__))

FLUSH_S = 5.0
"""How long the end of the daemon waits until everybody has been told of it."""

NOT_FOR_IT_TO_SERVE = (LockedError, SocketTakenError, ValidationError)
"""The run is another daemon's, or another config's: nothing broke, and nobody is woken for it."""


class Daemon:
    """Carries the run of `serving` out.

    Attributes:
        life: What it knows of itself.
    """

    def __init__(self, serving: Serving, clock: Clock) -> None:
        """Prepare to serve.

        Raises:
            PortTakenError: Somebody else listens on `http.bind`.
            ValidationError: Somebody who is to be notified cannot be reached.
        """
        self.life = Life(serving, clock)
        self._reloading = Reloading(self.life)
        self._reception = Reception(self.life, self._reloading.read_again)
        self._to_pause = serving.paused
        self._poison = Poison(clock)
        self._jumps = Jumps(clock)

    async def run(self) -> None:
        """Serve until told to stop.

        Raises:
            StorageError: The disk failed, and nobody knows how far.
            CapitalConservationError: Money appeared or vanished.
            PoisonedError: The same fault came too often.
            Exception: As `open_journal`, or the arena broke.
        """
        async with self.life.face:
            try:
                while not self.life.stopping:
                    await self._serve_while_there_is_room()
            except Exception as error:
                self.life.take_no_more()
                if not isinstance(error, NOT_FOR_IT_TO_SERVE):
                    seq = 0 if self.life.arena is None else self.life.arena.treasury.seq
                    text = f"the daemon ended: {type(error).__name__}"
                    self.life.notifier.tell("invariant", seq, text)
                raise
            finally:
                self.life.drained()
                await asyncio.get_running_loop().run_in_executor(
                    None, self.life.notifier.flush, FLUSH_S
                )
                self.life.notifier.close()

    def reload(self) -> None:
        """Read the config again, because a signal said so; the log has what became of it."""
        try:
            self._reloading.read_again("SIGHUP", "", dry_run=False)
        except ControlError as error:
            log.warning("reload_refused", error=str(error))

    def dump(self) -> None:
        """Log the table of actors."""
        for row in self._reception.actors():
            log.info("actor_table", **row)

    def summary(self) -> dict[str, Any]:
        """Return where the run stood when it ended."""
        found = {"folder": str(self.life.serving.folder), "tick": None, "seq": None, "hash": None}
        if self.life.arena is None:
            return found
        head, tick = self.life.arena.cast.allocator.head, self.life.arena.treasury.tick
        return {**found, "tick": tick, "seq": head.seq, "hash": head.hash}

    async def handle(self, request: Request) -> Reply:
        """Answer one request, from wherever it came."""
        return await self._reception.answer(request)

    async def probe(self) -> None:
        """Return when the writer and its disk have answered; at once where there is no writer."""
        if self.life.arena is not None:
            await reveal(self.life.arena.cast.ask_allocator, Probe(), lane=CONTROL)

    # The run

    async def _serve_while_there_is_room(self) -> None:
        """Carry the run out to its end, or until the disk is full; then wait until it is not."""
        try:
            async with open_journal(
                replace(self.life.serving, settings=self.life.settings),
                self.life.gauges,
                self.life.notifier.committed,
                clock=self.life.clock,
            ) as opened:
                if self.life.stopping:
                    return
                if self.life.opened is None:
                    await self.life.face.show(self.handle, self.probe)
                self.life.opened, self.life.market = opened, opened.loaded.market
                self.life.inbox.open()
                async with self._looking_for_bars(opened):
                    await self._carry_through(opened)
        except StorageError as error:
            if not error.definite:
                raise
            await self._wait_for_room(error)

    @asynccontextmanager
    async def _looking_for_bars(self, opened: Opened) -> AsyncIterator[None]:
        """Look for bars that are made meanwhile, where the run is one of those."""
        if opened.source is None:
            yield
            return
        self.life.polling = Polling(opened.source, self.life.clock, self.life.inbox.wake)
        try:
            yield
        finally:
            polling, self.life.polling = self.life.polling, None
            await polling.close()

    async def _wait_for_room(self, error: StorageError) -> None:
        log.error("storage_full", error=str(error))
        self.life.arena, self.life.state = None, State.STORAGE_FULL
        self.life.inbox.close(ControlError(Code.STORAGE_FULL, str(error)))
        while not self.life.stopping:
            await self.life.inbox.wait(LOOK_AGAIN_S)
            if self.life.has_room():
                return

    async def _carry_through(self, opened: Opened) -> None:
        """Carry the run out with one arena after the other: each reload of its rules needs one."""
        start: Start | None = opened.start
        begun = False
        while start is not None:
            market = self.life.market or opened.loaded.market
            experiment = start.treasury.experiment
            async with Arena(experiment, market, opened.journal, start=start) as arena:
                self.life.arena = arena
                self.life.gauges.attach(arena.cast, arena.budget)
                with watchdog(arena):
                    start = await self._catch_up(arena, opened)
                    if start is None:
                        if not begun and not self.life.stopping:
                            await self._begin(arena, opened)
                            begun = True
                        start = await self._live(arena, opened)

    async def _catch_up(self, arena: Arena, opened: Opened) -> Start | None:
        """Do again what is on record; return where another arena goes on, if one must."""
        if not opened.journal.caught_up:
            self.life.state = State.CATCHING_UP
        first = opened.start.head.seq
        self.life.todo = opened.end.seq - first
        while not opened.journal.caught_up and not self.life.stopping:
            again = await redo_next(arena, opened.journal)
            self.life.done = min(arena.treasury.seq, opened.end.seq) - first
            if isinstance(again, Start):
                return again
        if opened.fork is not None and opened.fork.seq == arena.treasury.seq:
            return await pass_fork(arena, opened.fork)
        return None

    async def _live(self, arena: Arena, opened: Opened) -> Start | None:
        """Let time go on; return where another arena goes on, or None where nobody wants one."""
        saver = Saver(arena, opened.journal)
        while not self.life.stopping:
            await self._answer_requests(arena, opened)
            await self._write_diary(opened)
            await self._take_bars(arena)
            reloaded = await self._reloading.pass_if_due(arena, opened)
            if reloaded is not None:
                return reloaded
            wait_s = self._wait_s(arena)
            if wait_s > 0:
                await self.life.inbox.wait(None if math.isinf(wait_s) else wait_s)
            elif not self.life.stopping:
                await self._tick(arena, saver)
        await self._seal(arena, saver, opened)
        return None

    async def _begin(self, arena: Arena, opened: Opened) -> None:
        """Say that time goes on from here, and finish what somebody asked for and did not get."""
        word = "started" if opened.end.seq == 0 else "resumed"
        await opened.journal.record(word, {"head_seq": arena.treasury.seq, "pid": os.getpid()})
        if await unfinished_evolve(arena, opened.journal):
            await begin_cycle(arena)
        self._reloading.begin(arena, opened.changed)
        if opened.end.seq:
            self.life.pace.begin_in(self.life.pace.interval_s - opened.idle_s)
        if self._to_pause:
            await _pause(arena)
            self._to_pause = False  # Who let it go on since wants it to, also after a full disk.
        self._wait_s(arena)
        if self.life.stopping:
            return
        self.life.face.manager.ready(f"day {arena.treasury.tick}, {self.life.state}")
        log.info(
            "serving", state=str(self.life.state), tick=arena.treasury.tick, url=self.life.face.url
        )

    async def _take_bars(self, arena: Arena) -> None:
        """Let the arena have the bars that were made since, and look for more when it is time."""
        if self.life.polling is not None:
            self.life.polling.look_if_due(self.life.settings.live.poll_s)
            found = self.life.polling.take()
            if found is not None:
                await extend(arena.cast.ask_feed, found)
                self.life.market = found

    def _wait_s(self, arena: Arena) -> float:
        """Return how long nothing is to be done, and note why; 0 where a bar is due."""
        treasury = arena.treasury
        if treasury.completed:
            self.life.state = State.COMPLETED
            return math.inf
        if not self.life.has_room():
            self.life.state = State.STORAGE_FULL
            return LOOK_AGAIN_S
        if treasury.paused:
            self.life.pace.pause()
            self.life.state = State.PAUSED
            return math.inf
        self.life.pace.resume()
        bars = arena.experiment.market.warmup + treasury.tick
        if self.life.polling is not None and bars >= len(self.life.market or ()):
            self.life.pace.skip()
            self.life.state = State.WAITING
            return self.life.polling.look_if_due(self.life.settings.live.poll_s)
        self.life.state = State.RUNNING
        return self.life.pace.due_in_s()

    async def _tick(self, arena: Arena, saver: Saver) -> None:
        """Settle the next bar; after the last one, put the end of the run on record."""
        await arena.backtest(1)
        self.life.pace.mark()
        await saver.save_if_due()
        if arena.experiment.market.ends_at(arena.treasury.tick):
            await saver.save()  # Who opens it again begins here.
            await arena.complete()
            log.info("completed", tick=arena.treasury.tick)

    async def _answer_requests(self, arena: Arena, opened: Opened) -> None:
        """Carry out what operators ask for: nobody is in the middle of anything now."""
        for asked in self.life.inbox.take():
            await self._answer_one(arena, opened, asked)

    async def _answer_one(self, arena: Arena, opened: Opened, asked: Asked) -> None:
        try:
            asked.answer(await carry_out(arena, asked.request, opened.journal))
        except ControlError as error:
            asked.fail(error)
        except Exception as error:
            if isinstance(error, StorageError) or outcome_of(error) is Outcome.UNKNOWN:
                asked.fail(UnknownOutcomeError())
                raise
            asked.fail(error)
            log.exception("request_broke_the_arena", op=str(asked.request.op))
            self._poison.note(error)

    async def _write_diary(self, opened: Opened) -> None:
        """Put on the log of the process what was done to it, and whether its clock was set."""
        jumped_s = self._jumps.since_last()
        if jumped_s:
            log.warning("clock_jumped", by_s=jumped_s)
            self.life.diary.append(("clock_jumped", {"by_s": jumped_s}))
        while self.life.diary:
            await opened.journal.record(*self.life.diary.popleft())

    async def _seal(self, arena: Arena, saver: Saver, opened: Opened) -> None:
        """Leave a snapshot and a word of the end: the next process goes on right here."""
        if not arena.treasury.completed:
            await saver.save()
        await self._write_diary(opened)
        word: dict[str, Scalar] = {
            "status": str(self.life.state),
            "head_seq": arena.treasury.seq,
            "reproducible": not arena.cast.overruns,
            "wall_s": round(self.life.uptime_s, 3),
        }
        await opened.journal.record("stopped", word)


async def _pause(arena: Arena) -> None:
    """Let the clock stand still, because `--paused` says so."""
    if not arena.treasury.paused:
        name = f"paused/{arena.treasury.seq}"  # No request has an id like that.
        await arena.send(
            OnBehalf(command_id=name, by="arena serve", reason="--paused", action=Action.PAUSE)
        )
