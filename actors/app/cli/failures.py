"""What went wrong, in words and as an exit code: the only such table."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Mapping

import click

from actors.app.exits import ExitCode
from actors.feeds import DataError
from actors.journal.port import StorageError
from actors.journal.schema import NewerRunError, NotARunError
from actors.runtime import AskTimeout
from arena.exceptions import (
    ArenaError,
    CapitalConservationError,
    EventSourcingError,
    ValidationError,
)

DEBUG = "ARENA_DEBUG"
"""The environment variable that shows tracebacks."""

_CODES: Mapping[type[BaseException], ExitCode] = {
    DataError: ExitCode.DATA,
    ValidationError: ExitCode.USAGE,  # A ConfigError is one.
    StorageError: ExitCode.STORAGE,
    CapitalConservationError: ExitCode.INVARIANT,
    NotARunError: ExitCode.DATA,
    NewerRunError: ExitCode.USAGE,
    EventSourcingError: ExitCode.INVARIANT,
    AskTimeout: ExitCode.TIMED_OUT,
    ArenaError: ExitCode.FAILED,
    KeyboardInterrupt: ExitCode.INTERRUPTED,
    click.Abort: ExitCode.INTERRUPTED,
}
"""The first class that fits decides, so a subclass stands before its parent."""

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}


def explain(error: BaseException) -> tuple[ExitCode, str]:
    """Return the exit code of `error`, and what to tell the user."""
    code = _code(error)
    if code is ExitCode.INTERRUPTED:
        return code, "arena: interrupted"
    if code is None:
        return ExitCode.FAILED, _bug(error)
    message = _words(error)
    if os.environ.get(DEBUG):
        message = f"{_traceback(error)}{message}"
    return code, f"arena: {message}"


def _code(error: BaseException) -> ExitCode | None:
    for kind, code in _CODES.items():
        if isinstance(error, kind):
            return code
    if isinstance(error, OSError):
        return ExitCode.STORAGE if error.errno in _DISK else ExitCode.DATA
    return None


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _bug(error: BaseException) -> str:
    """Return one line for what nobody foresaw, or everything about it where that is wanted."""
    words = " ".join(f"{type(error).__name__}: {error}".split())
    if os.environ.get(DEBUG):
        return f"{_traceback(error)}arena: {words}; this is a bug"
    return f"arena: {words}; this is a bug: with {DEBUG}=1 it shows where"


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
