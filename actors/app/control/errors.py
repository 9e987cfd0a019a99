"""What a request can end in other than a result, sorted by what the asker then knows.

`ControlError` is the daemon's own answer: it was not done.  After `NotRunningError` it was not done
either, for nobody took the request.  After `NoAnswerError` it may have been done or not, and
the same request with the same id finds out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from actors.app.exits import ExitCode
from arena.exceptions import ArenaError


class Code(StrEnum):
    """Why a request was not done.

    Attributes:
        status: The same as a status of HTTP.
        exit_code: The same as the end of a command.
    """

    status: int
    exit_code: ExitCode

    BAD_REQUEST = "bad_request", 400, ExitCode.USAGE
    """It cannot be read, or says something that cannot be asked."""

    NOT_FOUND = "not_found", 404, ExitCode.USAGE
    """It names an agent or a strategy that is not there."""

    REFUSED = "refused", 409, ExitCode.FAILED
    """A rule is against it; the refusal is on record."""

    COMMAND_CONFLICT = "command_conflict", 409, ExitCode.FAILED
    """Its id stands for another request already."""

    OVERLOADED = "overloaded", 429, ExitCode.LOCKED
    """Too many ask at once."""

    INTERNAL_ERROR = "internal_error", 500, ExitCode.FAILED
    """The daemon has a bug; its log says more."""

    DRAINING = "draining", 503, ExitCode.LOCKED
    """The daemon is about to end."""

    NOT_RUNNING = "not_running", 503, ExitCode.LOCKED
    """There is no daemon."""

    STORAGE_FULL = "storage_full", 507, ExitCode.STORAGE
    """The disk has no room; nothing changed."""

    def __new__(cls, word: str, status: int, exit_code: ExitCode) -> Self:
        """Make a member of `word, status, exit_code`."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.status = status
        member.exit_code = exit_code
        return member


class ControlError(ArenaError):
    """The daemon did not do what it was asked.

    Attributes:
        code: Why.
        message: The same in words.
        reason: Of a refusal, the core's own word for it.
    """

    def __init__(self, code: Code, message: str, *, reason: str | None = None) -> None:
        super().__init__(f"{code}{f' ({reason})' if reason else ''}: {message}")
        self.code = code
        self.message = message
        self.reason = reason

    @property
    def status(self) -> int:
        """The status of HTTP that means the same."""
        return self.code.status


class NotRunningError(ControlError):
    """Nobody took the request: no daemon listens where it was looked for."""

    def __init__(self, where: str) -> None:
        message = f"no daemon listens at {where}; `arena serve CONFIG` starts one"
        super().__init__(Code.NOT_RUNNING, message)
        self.args = (message,)


class UnknownOutcomeError(ArenaError):
    """Nobody knows whether a request was carried out: who asked is told nothing, and finds out."""


class NoAnswerError(ArenaError):
    """The request was sent, and no answer came.

    Attributes:
        command_id: Of the request; None of one that changes nothing.
    """

    def __init__(self, what: str, command_id: str | None) -> None:
        outcome = f"; the outcome is unknown: ask again with the same --id {command_id}"
        super().__init__(f"{what}{outcome if command_id else ''}")
        self.command_id = command_id


class SocketTakenError(ArenaError):
    """Another process listens on this socket.

    Attributes:
        pid: Which one; None where the kernel does not say.
    """

    def __init__(self, path: str, pid: int | None) -> None:
        who = "another process" if pid is None else f"process {pid}"
        needed = "`arena stop` ends it, `arena serve --out` serves another run"
        super().__init__(f"{who} listens on {path!r} already; {needed}")
        self.pid = pid
