"""A watchdog: ends a process in which nothing moves any more, and shows where it stands.

The rule: nothing is lost by it.  It ends the process as a power cut would, which whatever is kept
must survive anyway.  It counts time that it lived through itself, so a process that was stopped, or
a machine that slept, is not taken for one that hangs.

Two dogs watch, because a hang can keep the interpreter to itself.  A thread looks whether the loop
turns, or whether there is other progress; it needs the interpreter.  Behind it two timers of the
system count processor time since the thread last saw something move: one has the C handler of
`faulthandler` write every stack, the other calls the C library's own `_exit`.  Where there is no
such timer (it is Linux's) the first one's signal ends the process.
"""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

STDERR = 2
BEATS_PER_LIMIT = 30
"""How often the loop shows that it turns, and the thread looks."""

GRACE_S = 1.0
"""Between the stacks and the end, where the interpreter is not there to do one after the other."""

_CPU_CLOCK, _SIGEV_THREAD = 2, 2  # CLOCK_PROCESS_CPUTIME_ID and SIGEV_THREAD of Linux.


class Watchdog:
    """Watches the running loop from `with` to its end."""

    def __init__(
        self, limit_s: float, *, exit_code: int, progress: Callable[[], int] = lambda: 0
    ) -> None:
        """Watch nothing yet.

        Args:
            limit_s: Seconds without any movement after which the process ends.
            exit_code: What it ends with.
            progress: Something that grows while the loop does not turn and yet all is well.
        """
        self._limit_s = limit_s
        self._exit_code = exit_code
        self._progress = progress
        self._beats = 0
        self._over = threading.Event()
        self._next: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._fuse = _Fuse(exit_code)

    def __enter__(self) -> Self:
        """Begin to watch the running loop."""
        faulthandler.register(signal.SIGPROF, file=STDERR, chain=not self._fuse.burns)
        self._beat()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join()
        if self._next is not None:
            self._next.cancel()
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        self._fuse.remove()
        faulthandler.unregister(signal.SIGPROF)

    def _beat(self) -> None:
        self._beats += 1
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(self._limit_s / BEATS_PER_LIMIT, self._beat)

    def _watch(self) -> None:
        seen, missed = (-1, -1), 0
        while missed <= BEATS_PER_LIMIT:
            moved, seen = seen, (self._beats, self._progress())
            missed = missed + 1 if moved == seen else 0
            if not missed:
                signal.setitimer(signal.ITIMER_PROF, self._limit_s)
                self._fuse.light(self._limit_s + GRACE_S)
            if self._over.wait(self._limit_s / BEATS_PER_LIMIT):
                return
        faulthandler.dump_traceback(file=STDERR)
        os.write(STDERR, f"nothing has moved for {self._limit_s:g} s\n".encode())
        os._exit(self._exit_code)


class _Fuse:
    """A timer of the system that ends the process without asking the interpreter.

    Attributes:
        burns: Whether there is one here.
    """

    def __init__(self, exit_code: int) -> None:
        self._libc = ctypes.CDLL(None)
        self._timer = ctypes.c_void_p()
        end = ctypes.cast(self._libc._exit, ctypes.c_void_p).value  # noqa: SLF001 - its name in C
        event = _SigEvent(value=exit_code, notify=_SIGEV_THREAD, function=end)
        self.burns = sys.platform == "linux" and not self._libc.timer_create(
            _CPU_CLOCK, ctypes.byref(event), ctypes.byref(self._timer)
        )

    def light(self, after_s: float) -> None:
        """End the process after so many seconds of processor time, unless lit again before."""
        if self.burns:
            whole = int(after_s)
            due = (ctypes.c_long * 4)(0, 0, whole, int((after_s - whole) * 1e9))
            self._libc.timer_settime(self._timer, 0, ctypes.byref(due), None)

    def remove(self) -> None:
        """Take the timer away."""
        if self.burns:
            self._libc.timer_delete(self._timer)
            self.burns = False


class _SigEvent(ctypes.Structure):
    """`struct sigevent` of Linux on 64 bits, as `timer_create(2)` takes it."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("unused", ctypes.c_char * 32),
    )
