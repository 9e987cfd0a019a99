"""`LiveSource`: bars as they come, each one recorded before anybody sees it.

The rule: what was recorded is the market.  A source that breaks, vanishes or says something else
costs nothing but time: the reason is kept for whoever asks whether the run is ready, and the next
look may find it well again.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from actors.app.live.download import Downloader
from actors.app.live.polling import Look, Signature, check_pollable, look, signature
from actors.app.markets import LoadedMarket
from actors.app.settings import Settings
from actors.feeds import DataError
from actors.journal.bars import BarRecorder, Bars, begin_bars
from actors.journal.marker import leave_marker
from actors.journal.port import StorageError
from actors.runtime import Clock
from arena.market import Market

log = structlog.wrap_logger(logging.getLogger(__name__))

T = TypeVar("T")


class LiveSource:
    """The growing market of one run.

    A new run looks first (`open`), and has what it found recorded (`begin`) before its database is
    made; a run that goes on takes up what is recorded (`resume`).  Then `poll`, whenever it has
    settled what there is.

    Attributes:
        bars: What is recorded; None before `begin` or `resume`.
        poll_s: Seconds from one look to the next, for whoever makes them.
        downloader: Fetches what is new before each look; None if something else does.
        reasons: Why there may be bars that it does not have, one sentence each.
        late: How many rows came after their bars had been recorded without them.
    """

    def __init__(
        self,
        settings: Settings,
        base: Path,
        *,
        clock: Clock,
        downloader: Downloader | None = None,
    ) -> None:
        """Prepare to look; no file is opened.

        Args:
            settings: Where the market is read from.
            base: The folder that paths in the config are relative to.
            clock: Says which days have closed.
            downloader: Fetches what is new before each look.

        Raises:
            ConfigError: The market is none that can grow.
        """
        check_pollable(settings)
        self.poll_s = settings.live.poll_s
        self.downloader = downloader
        self.reasons: tuple[str, ...] = ()
        self.late = 0
        self._settings = settings
        self._base = base
        self._clock = clock
        self._found: Bars | None = None
        self._recorder: BarRecorder | None = None
        self._seen: Signature = ()
        self._waiting: tuple[str, ...] = ()
        self._given = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="live-source")

    @property
    def bars(self) -> Bars | None:
        """What is recorded."""
        return None if self._recorder is None else self._recorder.bars

    async def open(self) -> LoadedMarket:
        """Look for the first time, and return what a new run begins with.

        Raises:
            DataError: The sources cannot be used, or do not have the warm-up.
        """
        failed = await self._download()
        found = await self._apart(self._look)
        self._found, self.reasons = found.bars, (*failed, *found.waiting)
        return found.loaded

    def begin(self, database: Path, run_id: str) -> None:
        """Record what `open` found; then the run's database can be made.

        Args:
            database: Where it will be; its folder exists.
            run_id: Of the run.

        Raises:
            StorageError: The disk refused.
        """
        if self._found is None:
            raise RuntimeError("nothing was found yet: open first")
        try:
            begin_bars(database, run_id, self._found)
        except OSError as error:
            raise _refused(error) from error
        self.resume(database, run_id)

    def resume(self, database: Path, run_id: str) -> None:
        """Take up what was recorded of a run.

        Raises:
            EventSourcingError: There is nothing, or it is damaged or another run's.
            StorageError: The disk refused.
        """
        try:
            self._recorder = BarRecorder(database, run_id)
        except OSError as error:
            raise _refused(error) from error
        self._given = len(self._recorder.bars.market)

    async def poll(self) -> Market | None:
        """Look for new bars, and return all there are once the new ones are on the disk.

        Returns:
            None where there is no new bar; `reasons` says whether that is as it should be.

        Raises:
            StorageError: The disk refused; what is recorded is what was.
        """
        failed = await self._download()
        recorder = await self._apart(lambda: self._advance(failed))
        market = recorder.bars.market
        if len(market) <= self._given:  # What a poll found that was cancelled is given by the next.
            return None
        self._given = len(market)
        return market

    def close(self) -> None:
        """Wait for a look that is under way, so that nothing is recorded afterwards."""
        self._thread.shutdown(cancel_futures=True)

    async def _download(self) -> tuple[str, ...]:
        return () if self.downloader is None else await self.downloader.run()

    async def _apart(self, work: Callable[[], T]) -> T:
        """Do what reads and syncs files elsewhere: whoever asks something else does not wait."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _look(self) -> Look:
        return look(self._settings, self._base, self._clock.stamp(), self.bars)

    def _advance(self, failed: tuple[str, ...]) -> BarRecorder:
        """Look, if any file or the day is another one, record what is new, and return where."""
        recorder = self._recorder
        if recorder is None:
            raise RuntimeError("nothing is recorded yet: begin or resume first")
        seen = signature(self._settings, self._base, self._clock.stamp())
        if seen == self._seen:
            self._say((*failed, *self._waiting))
            return recorder
        try:
            found = self._look()
        except DataError as error:
            self._say((*failed, str(error)))
            return recorder
        self._waiting = found.waiting
        self._say((*failed, *self._waiting))
        if found.late > self.late:
            log.warning("late_data", rows=found.late, because="their bars are known without them")
        self.late, self._seen = found.late, seen
        if len(found.bars.market) > len(recorder.bars.market):
            try:
                recorder.append(found.bars)
            except OSError as error:
                self._seen = ()
                refused = _refused(error)
                if not refused.definite:
                    leave_marker(recorder.database, error)
                raise refused from error
        return recorder

    def _say(self, reasons: tuple[str, ...]) -> None:
        """Keep the reasons, and log those that are new."""
        for reason in reasons:
            if reason not in self.reasons:
                log.warning("data_suspect", because=reason)
        self.reasons = reasons


def _refused(error: OSError) -> StorageError:
    """Return what `error` means: after one of the device, nobody knows what is on it."""
    definite = error.errno != errno.EIO
    return StorageError(f"cannot record the bars of a live run: {error}", definite=definite)
