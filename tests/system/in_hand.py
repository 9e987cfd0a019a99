"""A daemon in hand: everything between its requests and its journal, without a process of its own.

Real files, a real socket, no web.  Time is under the test's hand: the clock of the run stands still
until somebody lets it go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from actors.app.control.requests import ARGS, Args, Op, Request
from actors.app.daemon.daemon import Daemon
from actors.app.daemon.serving import prepare_serving
from actors.app.daemon.status import READY, State
from actors.journal.reader import open_run
from actors.runtime import Clock, Exit, WallClock, spawn
from actors.runtime.tasks import wait_ended
from arena.events import Event

CONFIG = """
[run]
name = "small"
days = 30
[market]
warmup_days = 40
[population]
agents = 6
baselines = ["cash"]
[evolution]
cycle_days = 5
[ladder]
gate_required = false
"""


@asynccontextmanager
async def served(
    config: Path, *sets: str, paused: bool = True, clock: Clock | None = None
) -> AsyncIterator[Daemon]:
    """Serve `config` in the folder beside it, and stop in the end; what it raises is raised."""
    out = config.parent / "run"
    serving = prepare_serving(config, sets, out, paused=paused, web=False)
    daemon = Daemon(serving, clock or WallClock())
    ended: list[Exit] = []
    task = spawn("daemon", daemon.run, on_exit=ended.append)
    try:
        await until(lambda: bool(ended) or daemon.life.state in READY | {State.STORAGE_FULL})
        yield daemon
    finally:
        daemon.life.stop()
        assert await wait_ended(task, 30)
    if ended[0].error is not None:
        raise ended[0].error


async def ask(daemon: Daemon, op: Op, key: str | None = None, **args: Any) -> dict[str, Any]:
    """Ask, and return the result."""
    known = ARGS.get(op, Args).model_validate(args)
    by, reason = ("tester", f"to {op}") if op.changes else ("", "")
    name = key or (f"{op}-1" if op.changes else None)
    reply = await daemon.handle(Request(op=op, id=name, by=by, reason=reason, args=known))
    if reply.error is not None:
        raise reply.error
    return dict(reply.result or {})


async def until(true: Callable[[], bool]) -> None:
    """Let the daemon go on until something is true of it."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  # many things can make it true
            await asyncio.sleep(0)


def history(config: Path) -> list[Event]:
    with open_run(config.parent / "run") as run:
        return [event for _, event in run.events()]
