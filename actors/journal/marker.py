"""The marker: word of an I/O error, left beside a run for whoever opens it next.

After a failed sync nobody knows what is on the disk, and the page cache may tell a kinder story
than the platter.  So the process stops, and the next one does not begin as if nothing had happened.
"""

from __future__ import annotations

import json
import os
from glob import escape
from pathlib import Path

from actors.journal.placing import sync
from actors.journal.port import StorageError


class IoErrorLeftError(StorageError):
    """The last writer of this run ended in an I/O error."""

    def __init__(self, path: Path, words: str) -> None:
        super().__init__(
            f"the last process that wrote {str(path)!r} ended in an I/O error ({words}); look after"
            " the disk, then begin with --after-io-error: everything is read anew and checked",
            definite=True,
        )


def marker_path(database: Path) -> Path:
    """Return where word of an I/O error of `database` would be."""
    return database.with_suffix(".io-error")


def leave_marker(database: Path, error: Exception) -> None:
    """Leave word of `error`; where even that fails, `error` says so too."""
    try:
        marker = marker_path(database)
        with marker.open("w", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), "error": str(error)}, file)
            file.flush()
            os.fsync(file.fileno())
        sync(marker.parent)
    except OSError as failed:
        error.add_note(f"the marker could not be left: {failed}")


def check_marker(database: Path, *, after_io_error: bool) -> None:
    """Let a run with a marker be opened only by who knows of it; then from the device itself.

    Raises:
        IoErrorLeftError: There is a marker, and `after_io_error` is false.
    """
    marker = marker_path(database)
    if not marker.exists():
        return
    if not after_io_error:
        raise IoErrorLeftError(database, _words(marker))
    forget_cached(database)


def clear_marker(database: Path) -> None:
    """Take the marker away: the run was opened and found right."""
    marker_path(database).unlink(missing_ok=True)


def _words(marker: Path) -> str:
    try:
        return str(json.loads(marker.read_text(encoding="utf-8"))["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return "its words are lost"


def forget_cached(database: Path) -> None:
    """Have the kernel drop what it has in memory of `database`, its anchors and its bars.

    So the disk is asked.

    It must not be open in this process: closing a file gives up the locks that SQLite has on it.
    """
    wal = database.with_name(database.name + "-wal")
    beside = database.parent.glob(f"{escape(database.stem)}.*.jsonl")
    for path in (database, wal, *beside):
        if not path.exists():
            continue
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
