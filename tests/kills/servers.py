"""Killed servers: whatever their client was told is on the disk, once, and stays as it was told.

A server is killed at a moment drawn from its short life, its start included; the next one begins
with what is on the disk.  In the end one lives until every command has its answer.
"""

from __future__ import annotations

import json
import select
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.kills.children import PATIENCE_S, Child
from tests.kills.client import Client
from tests.kills.evidence import check_record
from tests.kills.server import serve, the_experiment
from tests.kills.tally import Tally

KILLS_PER_RUN = 20
LIVES = 4.0
"""A server is killed at a moment up to this many times what a short undisturbed life takes."""


def kill_servers(
    folder: Path, kills: int, seed: int, *, hasty: bool = False, show: Callable[[str], None]
) -> Tally:
    """Kill servers at `kills` moments drawn from `seed`, and check what their client was told.

    Hasty ones answer before they commit: they are the control, which has to be found out.
    """
    random, tally = Random(seed), Tally("killed server, outside client")
    spared = folder / "spared"
    spared.mkdir(parents=True)
    life_s = _finish(Client(folder / "spared-client", random), spared, tally)
    while tally.kills < kills:
        run = folder / str(tally.size)
        run.mkdir(parents=True)
        client = Client(run.with_name(f"{run.name}-client"), random)
        for _ in range(min(KILLS_PER_RUN, kills - tally.kills)):
            at = random.uniform(0.0, LIVES * life_s)
            _kill_one(client, Connected(run, hasty=hasty), at, tally)
            if client.sated:
                break
        _finish(client, run, tally)
        tally.size += 1
        show(f"{tally.kills} of {kills} kills, {tally.acked} answers, {tally.size} runs")
    return tally


def _kill_one(client: Client, server: Connected, lives_s: float, tally: Tally) -> None:
    """Let a server live so long, then kill it, and hear what it had still said."""
    until = time.monotonic() + lives_s
    client.next_life()
    incoming = talk(client, server.line, until)
    if server.child.ended(0.0):
        tally.found(f"the server ended by itself: {server.child.said()}")
    server.child.send(signal.SIGKILL)
    server.child.code()
    while _hear(client, server.line, incoming):
        pass
    server.line.close()
    tally.kills += 1


def _finish(client: Client, run: Path, tally: Tally) -> float:
    """Have everything answered by a server that lives, and compare it with what is on the disk.

    Returns:
        How many seconds the server lived.
    """
    server = Connected(run)
    client.last_life()
    incoming = talk(client, server.line, time.monotonic() + PATIENCE_S, drawing=False)
    server.line.sendall(json.dumps({"n": 0, "id": "state", "kind": "state"}).encode() + b"\n")
    while not client.state and _hear(client, server.line, incoming):
        pass
    if not client.done or server.hang_up():
        tally.found(f"{run.name}: the last server: {server.child.said()}")
    client.close()
    check_record(client, run, tally, the_experiment().endowment.total)
    return server.child.took_s


class Connected:
    """A server, and the line to it."""

    def __init__(self, run: Path, *, hasty: bool = False) -> None:
        self.line, theirs = socket.socketpair()

        def work() -> None:
            self.line.close()
            serve(run, theirs, hasty=hasty)

        self.child = Child(work, run.with_name(f"{run.name}-said"))
        theirs.close()

    def hang_up(self) -> int:
        """Close the line and return how the server ended."""
        self.line.close()
        return self.child.code()


def talk(client: Client, line: socket.socket, until: float, *, drawing: bool = True) -> bytearray:
    """Send and hear until that moment, or until all is said or the server is gone.

    Returns:
        The beginning of an answer whose end has not come.
    """
    outgoing, incoming = bytearray(), bytearray()
    while (left := until - time.monotonic()) > 0 and (drawing or not client.done):
        outgoing += b"".join(client.requests(drawing=drawing))
        readable, writable, _ = select.select([line], [line] if outgoing else [], [], left)
        try:
            del outgoing[: line.send(outgoing, socket.MSG_DONTWAIT) if writable else 0]
        except BrokenPipeError:
            break
        if readable and not _hear(client, line, incoming):
            break
    return incoming


def _hear(client: Client, line: socket.socket, incoming: bytearray) -> bool:
    """Hear what is there; return whether there can be more."""
    try:
        got = line.recv(1 << 20)
    except ConnectionResetError:  # It died with something unread, and all it said was heard.
        return False
    incoming += got
    *whole, rest = incoming.split(b"\n")
    incoming[:] = rest
    if whole:
        client.hear([bytes(each) + b"\n" for each in whole])
    return bool(got)
