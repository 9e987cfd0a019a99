"""The VFS: SQLite's operating system, which is a `Disk` and nothing else.

It has no shared memory, so a connection must be exclusive before it turns to WAL.  It promises what
SQLite takes for granted on Unix: a write touches no byte but its own.
"""

# ruff: noqa: N802  # The names are SQLite's.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import PurePath
from typing import Any

import apsw

from tests.powercut.disk import Disk, DiskError

_numbers = count()
_JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL


@contextmanager
def _as_result_code() -> Iterator[None]:
    try:
        yield
    except DiskError as error:
        raise apsw.exception_for(getattr(apsw, error.code)) from error


class DiskVfs(apsw.VFS):
    """The file system of one disk: a single folder, so only the last part of a path counts."""

    def __init__(self, disk: Disk) -> None:
        self.name = f"disk-{next(_numbers)}"
        self._disk = disk
        super().__init__(self.name, "")

    def xFullPathname(self, name: str) -> str:
        return name

    @_as_result_code()
    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        short = None if path is None else PurePath(path).name
        known = short is not None and self._disk.exists(short)
        file = self._disk.open(short, create=bool(flags[0] & apsw.SQLITE_OPEN_CREATE))
        flags[1] = flags[0]
        # Unix syncs the folder with the first sync of a journal that it made, and of no other file.
        new = bool(flags[0] & _JOURNALS) and not known
        return DiskFile(self._disk, file, new_journal=new)

    @_as_result_code()
    def xDelete(self, filename: str, syncdir: bool) -> None:
        self._disk.delete(PurePath(filename).name, sync=syncdir)

    @_as_result_code()
    def xAccess(self, pathname: str, flags: int) -> bool:
        return self._disk.exists(PurePath(pathname).name)


class DiskFile:
    """One open file."""

    def __init__(self, disk: Disk, file: int, *, new_journal: bool) -> None:
        self._disk = disk
        self._file = file
        self._new_journal = new_journal

    @_as_result_code()
    def xRead(self, amount: int, offset: int) -> bytes:
        return self._disk.read(self._file, offset, amount)

    @_as_result_code()
    def xWrite(self, data: Any, offset: int) -> None:
        self._disk.write(self._file, offset, bytes(data))

    @_as_result_code()
    def xTruncate(self, newsize: int) -> None:
        self._disk.truncate(self._file, newsize)

    @_as_result_code()
    def xSync(self, flags: int) -> None:
        self._disk.sync(self._file, directory=self._new_journal)
        self._new_journal = False

    @_as_result_code()
    def xFileSize(self) -> int:
        return self._disk.size(self._file)

    @_as_result_code()
    def xLock(self, level: int) -> None:
        self._disk.note("lock", self._file)

    @_as_result_code()
    def xUnlock(self, level: int) -> None:
        self._disk.note("unlock", self._file)

    def xClose(self) -> None:
        """Closing writes nothing, and SQLite would not ask whether it worked."""

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE
