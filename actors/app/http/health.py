"""Health: is it alive, is it ready, has it started.

The rule: who asks is answered from what is known, in no time.  `/livez` fails where a restart would
help, and for nothing else: a full disk or a paused clock is no reason to kill a daemon.  `/readyz`
fails where one should not rely on it just now, and says why.

| reason | what it means |
|---|---|
| `writer_silent` | the writer did not answer for `BEAT_MAX_S` seconds |
| `writer_stalled` | commands wait, and nothing was committed for `COMMIT_MAX_S` seconds |
| `clock_stalled` | time should go on and does not |
| `follower_starting`, `_behind`, `_broken` | what is read here is not what is there |
| others | the writer's own words: `starting`, `draining`, `storage_full`, `mailbox_full`, ... |
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from actors.app.http.follower import Follower
from actors.app.http.pulse import WriterPulse
from actors.app.http.reading import reading_of

BEAT_MAX_S = 5.0
COMMIT_MAX_S = 30.0
LAG_MAX_S = 60.0
BEHIND_MAX = 20_000
"""How old an answer and a commit may be, how far the clock may be behind its pace, and how many
entries the follower behind the journal."""

BEGINNING = frozenset({"starting", "catching_up"})
"""States in which the writer cannot commit anything yet."""


@asynccontextmanager
async def _beating(app: FastAPI) -> AsyncIterator[None]:
    """Take the writer's pulse while the app serves; it is in `app.state.pulse`."""
    pulse = app.state.pulse = WriterPulse(app.state.reading.writer)
    pulse.start()
    try:
        yield
    finally:
        await pulse.stop()


router = APIRouter(include_in_schema=False, lifespan=_beating)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What health is judged by.

    Attributes:
        expected: Whether there should be a writer.
        age_s: Seconds since it last answered.
        status: What it answered; empty before it has.
        known: Whether the run has been read at all.
        behind: Entries on record that the follower has not read.
        trouble: Whether it cannot read on.
    """

    expected: bool
    age_s: float
    status: Mapping[str, Any]
    known: bool
    behind: int
    trouble: bool

    @property
    def state(self) -> str:
        """What the writer does; `stored` where there is none."""
        if not self.expected:
            return "stored"
        return str(self.status.get("state", "starting"))

    @property
    def silent(self) -> bool:
        """Whether the writer owes an answer."""
        return self.expected and self.age_s > BEAT_MAX_S

    @property
    def commit_age_s(self) -> float:
        """Seconds since the last commit that is known of, as of the last answer."""
        return float(self.status.get("beat", {}).get("commit_age_s", 0.0))


def vitals_of(pulse: WriterPulse, follower: Follower) -> Vitals:
    """Return what is known now."""
    progress = follower.progress
    return Vitals(
        expected=pulse.expected,
        age_s=pulse.age_s,
        status=pulse.status or {},
        known=follower.view is not None,
        behind=progress.total - progress.done,
        trouble=follower.trouble is not None,
    )


def why_not_alive(vitals: Vitals) -> list[str]:
    """Return why a restart would help; nothing where it would not."""
    reasons = ["writer_silent"] if vitals.silent else []
    waiting = vitals.status.get("beat", {}).get("waiting", 0)
    may_commit = vitals.state not in BEGINNING | {"storage_full"}
    if may_commit and waiting and vitals.commit_age_s > COMMIT_MAX_S:
        reasons.append("writer_stalled")
    return reasons


def why_not_ready(vitals: Vitals) -> list[str]:
    """Return why one should not rely on it now; nothing where one can."""
    reasons = why_not_alive(vitals)
    if vitals.expected and not vitals.status:
        reasons.append("starting")
    reasons += [str(reason) for reason in vitals.status.get("reasons", ())]
    if _clock_stalled(vitals):
        reasons.append("clock_stalled")
    if vitals.trouble:
        reasons.append("follower_broken")
    elif not vitals.known:
        reasons.append("follower_starting")
    elif vitals.behind > BEHIND_MAX:
        reasons.append("follower_behind")
    return [*dict.fromkeys(reasons)]


def _clock_stalled(vitals: Vitals) -> bool:
    if vitals.state != "running" or vitals.commit_age_s <= COMMIT_MAX_S:
        return False
    return vitals.status.get("speed") == "max" or vitals.status.get("lag_s", 0.0) > LAG_MAX_S


@router.get("/livez")
async def livez(request: Request) -> Response:
    """Say whether the daemon is alive; where it is not, it is to be restarted."""
    vitals = _vitals(request)
    return _judged(vitals, why_not_alive(vitals), answer_age_s=round(vitals.age_s, 3))


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Say whether one can rely on the daemon just now, and why not."""
    vitals = _vitals(request)
    return _judged(vitals, why_not_ready(vitals), behind=vitals.behind)


@router.get("/startupz")
async def startupz(request: Request) -> Response:
    """Say how much of the record has been done again; 200 once all of it has."""
    vitals = _vitals(request)
    startup = vitals.status.get("startup", {})
    unread = [] if vitals.known else ["follower_starting"]
    begun = vitals.state if vitals.expected and vitals.state in BEGINNING else None
    reasons = unread + ([begun] if begun else [])
    done, total = startup.get("done", 0), startup.get("total", 0)
    return _judged(vitals, reasons, done=done, total=total)


def _vitals(request: Request) -> Vitals:
    return vitals_of(request.app.state.pulse, reading_of(request).follower)


def _judged(vitals: Vitals, reasons: list[str], **facts: float) -> Response:
    body = {"ok": not reasons, "state": vitals.state, "reasons": reasons, **facts}
    headers = {"Cache-Control": "no-store"}
    return Response(json.dumps(body), 503 if reasons else 200, headers, "application/json")
