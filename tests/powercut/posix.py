"""The few calls of `os` that the anchors make, on the model disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from tests.powercut.disk import Disk, DiskError


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except DiskError as error:
        number = errno.ENOSPC if error.code == "SQLITE_FULL" else errno.EIO
        raise OSError(number, os.strerror(number)) from error


class DiskOs:
    """Stands where the module `os` stood; a handle is a file of the disk."""

    strerror = staticmethod(os.strerror)
    O_RDWR, O_CREAT, O_CLOEXEC, O_NOFOLLOW = os.O_RDWR, os.O_CREAT, os.O_CLOEXEC, os.O_NOFOLLOW

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    @_as_os_error()
    def open(self, path: Path, flags: int, mode: int) -> int:
        return self._disk.open(path.name, create=bool(flags & os.O_CREAT))

    @_as_os_error()
    def fstat(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(st_size=self._disk.size(handle))

    @_as_os_error()
    def pread(self, handle: int, amount: int, offset: int) -> bytes:
        return self._disk.read(handle, offset, amount)

    @_as_os_error()
    def pwrite(self, handle: int, data: bytes, offset: int) -> int:
        """Where there is room for a part of it, that part is written, and this is no error."""
        try:
            self._disk.write(handle, offset, data)
        except DiskError as error:
            if error.code == "SQLITE_FULL" and error.done:
                return error.done
            raise
        return len(data)

    @_as_os_error()
    def ftruncate(self, handle: int, size: int) -> None:
        self._disk.truncate(handle, size)

    @_as_os_error()
    def fsync(self, handle: int) -> None:
        self._disk.sync(handle)

    def close(self, handle: int) -> None:
        """Nothing is to be let go of: a handle is only a number."""
