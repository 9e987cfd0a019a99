"""What the daemon tells its service manager: ready, reloading, stopping, alive.

The rule: it speaks only where it was asked to (`NOTIFY_SOCKET`), and it does not fail: a manager
that cannot be told is no reason to stop trading.  The word `WATCHDOG=1` is said by whoever has just
seen the writer make progress, never by a timer.

Source:
    sd_notify(3), "New-Style Daemons" in daemon(7), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

import structlog

STATUS_MAX = 200
"""Characters of a status line."""

log = structlog.wrap_logger(logging.getLogger(__name__))


class ServiceManager:
    """Systemd, or whoever else listens at `NOTIFY_SOCKET`; nobody, where it is not set."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Look who is there.

        Args:
            environ: The environment; that of the process by default.
        """
        self._environ = os.environ if environ is None else environ
        self._address = _address(self._environ.get("NOTIFY_SOCKET", ""))

    @property
    def listens(self) -> bool:
        """Whether there is somebody to tell."""
        return self._address is not None

    def ready(self, status: str = "") -> bool:
        """Say that the daemon serves, be it for the first time or after a reload."""
        return self._say("READY=1", _status(status))

    def reloading(self) -> bool:
        """Say that the config is being read again; `ready` ends it."""
        usec = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
        return self._say("RELOADING=1", f"MONOTONIC_USEC={usec}")

    def stopping(self, status: str = "") -> bool:
        """Say that the daemon drains and will end."""
        return self._say("STOPPING=1", _status(status))

    def status(self, text: str) -> bool:
        """Say, in one line for people, what the daemon does."""
        return self._say(_status(text))

    def alive(self) -> bool:
        """Say that the writer made progress since the last time."""
        return self._say("WATCHDOG=1")

    def watchdog_interval_s(self) -> float | None:
        """Return how often `alive` is to be said: half of what is allowed; None if never."""
        pid = self._environ.get("WATCHDOG_PID")
        usec = self._environ.get("WATCHDOG_USEC", "")
        if not self.listens or not usec.isdecimal() or not int(usec):
            return None
        return int(usec) / 2e6 if pid in {None, "", str(os.getpid())} else None

    def _say(self, *lines: str) -> bool:
        """Send the lines that are not empty; return whether somebody took them."""
        if self._address is None:
            return False
        message = "\n".join(filter(None, lines)).encode()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
                to.settimeout(0)
                to.sendto(message, self._address)
        except OSError as error:
            log.warning("service_manager_deaf", error=str(error))
            return False
        return True


def _status(text: str) -> str:
    return f"STATUS={' '.join(text.split())[:STATUS_MAX]}" if text else ""


def _address(text: str) -> str | None:
    """Return the address of a socket; one that begins with `@` is abstract."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None
