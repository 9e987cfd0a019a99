"""Notify: tells somebody outside what happened, and never at the cost of the run.

The rule: the loop leaves a notice in a bounded queue and goes on; one thread carries the notices
out.  What does not get through, because nobody answers or because there is too much of it, is
counted, and the next message that gets through says how many there were.  A URL is a secret: it is
read from a file or from the environment, and no line of the log and no error shows it.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import structlog

from actors.app.daemon.addresses import address_of
from actors.app.daemon.notices import URGENT, Notice, notices_of, shortened, wanted
from actors.app.daemon.webhook import post
from actors.app.redaction import hide
from actors.journal.chain import Entry
from actors.runtime import Clock, WallClock
from arena.events import Event
from arena.exceptions import ValidationError

QUEUE_MAX = 256
TRIES = 3
BACKOFF_S = 0.5
TIMEOUT_S = 5.0
MINUTE_S = 60.0
"""Commits that may wait; how often one is tried, after which pause (doubled each time), and for how
long each time; and what a minute is."""

log = structlog.wrap_logger(logging.getLogger(__name__))


class Wish(Protocol):
    """What `[[notify]]` says: who wants to be told of what."""

    @property
    def url_file(self) -> str | None:
        """The file that holds the URL."""

    @property
    def url_env(self) -> str | None:
        """The variable that holds it."""

    @property
    def on(self) -> Sequence[str]:
        """Of what."""

    @property
    def per_minute(self) -> int:
        """Most messages in a minute."""


@dataclass(slots=True)
class _Target:
    """Somebody who is told.

    Attributes:
        place: Its number in the config, from 1: how the log calls it.
    """

    place: int
    url: str = field(repr=False)
    on: Sequence[str]
    per_minute: int
    left_out: int = 0
    sent_s: deque[float] = field(default_factory=deque)

    def admits(self, notice: Notice, now_s: float) -> bool:
        """Say whether there is a place left in this minute; the last one is for what is urgent."""
        while self.sent_s and self.sent_s[0] <= now_s - MINUTE_S:
            self.sent_s.popleft()
        kept_free = 0 if notice.event in URGENT or self.per_minute == 1 else 1
        return len(self.sent_s) < self.per_minute - kept_free


class Notifier:
    """Tells the targets of a config; where there are none it does nothing."""

    def __init__(
        self,
        wishes: Sequence[Wish],
        *,
        run: str,
        folder: Path,
        link: str | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Tell nobody anything yet.

        Args:
            wishes: The tables `[[notify]]`.
            run: The run's name, for the messages.
            folder: That of the config: a `url_file` is relative to it.
            link: Where one can look, such as the status page.
            environ: The environment; that of the process by default.
            clock: Measures the minutes.

        Raises:
            ValidationError: A URL cannot be had, or others can read it; or httpx is not installed.
        """
        self._run, self._folder, self._link, self._environ = run, folder, link, environ
        self._clock = clock or WallClock()
        self._targets = self._look_up(wishes)
        self._waiting: queue.Queue[list[Notice] | threading.Event | None] = queue.Queue(QUEUE_MAX)
        self._lost = 0  # Counted by the loop alone, and by the thread how many were told of.
        self._lost_told = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="notify", daemon=True)
        self._thread.start()

    def replace(self, wishes: Sequence[Wish]) -> None:
        """Tell others from now on: the config was read again.

        Raises:
            ValidationError: As for `Notifier`; then nothing has changed.
        """
        self._targets = self._look_up(wishes)

    def committed(self, entries: Sequence[Entry], events: Sequence[Event]) -> None:
        """Tell what was committed; a listener of `MeteredJournal`.  Never waits, never fails."""
        if self._targets:
            self._leave(notices_of(entries, events))

    def tell(self, event: str, seq: int, text: str) -> None:
        """Tell something that is in no journal.  Never waits, never fails.

        Args:
            event: One of the occasions of `[[notify]]`.
            seq: The journal's head.
            text: One line; it may not hold a secret.
        """
        if self._targets:
            self._leave([Notice(event, seq, shortened(text))])

    def flush(self, within_s: float) -> bool:
        """Wait until everything has been told, or given up; return whether it has.

        Blocks the thread that calls it.
        """
        done = threading.Event()
        try:
            self._waiting.put(done, timeout=within_s)
        except queue.Full:
            return False
        return done.wait(within_s)

    def close(self) -> None:
        """Tell nothing more; what waits is lost, and what is under way is not waited for."""
        self._over.set()
        while True:
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                break
        self._waiting.put_nowait(None)

    def _look_up(self, wishes: Sequence[Wish]) -> list[_Target]:
        if wishes and find_spec("httpx") is None:
            needed = "pip install 'treasury-arena[serve]'"
            raise ValidationError("notify", found="no httpx installed", needed=needed)
        targets = []
        for place, wish in enumerate(wishes, 1):
            url = address_of(wish, place, self._folder, self._environ)
            hide(url)
            targets.append(_Target(place, url, wish.on, wish.per_minute))
        return targets

    def _leave(self, notices: list[Notice]) -> None:
        if not notices:
            return
        try:
            self._waiting.put_nowait(notices)
        except queue.Full:
            before, self._lost = self._lost, self._lost + len(notices)
            if before.bit_length() < self._lost.bit_length():  # The first, the second, the fourth.
                log.warning("notices_left_out", count=self._lost)

    # The thread

    def _carry(self) -> None:
        while (batch := self._waiting.get()) is not None:
            if isinstance(batch, threading.Event):
                batch.set()
                continue
            lost = self._lost
            for target in self._targets:
                target.left_out += lost - self._lost_told
                self._tell_one(target, wanted(batch, target.on))
            self._lost_told = lost

    def _tell_one(self, target: _Target, notices: Sequence[Notice]) -> None:
        for notice in notices:
            now_s = self._clock.monotonic_s()
            if not target.admits(notice, now_s):
                target.left_out += 1
                continue
            target.sent_s.append(now_s)
            if self._deliver(target, self._body(target, notice)):
                target.left_out = 0
            else:
                target.left_out += 1

    def _body(self, target: _Target, notice: Notice) -> dict[str, Any]:
        text = notice.text
        if target.left_out:
            text = f"{text} ({target.left_out} more before this could not be told)"
        body = {"event": notice.event, "run": self._run, "seq": notice.seq, "text": text}
        return body | ({"link": self._link} if self._link else {})

    def _deliver(self, target: _Target, body: Mapping[str, Any]) -> bool:
        """Try a few times; return whether it was taken."""
        for attempt in range(TRIES):
            if attempt and self._over.wait(BACKOFF_S * 2 ** (attempt - 1)):
                break
            fault, again = post(target.url, body, TIMEOUT_S)
            if not fault:
                return True
            log.warning("notify_failed", target=target.place, attempt=attempt + 1, fault=fault)
            if not again:
                break
        return False
