"""Files that hold a secret: read where nobody else can have read or written them.

The rule: what is opened is what is judged, and nothing that stands in its place is waited for.  No
error shows what was found inside.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from arena.exceptions import ValidationError


def read_secret(path: Path, most: int) -> bytes:
    """Return the first `most` bytes of a file.

    Raises:
        ValidationError: It is no regular file of ours that nobody else may read; a link is none.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _check(path, os.fstat(number))
            return os.read(number, most)
        finally:
            os.close(number)
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise _unsafe(path, found, "a regular file that its owner can read") from error


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _unsafe(path, "no regular file", "a regular file")
    if found.st_uid != os.geteuid():
        raise _unsafe(path, f"a file of user {found.st_uid}", f"one of user {os.geteuid()}")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o177:
        raise _unsafe(path, f"mode {mode:04o}", f"mode 0600: chmod 600 {path}")


def _unsafe(path: Path, found: str, needed: str) -> ValidationError:
    return ValidationError(str(path), found=found, needed=needed)
