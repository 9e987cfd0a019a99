"""Logging, configured once and by the command line: the library never does it.

Loggers are made with `structlog.wrap_logger(logging.getLogger(__name__))`, so a program that uses
the library and configures nothing sees warnings on stderr and no more, as with any other library.

Lines go to stderr and nowhere else: whoever keeps them (journald, or logrotate with `copytruncate`)
rotates them, and no signal is needed for it.  What could be a secret is taken out of each.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime

import structlog
from structlog.typing import Processor

from actors.app.redaction import redact, scrub
from arena.exceptions import ValidationError

VARIABLE = "ARENA_LOG"
"""The environment variable that sets level and form: `debug`, `info`, `json`, `json,debug`."""

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def daemon_words(level: str) -> str:
    """Return how both processes of a daemon log: from `level` up, if `ARENA_LOG` names none.

    Lines are JSON where nobody looks at them.
    """
    said = os.environ.get(VARIABLE) or ("" if sys.stderr.isatty() else "json")
    return f"{level},{said}"  # Of two levels the later one counts.


def configure_log(words: str | None = None) -> None:
    """Send log lines to stderr.

    Args:
        words: A level (`warning` by default), `json` (from `info` up), or both with a comma
            between; None reads `ARENA_LOG`.

    Raises:
        ValidationError: A word is neither.
    """
    level, as_json = _parse(os.environ.get(VARIABLE, "") if words is None else words)
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty() and not _no_color())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    _set_level(level)
    root = logging.getLogger()
    ours = [handler for handler in root.handlers if isinstance(handler, _Stderr)]
    if ours:
        ours[0].as_json = as_json
    elif not root.handlers:
        root.addHandler(_Stderr(as_json=as_json))


def set_level(word: str) -> None:
    """Log from another level up, from now on.

    Args:
        word: `debug`, `info`, `warning` or `error`.

    Raises:
        KeyError: It is none of these.
    """
    _set_level(_LEVELS[word])


def _set_level(level: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    logging.getLogger("actors").setLevel(level)


class _Stderr(logging.Handler):
    """Writes the message alone: the traceback that asyncio likes to add is no help to a user.

    Attributes:
        as_json: Whether what other libraries say becomes JSON, too.
    """

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self.as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        text = scrub(record.getMessage())
        if self.as_json and not record.name.startswith("actors."):
            level = record.levelname.lower()
            at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
            said = {"event": text, "level": level, "logger": record.name, "timestamp": at}
            text = json.dumps({**structlog.contextvars.get_contextvars(), **said}, default=str)
        sys.stderr.write(f"{text}\n")


def _parse(words: str) -> tuple[int, bool]:
    level, as_json = None, False
    for word in filter(None, (part.strip().lower() for part in words.split(","))):
        if word == "json":
            as_json = True
        elif word in _LEVELS:
            level = _LEVELS[word]
        else:
            needed = f"{', '.join(_LEVELS)} or json, with commas between"
            raise ValidationError(VARIABLE, found=word, needed=needed)
    return level or (logging.INFO if as_json else logging.WARNING), as_json


def _no_color() -> bool:
    return bool(os.environ.get("NO_COLOR"))
