"""The follower: keeps a replica of the run up to date, beside the requests.

The rule: the loop never waits for the journal.  Reading and applying happen in one thread of their
own, in slices; what came of a slice is shown at once and as a whole.  The follower asks the file
for its head: every `POLL_S` while something happens, and ever more rarely, down to every
`POLL_MAX_S`, while nothing does.  Nobody has to tell it anything, and nothing that it is told can
make it miss an entry.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import structlog

from actors.app.http.replica import Replica, View
from actors.app.http.source import Identity, ReplacedError, Source
from actors.journal.reader import JournalReader, open_run
from actors.journal.walk import uncollected
from actors.runtime import Exit, spawn, wait_ended
from arena.exceptions import ArenaError

POLL_S = 0.25
POLL_MAX_S = 1.0
SLICE_S = 0.25
"""How long one slice works before it is shown."""

WANTED_S = 10.0
"""For how long a board that somebody asked for is kept at hand."""

log = structlog.wrap_logger(logging.getLogger(__name__))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the replica is: `done` of `total` entries were applied."""

    done: int
    total: int


class Follower:
    """A read replica of one run.

    Attributes:
        view: The run as it was last seen; None until there is one.
        trouble: Why it cannot be read on, in words; None where it can.
        replaced: How often another run stood in the file's place.
    """

    def __init__(self, source: Source) -> None:
        """Read nothing yet."""
        self.view: View | None = None
        self.trouble: str | None = None
        self.replaced = 0
        self._source = source
        self._total = 0
        self._reader: JournalReader | None = None
        self._identity: Identity | None = None
        self._replica: Replica | None = None
        self._pool = ThreadPoolExecutor(1, "follower")
        self._task: asyncio.Task[Exit] | None = None
        self._stopping = asyncio.Event()
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def progress(self) -> Progress:
        """How far it is; `total` is what was on record when that was last looked at."""
        done = 0 if self.view is None else self.view.seq
        return Progress(done, max(done, self._total))

    def start(self) -> None:
        """Begin to follow."""
        self._task = spawn("follower", self._follow, on_exit=self._ended)

    async def stop(self) -> None:
        """End, and let go of the file."""
        self._stopping.set()
        self._wake()
        if self._task is not None:
            await wait_ended(self._task)
        await asyncio.get_running_loop().run_in_executor(self._pool, self._let_go)
        self._pool.shutdown()

    async def wait_past(self, seq: int, within_s: float) -> bool:
        """Wait until more than `seq` entries are on record, or `within_s` seconds are over.

        Returns:
            Whether they are, as far as the follower has looked.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while self._total <= seq and loop.time() < deadline and not self.stopped:
            await self.change(deadline - loop.time())
        return self._total > seq

    async def change(self, within_s: float) -> None:
        """Wait until the follower has something new to show, or `within_s` seconds are over."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(within_s, _resolve, waiter)
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiting.discard(waiter)

    @property
    def stopped(self) -> bool:
        """Whether it ends, and whoever waits for more waits in vain."""
        return self._stopping.is_set()

    async def _follow(self) -> None:
        loop, pause_s = asyncio.get_running_loop(), POLL_S
        while not self._stopping.is_set():
            before = self.progress
            await loop.run_in_executor(self._pool, self._step)
            idle = self.progress == before
            if not idle:
                self._wake()
                pause_s = POLL_S
            if idle or self.progress.done == self.progress.total:
                await self._pause(pause_s)
                pause_s = min(POLL_MAX_S, pause_s * 1.5) if idle else POLL_S

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _wake(self) -> None:
        for waiter in [*self._waiting]:
            _resolve(waiter)

    def _ended(self, ended: Exit) -> None:
        if ended.error is not None:
            self.trouble = f"the follower broke: {ended.error!r}"
            log.error("follower_broke", error=repr(ended.error))

    # What follows runs in the follower's own thread.

    def _step(self) -> None:
        """Read on for a slice, and show what came of it."""
        try:
            reader, replica = self._open()
            self._total = reader.head().seq
            self._apply(reader, replica)
            self.trouble = None
        except ReplacedError as error:
            log.warning("run_replaced", error=str(error))
            self.replaced += 1
            self._let_go()
        except (ArenaError, OSError) as error:
            if self.trouble is None:
                log.warning("run_unreadable", error=str(error))
            self.trouble = str(error)
            self._go_back()

    def _open(self) -> tuple[JournalReader, Replica]:
        identity = self._source.identity()
        if self._identity not in {None, identity}:
            raise ReplacedError("another file stands in the run's place")
        if self._reader is None:
            self._reader = open_run(self._source.path)
        self._identity = identity
        if self._replica is None:
            self._total = self._reader.head().seq
            with uncollected():
                self._replica = Replica(self._reader)
            self._show(self._replica)
        return self._reader, self._replica

    def _apply(self, reader: JournalReader, replica: Replica) -> None:
        with uncollected():
            applied = replica.advance(reader, SLICE_S)
            counted = replica.counting.look_back(reader)
            replica.navs.take_over(replica.treasury.tick)
        if applied or counted:
            self._show(replica)

    def _show(self, replica: Replica) -> None:
        view, last = View(replica), self.view
        if last is not None:
            view.wanted_at = last.wanted_at
        if time.monotonic() - view.wanted_at < WANTED_S:
            view.rank()  # So that nobody waits for it.
        self.view = view

    def _go_back(self) -> None:
        """After an entry that does not fit: be again what is shown."""
        if self._replica is not None and self.view is not None:
            self._replica.rewind(self.view)

    def _let_go(self) -> None:
        """Forget the file; what is shown stays until there is something else."""
        if self._reader is not None:
            self._reader.close()
        self._reader = self._replica = self._identity = None


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
