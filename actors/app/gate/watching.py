"""Who watches a strategy's code while it runs: what does it reach for that it was not handed?

Three kinds of eyes.  A profile hook sees every call of a C function, under whatever name it was
imported: clocks, files, sockets, processes, threads, the environment.  The states of the global
generators are compared before and after: whoever drew from them moved them.  In a process that is
there for the gate alone, an audit hook sees what C code opens by itself; it can never be taken off
again, so nobody else gets it.

What an `import` does is left alone: a module may be imported late.  So is what others do in the
middle of a step: no garbage is collected there, whose finalizers, and whoever listens to the
collector, would do it in the strategy's name; and when that happens depends on all that the process
ever did.
"""

from __future__ import annotations

import io
import os
import random
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import PurePath
from types import CodeType, FrameType, ModuleType
from typing import Any, TypeVar

import numpy as np

from actors.journal.walk import uncollected

T = TypeVar("T")

_CLOCK = frozenset(
    {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"}
    | {"process_time", "process_time_ns", "thread_time", "thread_time_ns", "clock_gettime"}
    | {"clock_gettime_ns"}
)
_ALL: frozenset[str] = frozenset()

_CALLS: Mapping[str, frozenset[str]] = {
    "time": _CLOCK,
    "io": frozenset({"open", "open_code"}),
    "_io": frozenset({"open", "open_code"}),
    "builtins": frozenset({"input", "print"}),
    "posix": _ALL,
    "nt": _ALL,
    "gc": _ALL,
    "_asyncio": _ALL,
    "_ctypes": _ALL,
    "_posixsubprocess": _ALL,
    "_socket": _ALL,
    "_sqlite3": _ALL,
    "_thread": frozenset({"start_new_thread", "start_joinable_thread"}),
    "select": _ALL,
}
"""C module -> its functions that are not for strategies; all of them where none is named."""

_HARMLESS = frozenset({"fspath"})
_NOW = frozenset({"now", "today", "utcnow"})

_AUDITED = (
    "open", "socket.", "subprocess.", "os.", "shutil.", "urllib.", "http.", "ftplib.", "smtplib.",
    "sqlite3.", "ctypes.", "gc.", "signal.", "mmap.", "_thread.start",
)  # fmt: skip
"""Beginnings of the names of audit events that are not for strategies."""

_ENVIRON = type(os.environ)
_CODES: Mapping[CodeType, str] = {
    socket.socket.__init__.__code__: "socket.socket",
    _ENVIRON.__getitem__.__code__: "os.environ[...]",
    _ENVIRON.__setitem__.__code__: "os.environ[...]",
    _ENVIRON.__delitem__.__code__: "os.environ[...]",
    _ENVIRON.__iter__.__code__: "os.environ[...]",
}
"""Code of Python's library -> the name of what it does."""

_SEED_CODE = random.Random.seed.__code__
_GLOBAL: object = vars(random)["_inst"]
_OURS = ("actors.runtime", "importlib")
_LIBRARY = os.path.dirname(os.__file__)


class Watch:
    """Watches the calls that are made through it.

    Attributes:
        found: What was reached for first, and where; None while nothing was.
    """

    def __init__(self, file: str | None = None) -> None:
        """Watch nothing yet.

        Args:
            file: The strategy's own: what that does while it is imported is no import's doing.
        """
        self.found: str | None = None
        self._armed = False
        self._file = file

    def call(self, step: Callable[..., T], *args: Any) -> T:
        """Return `step(...)`, watched."""
        before, hook = _generators(), sys.getprofile()
        with uncollected():
            self._armed = True
            sys.setprofile(self._profile)
            try:
                return step(*args)
            finally:
                sys.setprofile(hook)
                self._armed = False
                for name, state in _generators().items():
                    if state != before[name]:
                        self._note(f"draws from the global generator of {name}", None)

    def listen(self) -> None:
        """Hear of what C code does too, for as long as this process lives."""
        sys.addaudithook(self._audit)

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "c_call":
            name = _reached(arg)
        elif event == "call":
            name = _entered(frame)
        else:
            return
        if name is not None:
            self._note(f"calls {name}", frame)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        del args
        if self._armed and event.startswith(_AUDITED):
            self._note(f"does {event}", sys._getframe(1))  # noqa: SLF001  # its only name

    def _note(self, what: str, frame: FrameType | None) -> None:
        if self.found is None and not self._is_ours(frame):
            self.found = f"{what}{_place(frame)}"

    def _is_ours(self, frame: FrameType | None) -> bool:
        """Return whether a call is an import's, the gate's own, or of the alarm that bounds it."""
        while frame is not None and frame.f_code.co_filename != self._file:
            if frame.f_globals.get("__name__", "").startswith(_OURS):
                return frame.f_code.co_name != "call"
            frame = frame.f_back
        return frame is None and self._file is not None


def _reached(function: Any) -> str | None:
    """Return the name of a C function that is not for strategies."""
    owner, name = getattr(function, "__self__", None), function.__name__
    if isinstance(owner, ModuleType):
        module = owner.__name__
        names = _CALLS.get(module)
        if names is None or name in _HARMLESS or (names and name not in names):
            return None
        return f"{'os' if module in {'posix', 'nt'} else module}.{name}"
    if isinstance(owner, type):
        return f"{owner.__name__}.{name}" if name in _NOW and issubclass(owner, date) else None
    if owner is _GLOBAL:
        return f"random.{name}"
    if isinstance(owner, io.IOBase) and not isinstance(owner, (io.StringIO, io.BytesIO)):
        return f"{name} of a file"
    return None


def _entered(frame: FrameType) -> str | None:
    """Return the name of a Python function of the library that is not for strategies."""
    if frame.f_code is _SEED_CODE:
        return "random.Random() without a seed" if frame.f_locals.get("a") is None else None
    return _CODES.get(frame.f_code)


def _place(frame: FrameType | None) -> str:
    """Return the nearest line that is not Python's own."""
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith((_LIBRARY, "<")):
            return f" ({PurePath(path).name}, line {frame.f_lineno})"
        frame = frame.f_back
    return ""


def _generators() -> Mapping[str, object]:
    """Return the states of the global generators."""
    numpys = np.random.get_state(legacy=False)["state"]
    return {"random": random.getstate(), "numpy": (numpys["key"].tobytes(), numpys["pos"])}
