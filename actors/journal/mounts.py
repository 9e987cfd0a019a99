"""On what a run lies: a disk of this machine, or one that only looks like it.

The rule: no run is written on a network file system.  There, a lock may be nobody's, a sync may not
reach a disk, and the memory that SQLite's processes share is not shared: what is acknowledged could
be lost, and two could write at once.
"""

from __future__ import annotations

import os
from pathlib import Path

from arena.exceptions import ValidationError

MOUNTS = Path("/proc/self/mountinfo")
"""Where Linux says what is mounted where; elsewhere nothing is known, and nothing refused."""

NETWORKS = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre",
        "beegfs", "gpfs", "davfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs",
        "fuse.ceph", "fuse.gcsfuse", "fuse.goofys", "fuse.blobfuse2", "fuse.curlftpfs",
    }
)  # fmt: skip
"""Types of file systems whose disk is elsewhere."""


def filesystem_of(path: Path) -> str:
    """Return the type of the file system on which `path` lies, or would; empty if unknown."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place = os.path.realpath(path)
    best, kind = "", ""
    for line in lines:
        mount, found = _mount(line)
        if len(mount) >= len(best) and _holds(mount, place):  # A later one covers an earlier one.
            best, kind = mount, found
    return kind


def refuse_network(path: Path) -> None:
    """Let nothing be written at `path` if its disk is elsewhere.

    Raises:
        ValidationError: It is.
    """
    kind = filesystem_of(path)
    if kind in NETWORKS:
        needed = "a disk of this machine: locks and syncs cannot be relied on there"
        raise ValidationError(str(path), found=f"a network file system ({kind})", needed=needed)


def _mount(line: str) -> tuple[str, str]:
    """Return where something is mounted, and what: see proc_pid_mountinfo(5)."""
    before, _, after = line.partition(" - ")
    words = before.split(" ")
    if len(words) < 5 or not after:
        return "", ""
    return _unescaped(words[4]), after.split(" ")[0]


def _unescaped(text: str) -> str:
    for code, mark in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, mark)
    return text


def _holds(mount: str, place: str) -> bool:
    return place == mount or (bool(mount) and place.startswith(f"{mount.rstrip('/')}/"))
