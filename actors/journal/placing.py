"""Placing: a file gets its name when it is whole and on the disk, and never replaces another."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UNLINKABLE = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP}


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yield an empty file beside `path`, for its owner alone; after the block it is at `path`.

    Who is killed meanwhile leaves `.<something>.tmp`, which means nothing.

    Raises:
        FileExistsError: Something is at `path`.
        OSError: The folder takes no file, or the disk refused.
    """
    refuse_existing(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
    os.close(handle)
    building = Path(name)
    try:
        yield building
        sync(building)
        _publish(building, path)
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):  # SQLite on a full disk leaves some.
            building.with_name(building.name + suffix).unlink(missing_ok=True)
    sync(path.parent)


def refuse_existing(path: Path) -> None:
    """Refuse what would replace something.

    Raises:
        FileExistsError: Something is at `path`.
    """
    if os.path.lexists(path):
        raise FileExistsError(f"{str(path)!r} exists, and nothing is ever written over")


def sync(path: Path) -> None:
    """Have the disk take a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _publish(building: Path, path: Path) -> None:
    """Give the file its name; a link, unlike a rename, never replaces what is there."""
    try:
        os.link(building, path)
    except OSError as error:
        refuse_existing(path)
        if error.errno not in _UNLINKABLE:
            raise
        building.rename(path)  # This file system has no links: the best it can do.
