"""What a run that cannot be read is answered with: what it is, and what can be done about it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from actors.app.cli.calling import how_to
from actors.journal.anchors import anchors_path
from actors.journal.files import FILE_NAME, database_path
from actors.journal.schema import NewerRunError, NotARunError
from arena.exceptions import ArenaError, EventSourcingError

SHOWN = 5
"""Runs in a folder that are named."""

_SYMPTOMS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What code trips with over data that is not as it was written."""


def say_damage(error: Exception, run: str) -> None:
    """Raise what is to be said where `error` is the fault of the run at `run`; else return.

    Raises:
        NotARunError: There is no run; those inside the folder are named.
        EventSourcingError: The journal is damaged.
    """
    if isinstance(error, NotARunError):
        raise NotARunError(_no_run(error, run)) from error
    if isinstance(error, (NewerRunError, *_SYMPTOMS)):
        _look_closer(error, run)
    elif isinstance(error, EventSourcingError):
        _refuse(error, run, error.seq)


def _look_closer(error: Exception, run: str) -> None:
    """Verify the run: a changed letter can look like a newer version, or trip up the code."""
    from actors.app.proof import prove

    try:
        proof = prove(run)
    except NewerRunError as newer:
        raise NewerRunError(_as_typed(newer, run)) from error
    if not proof.ok:
        _refuse(error, run, proof.findings[0].seq)


def _no_run(error: NotARunError, run: str) -> str:
    folder = Path(run)
    if not folder.is_dir() or (folder / FILE_NAME).exists():
        return _as_typed(error, run)
    inside = sorted(str(each.parent) for each in folder.glob(f"*/{FILE_NAME}"))
    more = f" and {len(inside) - SHOWN} more" if len(inside) > SHOWN else ""
    holds = f"; it holds {', '.join(map(repr, inside[:SHOWN]))}{more}" if inside else ""
    left = anchors_path(folder / FILE_NAME).name
    gone = f"; {left} is left of one: its {FILE_NAME} is gone" if (folder / left).exists() else ""
    return f"{run!r} is a folder, and no run{holds}{gone}"


def _as_typed(error: ArenaError, run: str) -> str:
    """Return the words of `error` with the path as the user gave it."""
    return str(error).replace(repr(str(database_path(run))), repr(run))


def _refuse(error: Exception, run: str, seq: int | None) -> NoReturn:
    """Say where the journal is damaged and what shows more, which `verify` itself need not."""
    where = "" if seq is None else f" at seq {seq}"
    why = ""
    if isinstance(error, EventSourcingError):
        why = f" ({_as_typed(error, run).removeprefix(f'seq {seq}: ')})"
    command = click.get_current_context().info_name
    then = "" if command == "verify" else f": run `{how_to('verify', run)}`"
    raise EventSourcingError(f"the journal is damaged{where}{why}{then}") from error
