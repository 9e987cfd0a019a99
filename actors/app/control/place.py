"""Where the control socket lies, and who may come near it.

The rule: nobody but its owner can reach the socket, from its first moment on.  So its folder must
be one in which nobody else can put anything, and it listens only after its mode is set.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.app.control.errors import SocketTakenError
from arena.exceptions import ValidationError

SOCKET_NAME = "control.sock"
"""The socket's name in the folder of a run."""

PATH_MAX = 107
"""Bytes of a path that the kernel takes for a socket."""

BACKLOG = 100
"""How many may wait to be let in."""

KEY = "daemon.socket"
"""The key of the config that puts the socket somewhere else."""

_PEER = struct.Struct("3i")


def make_socket(path: Path) -> socket.socket:
    """Return a socket that listens at `path`, and does not block; only its owner can reach it.

    What a process that is dead left there is replaced.

    Raises:
        ValidationError: The path is too long, is something else than a socket, or its folder is a
            link, or others can write in it.
        SocketTakenError: Another process listens there.
        OSError: The folder takes no file.
    """
    check_length(path)
    with _own_folder(path):
        if _is_stale(path):
            path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)  # noqa: FBT003 - the one argument it has
        try:
            listener.bind(os.fspath(path))
            path.chmod(0o600)  # Nobody can connect before it listens.
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
    return listener


def check_place(path: Path) -> None:
    """Check that a socket can be made at `path`, before anything else is; none is made.

    Raises:
        ValidationError, SocketTakenError, OSError: As `make_socket`.
    """
    check_length(path)
    with _own_folder(path):
        _is_stale(path)


def check_length(path: Path) -> None:
    """Check that the kernel takes `path` for a socket.

    Raises:
        ValidationError: It is too long.
    """
    length = len(os.fsencode(path))
    if length > PATH_MAX:
        needed = f"a path of at most {PATH_MAX} bytes for the control socket, not of {length}"
        raise ValidationError(KEY, found=str(path), needed=needed)


@contextmanager
def _own_folder(path: Path) -> Iterator[None]:
    """Hold the folder of `path`, so that no two processes make a socket in it at a time."""
    folder = path.parent
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(folder, flags)
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
            raise
        needed = "a folder that is no link, for the control socket"
        raise ValidationError(KEY, found=str(folder), needed=needed) from None
    try:
        _check_owned(folder, os.fstat(handle))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SocketTakenError(str(path), None) from None
        yield
    finally:
        os.close(handle)


def _check_owned(folder: Path, found: os.stat_result) -> None:
    if found.st_uid not in {os.geteuid(), 0} or found.st_mode & 0o022:
        ours = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
        advice = f"chmod 700 {folder}" if ours else "make one of your own"
        needed = f"a folder in which nobody else can write ({advice})"
        said = f"{folder} of user {found.st_uid}, mode {stat.S_IMODE(found.st_mode):o}"
        raise ValidationError(KEY, found=said, needed=needed)


def _is_stale(path: Path) -> bool:
    """Say whether a socket lies there that nobody listens at; refuse whatever else does."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(mode):
        raise ValidationError(KEY, found=str(path), needed="a path where nothing else lies")
    check_free(path)
    return True


def check_free(path: Path) -> None:
    """Check that no process listens at `path`.

    Raises:
        SocketTakenError: One does.
    """
    pid = _knock(path)
    if pid is not None:
        raise SocketTakenError(str(path), pid or None)


def listens(path: Path) -> bool:
    """Say whether a process listens at `path`."""
    return _knock(path) is not None


def _knock(path: Path) -> int | None:
    """Return the process that listens at `path`, 0 where the kernel keeps it to itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asker:
        asker.setblocking(False)  # noqa: FBT003 - the one argument it has
        try:
            asker.connect(os.fspath(path))
        except (BlockingIOError, PermissionError):  # Its line is long, or it is not for us.
            return 0
        except OSError:
            return None
        return peer_of(asker)[0]


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Return the process and the user at the other end, as the kernel knows them."""
    size = _PEER.size
    pid, user, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return pid, user
