"""The reception: answers what only asks, at once, and lets what changes something wait its turn."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import structlog

from actors.app.control.errors import ControlError
from actors.app.control.requests import DryRunArgs, Op, Reply, Request, StopArgs
from actors.app.daemon.life import Life
from actors.app.daemon.status import (
    State,
    clock_of,
    panic_of,
    population_of,
    reasons_of,
)
from actors.journal.codec import decode
from actors.journal.reader import open_run
from arena import __version__
from arena.events import TradingHalted
from arena.treasury import Treasury
from arena.words import ALL

log = structlog.wrap_logger(logging.getLogger(__name__))

ACTORS_MAX = 10_200
"""How many actors the table shows: as many agents as a config allows, and the rest of the cast."""


class ReadAgain(Protocol):
    """Reads the config again; see `Reloading.read_again`."""

    def __call__(self, by: str, reason: str, *, dry_run: bool) -> dict[str, Any]:
        """Return what is taken over, or would be."""


class Reception:
    """Answers for a daemon."""

    def __init__(self, life: Life, read_again: ReadAgain) -> None:
        """Answer for `life`; `read_again` reads its config again."""
        self._life = life
        self._read_again = read_again
        self._stopped = (0, 0, "")

    async def answer(self, request: Request) -> Reply:
        """Answer `request`; an error that is no `ControlError` is the server's to tell."""
        try:
            return Reply(await self._answer(request))
        except ControlError as error:
            return Reply(error=error)

    async def _answer(self, request: Request) -> dict[str, Any]:
        life = self._life
        match request.op:
            case Op.STATUS:
                return self.status()
            case Op.HEALTH:
                return self.health()
            case Op.ACTORS:
                return {"actors": self.actors()}
            case Op.STOP:
                drain_s = request.args.drain_s if isinstance(request.args, StopArgs) else None
                life.stop(drain_s, by=request.by, reason=request.reason)
                return {"stopping": True}
            case Op.RELOAD:
                dry_run = isinstance(request.args, DryRunArgs) and request.args.dry_run
                return self._read_again(request.by, request.reason, dry_run=dry_run)
            case _:
                return await life.inbox.ask(request)

    def health(self) -> dict[str, Any]:
        """Return what health is judged by, and costs next to nothing."""
        life, gauges = self._life, self._life.gauges
        waiting, capacity = gauges.allocator_waiting()
        reasons = reasons_of(life.state, waiting=waiting, capacity=capacity)
        if life.polling is not None:
            reasons += life.polling.reasons
        if life.face.child is not None and life.face.child.given_up:
            reasons.append("web_given_up")
        return {
            "state": str(life.state),
            "ready": not reasons,
            "reasons": reasons,
            "startup": {"done": life.done, "total": life.todo},
            "beat": {"commit_age_s": gauges.commit_age_s, "waiting": waiting},
            "lag_s": life.pace.lag_s if life.state is State.RUNNING else 0.0,
            "speed": life.settings.daemon.speed,
            "uptime_s": life.uptime_s,
        }

    def status(self) -> dict[str, Any]:
        """Return everything that the daemon says of itself: see `docs/reference/daemon.md`."""
        life = self._life
        if life.face.child is not None:
            life.gauges.web_restarts = life.face.child.restarts
        return {
            "version": __version__,
            "pid": os.getpid(),
            "name": life.settings.run.name,
            "folder": str(life.serving.folder.absolute()),
            "config": str(life.serving.config.absolute()),
            "url": life.face.url,
            **self.health(),
            **self._run(),
            "pending_reload": [*life.pending],
            "gauges": life.gauges.snapshot(),
        }

    def _run(self) -> dict[str, Any]:
        """Return where the run stands; nothing is known of it before it is open."""
        life = self._life
        if life.arena is None or life.market is None:
            return dict.fromkeys(RUN_FACTS)
        treasury, head = life.arena.treasury, life.arena.cast.allocator.head
        market = treasury.experiment.market
        return {
            "run_id": str(life.arena.run_id),
            "tick": treasury.tick,
            "ticks": None if market.endless else market.ticks,
            "sim_time": clock_of(treasury, life.market),
            "seq": head.seq,
            "hash": head.hash,
            "cycle": treasury.cycle,
            "paused": treasury.paused,
            "panic": panic_of(treasury, self._reason(treasury)),
            "agents": population_of(treasury),
        }

    def _reason(self, treasury: Treasury) -> str:
        """Return why all trading was stopped last; nothing where it is not."""
        since = treasury.halted.get(ALL)
        if since is None:
            self._stopped = (0, 0, "")
            return ""
        known = (since, treasury.stopped_seq)
        if self._stopped[:2] != known:
            self._stopped = (*known, _why_halted(self._life.serving.folder))
        return self._stopped[2]

    def actors(self) -> list[dict[str, Any]]:
        """Return a row for each actor."""
        if self._life.arena is None:
            return []
        rows = self._life.arena.cast.system.table()
        return [asdict(row) for row in rows[:ACTORS_MAX]]


def _why_halted(folder: Path) -> str:
    """Return the reason on record of the last emergency stop."""
    with open_run(folder) as run:
        for entry in run.entries(event_type=TradingHalted.__name__, newest_first=True):
            event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
            if isinstance(event, TradingHalted) and event.scope == ALL:
                return event.reason
    return ""


RUN_FACTS = (
    "run_id", "tick", "ticks", "sim_time", "seq", "hash", "cycle", "paused", "panic", "agents",
)  # fmt: skip
"""What `status` says of a run; null before it is open."""
