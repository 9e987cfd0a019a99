"""How soon a daemon that was killed is there again, on a journal of a million entries.

The journal begins as a real run does.  Then somebody notes something, so often that there are as
many entries as are wanted, each with its command; a snapshot stands at their end.  Then a daemon
serves the run for `TICKS` ticks and is killed, so the next one finds what any killed one leaves:
a snapshot, and ticks after it that have to be done again.

The limits are measured in the same minute: what a Python takes to import what a daemon imports, and
to read one column of every entry, warm.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from actors.app.arena import Arena
from actors.app.control.client import ControlClient
from actors.app.control.errors import ControlError, NoAnswerError, NotRunningError
from actors.app.experiment import Prepared, prepare
from actors.app.ready.process import ARENA, ServedProcess, words_of
from actors.app.snapshots import delayed_in, memories_in, take_snapshot, treasury_in
from actors.journal.chain import Head, link, run_id_of
from actors.journal.files import FILE_NAME
from actors.journal.port import Batch, CommandRow
from actors.journal.sqlite import SqliteJournal
from actors.journal.store import Store
from actors.runtime import WallClock
from arena.events import NoteRecorded
from arena.experiment import manifest
from arena.treasury import fold
from benchmarks.daemon_process import CONFIG, get, served, show, used_s, web_of
from benchmarks.replay import let_go

BEGIN_TICKS = 3
TICKS = 40
COMMIT = 5000
WITHIN_S = 300.0
IMPORTS = {
    "limit: import the writer": "import actors.app.daemon.daemon",
    "limit: import the web": "import actors.app.http.serving",
}


def make_run(folder: Path, events: int, size: int) -> None:
    """Write the run that is served; its file ends with a snapshot."""
    folder.mkdir(mode=0o700)
    prepared = prepare(CONFIG, (), now=WallClock().stamp())
    asyncio.run(_begin(folder, prepared))
    store = Store(folder / FILE_NAME)
    _fill(store, prepared, events, size)
    let_go(store)


async def _begin(folder: Path, prepared: Prepared) -> None:
    facts = manifest(prepared.experiment)
    journal = await SqliteJournal.create(folder, run_id_of(facts), facts, prepared.meta)
    async with Arena(prepared.experiment, prepared.loaded.market, journal) as arena:
        await arena.backtest(BEGIN_TICKS)
        await arena.save_snapshot()


def _fill(store: Store, prepared: Prepared, events: int, size: int) -> None:
    """Append notes of about `size` bytes until there are so many entries, then a snapshot."""
    run_id = run_id_of(manifest(prepared.experiment))
    snapshot = store.snapshots()[0]
    treasury, head = treasury_in(snapshot, prepared.experiment), store.head()
    stamp = store.read(head.seq - 1, 1)[0].timestamp
    note = NoteRecorded(kind="memo", data={"text": "x" * size})
    while head.seq < events:
        entries, commands = [], []
        for _ in range(min(COMMIT, events - head.seq)):
            name = f"memo-{head.seq:09d}"
            entries.append(link(head, run_id, note, timestamp=stamp, command_id=name))
            head = Head(entries[-1].seq, entries[-1].hash)
            digest = sha256(name.encode()).hexdigest()
            commands.append(CommandRow(name, digest, head.seq, head.seq))
        batch = (note,) * len(entries)
        store.append(Batch(tuple(entries), batch, {}, tuple(commands)))
        fold(treasury, batch)
    memories, delayed = memories_in(snapshot), delayed_in(snapshot)
    store.save_snapshot(take_snapshot(treasury, head, memories, delayed))


def measure(folder: Path, *, cold: bool) -> dict[str, float]:
    """Start a daemon on the run; return the seconds until each thing is there, and kill it.

    Args:
        folder: Of the run; a daemon was killed on it.
        cold: Whether the kernel has to read the file from the disk.
    """
    if cold:
        forget(folder / FILE_NAME)
    words = words_of(("http.bind=127.0.0.1:0", "daemon.speed=1x"))
    began = time.perf_counter()
    with ServedProcess(CONFIG, folder, *words) as daemon:
        client = ControlClient(folder / "control.sock", timeout_s=WITHIN_S)

        def took(done: Callable[[], bool]) -> float:
            while not done():
                if daemon.process.poll() is not None:
                    raise SystemExit(f"the daemon ended: {daemon.said()}")
                time.sleep(0.01)
            return round(time.perf_counter() - began, 2)

        heard = took(lambda: _status(client) is not None)
        ready = took(lambda: bool((_status(client) or {}).get("ready")))
        port = int(urlsplit((_status(client) or {})["url"]).port or 0)
        web = took(lambda: get(port, "/readyz") == http.client.OK)
        shown = took(lambda: get(port, "/api/v1/status") == http.client.OK)
        writer, child = used_s(daemon.process.pid), used_s(web_of(daemon.process.pid))
    return {
        "answers_s": heard,
        "ready_s": ready,
        "readyz_s": web,
        "api_status_s": shown,
        "writer_cpu_s": writer,
        "web_cpu_s": child,
    }


def _status(client: ControlClient) -> dict[str, Any] | None:
    try:
        return client.ask("status")
    except (NotRunningError, NoAnswerError, ControlError):
        return None  # It is not there yet.


def forget(path: Path) -> None:
    """Let the kernel forget what it has of a file in memory."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def limits(path: Path) -> Iterator[tuple[str, float]]:
    """Yield the seconds of what no daemon can be faster than, by name."""
    for name, code in IMPORTS.items():
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own words
        yield name, time.perf_counter() - began
    with closing(sqlite3.connect(path)) as connection:
        for name in ("limit: read every entry, cold", "limit: read every entry, warm"):
            if "cold" in name:
                forget(path)
            began = time.perf_counter()
            connection.execute("SELECT count(event_type) FROM events").fetchone()
            yield name, time.perf_counter() - began


def ready(base: Path, events: int, size: int, rounds: int) -> None:
    """Make the run, and print how soon a daemon is there."""
    folder = base / "run"
    began = time.perf_counter()
    make_run(folder, events, size)
    made_s = round(time.perf_counter() - began)
    mib = (folder / FILE_NAME).stat().st_size >> 20
    show({"entries": f"{events:,}", "note_bytes": size, "file_mib": mib, "made_in_s": made_s})
    with served(folder, tick=BEGIN_TICKS + TICKS) as daemon:
        daemon.daemon.kill()
    for _ in range(rounds):
        for cold in (False, True):
            show({"file": "cold" if cold else "warm", **measure(folder, cold=cold)})
    began = time.perf_counter()
    subprocess.run(  # noqa: S603 - our own words
        [*ARENA, "status", str(folder), "--json"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    show({"arena status, no daemon": f"{time.perf_counter() - began:.2f} s"})
    for name, took in limits(folder / FILE_NAME):
        show({name: f"{took:.2f} s"})
