"""Bodies: what was asked, as text, and read back: the type of a command, then its canonical JSON.

The same command has the same text for ever, so its hash tells whether two of one id ask for the
same, and a run that is carried out again can be told what it was told.
"""

from __future__ import annotations

import json
import sqlite3
from hashlib import sha256
from typing import Any, get_args

from actors.journal.codec import canonical
from actors.journal.schema import schema_version
from arena.commands import OPERATIONS, Command, OnBehalf
from arena.exceptions import EventSourcingError, ValidationError
from arena.experiment import from_plain
from arena.words import Action

_SINCE = 5
"""The schema from which on bodies are kept."""

_TYPES: dict[str, type[Command]] = {kind.__name__: kind for kind in get_args(Command)}


def body_of(command: object) -> str:
    """Return the text of what is asked.

    Raises:
        TypeError: Something in it has no JSON form.
        ValueError: Something in it cannot be written.
    """
    return f"{type(command).__name__}{canonical(command)}"


def body_hash(body: str) -> str:
    """Return the SHA-256 of a body."""
    return sha256(body.encode()).hexdigest()


def command_of(body: str) -> Command:
    """Return the command of which `body` is the text.

    Raises:
        EventSourcingError: It is none that this version knows.
    """
    name, brace, rest = body.partition("{")
    kind = _TYPES.get(name)
    if kind is None:
        raise EventSourcingError(f"no command is called {name!r:.80}")
    try:
        command = _read(kind, json.loads(brace + rest))
        again = body_of(command)
    except (AttributeError, LookupError, TypeError, ValueError, ValidationError) as error:
        raise EventSourcingError(f"the body of a {name} cannot be read: {error}") from error
    if again != body:
        raise EventSourcingError(f"the body of a {name} is not the one form that it has")
    return command


def _read(kind: type[Command], facts: dict[str, Any]) -> Command:
    """Return the command; what somebody wants done is of the type that the action says."""
    inner = facts.get("command") if kind is OnBehalf else None
    if inner is not None:
        facts["command"] = from_plain(OPERATIONS[Action(facts["action"])], inner)
    command: Command = from_plain(kind, facts)
    return command


def body_column(connection: sqlite3.Connection) -> str:
    """Return the column of the bodies, as SQL, whatever the run's schema."""
    return "NULL" if schema_version(connection) < _SINCE else "commands.body"
