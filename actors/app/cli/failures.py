"""What went wrong, in words and as an exit code: the only such table."""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import click

from actors.app.control.errors import ControlError
from actors.app.exits import ExitCode

DEBUG = "ARENA_DEBUG"
"""The environment variable that shows tracebacks."""

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}


@cache
def _codes() -> Mapping[type[BaseException], ExitCode]:
    """Return the table.  The first class that fits decides: a subclass stands before its parent."""
    from actors.app.control.errors import NoAnswerError, SocketTakenError
    from actors.app.http.listening import PortTakenError
    from actors.feeds import DataError
    from actors.journal.lock import LockedError
    from actors.journal.port import StorageError
    from actors.journal.schema import NewerRunError, NotARunError
    from actors.journal.store import FencedError
    from actors.runtime import AskTimeout
    from arena import exceptions

    return {
        DataError: ExitCode.DATA,
        exceptions.ValidationError: ExitCode.USAGE,  # A ConfigError is one.
        LockedError: ExitCode.LOCKED,
        SocketTakenError: ExitCode.LOCKED,
        PortTakenError: ExitCode.LOCKED,
        FencedError: ExitCode.LOCKED,
        StorageError: ExitCode.STORAGE,
        exceptions.CapitalConservationError: ExitCode.INVARIANT,
        NotARunError: ExitCode.DATA,
        NewerRunError: ExitCode.USAGE,
        exceptions.EventSourcingError: ExitCode.INVARIANT,
        AskTimeout: ExitCode.TIMED_OUT,
        NoAnswerError: ExitCode.TIMED_OUT,
        exceptions.ArenaError: ExitCode.FAILED,
    }


def wants_json(words: Sequence[str]) -> bool:
    """Return whether a command line asks for JSON, be it otherwise right or wrong."""
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options


def report(error: BaseException, *, as_json: bool) -> int:
    """Say on stderr what went wrong, with `as_json` on stdout too, and return the exit code."""
    code: int = ExitCode.USAGE
    try:
        if isinstance(error, click.ClickException):
            code = error.exit_code
            message = error.format_message()
            error.show()
        else:
            code, text = explain(error)
            message = text.removeprefix("arena: ")
            click.echo(text, err=True)
        if as_json:
            click.echo(json.dumps(failure(error, code, message)))
    except OSError:
        abandon_output()
    return code


def failure(error: BaseException, code: int, message: str) -> dict[str, Any]:
    """Return what programs are told: `error`, with its exit code, its words and its problems."""
    return {"error": {"code": int(code), "message": message, "problems": [*_problems(error)]}}


def _problems(error: BaseException) -> Iterator[dict[str, Any]]:
    """Yield each problem of a config or of a market's files."""
    for each in getattr(error, "problems", ()):
        key = getattr(each, "key", None)
        yield {"place": each.place, "key": key, "message": str(each)}


def abandon_output() -> None:
    """Let nothing be written any more, so that the interpreter's last flush is quiet too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


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
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return ExitCode.INTERRUPTED  # Before the table: an import may be what was interrupted.
    if isinstance(error, ControlError):
        return error.code.exit_code
    for kind, code in _codes().items():
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
