"""The doctor: what would keep a daemon from running well, found before it does.

The rule: it changes nothing but a file that it makes and takes away again.  A `problem` has to be
mended first; a `warning` is something to know.  Each comes with what to do.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from actors.app.control.place import SOCKET_NAME, listens
from actors.app.settings import Settings, load_settings
from actors.journal.condition import (
    SOUND_FROM,
    check_quickly,
    oddities,
    schema_of,
    sqlite_version,
    writer_of,
)
from actors.journal.files import FILE_NAME
from actors.journal.mounts import NETWORKS, filesystem_of
from actors.journal.placing import sync
from arena.exceptions import ArenaError, ValidationError

Level: TypeAlias = Literal["ok", "warning", "problem"]

PYTHON_FROM = (3, 11)
SQLITE_FROM = (3, 37, 0)
YEAR_FROM = 2020
FREE_WARN, FREE_MIN = 1 << 30, 64 << 20
"""Bytes of free disk under which it is warned, and under which nothing should begin."""

EXTRAS = {
    "serve": ("fastapi", "httpx", "prometheus_client", "uvicorn"),
    "data": ("ccxt", "pyarrow"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found.

    Attributes:
        check: What was looked at.
        level: Whether it is well.
        found: What was found.
        advice: What to do; empty where nothing is to be done.
    """

    check: str
    level: Level
    found: str
    advice: str = ""


def examine(
    target: Path | None, runs: Path, *, now: datetime, out: Path | None = None
) -> list[Finding]:
    """Look at this machine, and at a config or a run.

    Args:
        target: A `.toml` config, a run's folder, its `run.db`, or None for the machine alone.
        runs: Where the run of a config lies, in a folder of its name.
        now: What the machine's clock says.
        out: Where the run of a config lies, if not there.
    """
    found = [*look_at_machine(now)]
    if target is not None and target.suffix == ".toml":
        return [*found, *_look_at_config(target, runs, out)]
    folder = Path() if target is None else target if target.is_dir() else target.parent
    found += look_at_disk(folder)
    return found if target is None else [*found, *look_at_run(target)]


def look_at_machine(now: datetime) -> Iterator[Finding]:
    """Look at Python, SQLite, the clock and what is installed."""
    python = ".".join(map(str, sys.version_info[:3]))
    too_old = sys.version_info < PYTHON_FROM
    yield Finding("python", "problem" if too_old else "ok", python, "3.11 is needed" * too_old)
    yield _sqlite(sqlite_version())
    if now.year < YEAR_FROM:
        yield Finding("clock", "problem", now.isoformat(), "set the clock: it is before 2020")
    else:
        yield Finding("clock", "ok", now.isoformat(timespec="seconds"))
    for extra, modules in EXTRAS.items():
        missing = [name for name in modules if find_spec(name) is None]
        advice = f"pip install 'treasury-arena[{extra}]'" if missing else ""
        words = f"{', '.join(missing)} missing" if missing else "installed"
        yield Finding(f"extra {extra}", "warning" if missing else "ok", words, advice)


def _sqlite(version: tuple[int, int, int]) -> Finding:
    shown = ".".join(map(str, version))
    if version < SQLITE_FROM:
        return Finding("sqlite", "problem", shown, "3.37 is needed")
    if version < SOUND_FROM:
        advice = (
            "before 3.51.3 a WAL reset by two writers at once can spoil it: arena lets one write"
        )
        return Finding("sqlite", "warning", shown, f"{advice}, so let no other tool write a run")
    return Finding("sqlite", "ok", shown)


def look_at_disk(folder: Path) -> Iterator[Finding]:
    """Look at the disk on which `folder` lies, or would."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    kind = filesystem_of(there)
    if kind in NETWORKS:
        advice = "use a disk of this machine: arena writes no run there"
        yield Finding("file system", "problem", kind, advice)
    else:
        yield Finding("file system", "ok", kind or "unknown")
    disk = os.statvfs(there)
    free = disk.f_bavail * disk.f_frsize
    level: Level = "problem" if free < FREE_MIN else "warning" if free < FREE_WARN else "ok"
    yield Finding("free space", level, f"{free >> 20} MiB", "make room" if level != "ok" else "")
    yield _syncs(there)


def _syncs(folder: Path) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".arena-doctor-") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
            sync(folder)
    except OSError as error:
        advice = "let this user write there, on a disk that can sync"
        return Finding("fsync", "problem", f"{folder}: {error.strerror}", advice)
    return Finding("fsync", "ok", f"{folder} takes a file and syncs it")


def look_at_run(path: Path) -> Iterator[Finding]:
    """Look at a run: that it is one, ends where it should, and is nobody else's."""
    folder = path if path.is_dir() else path.parent
    database = folder / FILE_NAME if path.is_dir() else path
    try:
        yield Finding("run", "ok", f"{check_quickly(database)} events, as its anchors say")
    except (ArenaError, OSError) as error:
        yield Finding("run", "problem", str(error), "arena verify says more")
        return
    schema, newest = schema_of(database)
    if schema < newest:
        words = f"{schema} of {newest}: upgraded when it is next written, a copy stays beside it"
        yield Finding("schema", "ok", words)
    for oddity in oddities(database):
        yield Finding("beside the run", "warning", oddity)
    writer, serving = writer_of(database), listens(folder / SOCKET_NAME)
    who = "nobody" if writer is None else f"process {writer}"
    yield Finding("writer", "ok", f"{who} writes it")
    if (folder / SOCKET_NAME).exists() and not serving:
        words = "a socket on which nobody listens: it is replaced at the next start"
        yield Finding("control socket", "ok", words)
    yield from _private(folder, database)


def _private(folder: Path, database: Path) -> Iterator[Finding]:
    """Look who else can read a run or come in its way."""
    files = [path for path in sorted(folder.glob(f"{database.stem}.*")) if path.is_file()]
    for path, most in [(folder, 0o700), *((file, 0o600) for file in files)]:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & ~most & 0o7777:
            advice = f"chmod {most:o} {path}"
            yield Finding("permissions", "warning", f"{path.name or path}: {mode:04o}", advice)


def _look_at_config(path: Path, runs: Path, out: Path | None) -> Iterator[Finding]:
    try:
        settings = load_settings(path)
    except ValidationError as error:
        yield Finding("config", "problem", str(error), "arena config validate says more")
        return
    yield Finding("config", "ok", str(path))
    folder = out or runs / settings.run.name
    yield from look_at_disk(folder)
    yield from _look_at_addresses(path.parent, settings)
    socket = path.parent / settings.daemon.socket if settings.daemon.socket else None
    if listens(socket or folder / SOCKET_NAME):
        yield Finding("daemon", "ok", "it runs")
    elif settings.http.enabled:
        yield _port(settings.http.bind)
    if (folder / FILE_NAME).exists():
        findings = [*look_at_run(folder)]
        yield from findings
        if all(finding.level != "problem" for finding in findings):
            yield _compared(settings, folder, path)


def _compared(settings: Settings, folder: Path, config: Path) -> Finding:
    """Look whether the run in `folder` is the one that its config describes."""
    from actors.app.daemon.reload import compare_with_run  # noqa: PLC0415  # where it is needed
    from actors.journal.reader import open_run  # noqa: PLC0415  # the same

    try:
        with open_run(folder) as run:
            changed = compare_with_run(settings, run, place=str(config))
    except ArenaError as error:
        return Finding("rules", "problem", str(error), "mend the config, or serve another run")
    if not changed:
        return Finding("rules", "ok", "the run's are the config's")
    keys = ", ".join(each.key for each in changed)
    return Finding("rules", "ok", f"taken over when a cycle has ended: {keys}")


def _look_at_addresses(base: Path, settings: Settings) -> Iterator[Finding]:
    """Look at the secrets that a config names; none of them is shown."""
    from actors.app.daemon.addresses import address_of  # noqa: PLC0415  # where it is needed

    for place, wish in enumerate(settings.notify, 1):
        try:
            address_of(wish, place, base)
        except ValidationError as error:
            yield Finding("notify", "problem", str(error), "mend it, or take the table away")
        else:
            yield Finding("notify", "ok", f"{place}: its URL can be read")
    if settings.http.token_file:
        yield _token(base / settings.http.token_file)


def _token(path: Path) -> Finding:
    from actors.app.http.tokens import read_token  # noqa: PLC0415  # where it is needed

    try:
        read_token(path)
    except ValidationError as error:
        return Finding("token", "problem", str(error), "openssl rand -hex 32 makes one")
    return Finding("token", "ok", f"{path.name} is nobody else's")


def _port(address: str) -> Finding:
    from actors.app.http.listening import PortTakenError, listen  # noqa: PLC0415  # the same

    try:
        listen(address).close()
    except (PortTakenError, OSError) as error:
        return Finding("port", "problem", str(error), "stop who has it, or change http.bind")
    return Finding("port", "ok", f"{address} is free")
