"""What a daemon knows of itself while it lives: shared by those who carry it through.

It is changed on the loop alone.  `daemon.py` carries the run out, `reception.py` answers who asks,
`reloading.py` takes over a config that has changed; none of them knows another.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque

import structlog

from actors.app.arena import Arena
from actors.app.control.errors import Code, ControlError
from actors.app.daemon.face import Face
from actors.app.daemon.gauges import Gauges
from actors.app.daemon.inbox import Inbox
from actors.app.daemon.notify import Notifier
from actors.app.daemon.opening import Opened
from actors.app.daemon.polling import Polling
from actors.app.daemon.serving import Serving
from actors.app.daemon.status import State
from actors.app.daemon.storage import has_room
from actors.app.exits import ExitCode
from actors.app.live import Pace
from actors.app.settings.daemon import bar_seconds
from actors.journal.files import database_path
from actors.runtime import Clock
from arena.market import Market
from arena.words import Scalar

log = structlog.wrap_logger(logging.getLogger(__name__))

DAY_S = 86_400.0
"""What a bar lasts in the market, seconds."""


DIARY_MAX = 256
"""Lines that wait for the log of the process; with one more the oldest is left out."""


class Life:
    """One daemon.

    Attributes:
        serving: What is served.
        settings: What the config says of how it is served, and is to say of its rules.
        clock: Where the time comes from.
        gauges: What is measured.
        inbox: What operators have asked for.
        pace: When the next bar is due.
        face: What the outside sees.
        notifier: Tells people.
        arena: The arena; None before the journal is open, and while the disk is full.
        opened: The run, as it was opened last.
        market: All bars that are known; None before the journal is open.
        polling: Looks for more of them; None where all are known.
        done: How many entries of `todo` have been done again.
        todo: How many there are after the snapshot that the run began at.
        pending: Keys of rules that are in effect when the cycle under way has ended.
        diary: What is to be written into the log of the process: kind and data of each line.
        stopping: Whether it has been told to stop.
        began_s: When it began, by `clock`.
    """

    def __init__(self, serving: Serving, clock: Clock) -> None:
        """Begin; the port is taken.

        Raises:
            PortTakenError: Somebody else listens on `http.bind`.
            ValidationError: Somebody who is to be notified cannot be reached.
        """
        self.serving = serving
        self.settings = serving.settings
        self.clock = clock
        self.gauges = Gauges(database_path(serving.folder), clock=clock)
        self.inbox = Inbox()
        self.pace = Pace(clock, bar_seconds(serving.settings.daemon.speed, DAY_S))
        self.face = Face(serving, clock)
        self.notifier = Notifier(
            serving.settings.notify,
            run=serving.settings.run.name,
            folder=serving.config.parent,
            link=self.face.url,
            clock=clock,
        )
        self.arena: Arena | None = None
        self.opened: Opened | None = None
        self.market: Market | None = None
        self.polling: Polling | None = None
        self.done = self.todo = 0
        self.pending: list[str] = []
        self.diary: deque[tuple[str, dict[str, Scalar]]] = deque(maxlen=DIARY_MAX)
        self.stopping = False
        self._state = State.STARTING
        self._leaving: asyncio.TimerHandle | None = None
        self.began_s = clock.monotonic_s()

    @property
    def state(self) -> State:
        """What the daemon is doing; once it is about to end, nothing else any more."""
        return State.DRAINING if self.stopping else self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state

    @property
    def uptime_s(self) -> float:
        """Seconds since it began."""
        return self.clock.monotonic_s() - self.began_s

    def has_room(self) -> bool:
        """Return whether the disk has more room than is to be kept free."""
        return has_room(self.serving.folder, self.settings.daemon.disk_reserve_mib)

    def set_speed(self, speed: str) -> None:
        """Let bars follow each other as fast as `speed` says, from the last one on."""
        interval_s = bar_seconds(speed, DAY_S)
        if interval_s != self.pace.interval_s:
            self.pace.set_speed(interval_s)

    def stop(self, drain_s: float | None = None, *, by: str = "a signal", reason: str = "") -> None:
        """Stop at the end of what is under way, or, where that takes too long, at once.

        Said again, it can only make the end come sooner.

        Args:
            drain_s: Seconds that it may take; by default what `daemon.drain_s` says.
            by: Who says so.
            reason: Why.
        """
        within_s = self.settings.daemon.drain_s if drain_s is None else drain_s
        if not self.stopping:
            log.info("stopping", drain_s=within_s, by=by, reason=reason)
            self.diary.append(("told_to_stop", {"by": by, "reason": reason}))
            self.take_no_more()
            self._leaving = asyncio.get_running_loop().call_later(within_s, _leave_undrained)
        elif self._leaving is not None:
            loop, at_s = asyncio.get_running_loop(), self._leaving.when()
            self._leaving.cancel()
            self._leaving = loop.call_at(min(at_s, loop.time() + within_s), _leave_undrained)

    def take_no_more(self) -> None:
        """Refuse what waits and what comes: the daemon is about to end, whatever the reason."""
        self.stopping = True
        self.face.manager.stopping()
        self.inbox.close(ControlError(Code.DRAINING, "the daemon is about to end"))
        self.inbox.wake()

    def drained(self) -> None:
        """Take note that nothing is under way any more: what is left to do has its own limits."""
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None


def _leave_undrained() -> None:
    """End the process: what is on record is complete, and the next one goes on from there."""
    log.error("not_drained", doing="what was under way took too long")
    os._exit(ExitCode.TIMED_OUT)
