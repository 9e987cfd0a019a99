"""What every route reads from, and how parameters are checked.

The rule: a parameter is one of few values, a name that cannot be a path, or a bounded number; one
that is unknown, or given twice, is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, WithJsonSchema

from actors.app.http.follower import Follower
from actors.app.http.heavy import Heavy
from actors.app.http.problems import ProblemError
from actors.app.http.replica import View
from actors.app.http.source import Readers, Source
from actors.app.http.writer import Asks, Writer
from arena.agents import Agent
from arena.events import EVENT_TYPES
from arena.ids import AgentId
from arena.treasury import Treasury

SEQ_MAX = 2**63 - 1
LIMIT_MAX = 1000

SMALL = 100
"""Rows that are made faster than another thread is woken."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the routes of one app share.

    Attributes:
        source: The run.
        control: Who asks the writer; None where nobody writes.
        writer: What it says of itself.
        readers: Connections to the journal, for pages of it.
        follower: The treasury as it is.
        heavy: Threads for what reads much.
    """

    source: Source
    control: Asks | None = None
    writer: Writer = field(init=False)
    readers: Readers = field(init=False)
    follower: Follower = field(init=False)
    heavy: Heavy = field(init=False)

    def __post_init__(self) -> None:
        """Make the equipment; nothing is opened yet."""
        object.__setattr__(self, "writer", Writer(self.control))
        object.__setattr__(self, "readers", Readers(self.source))
        object.__setattr__(self, "follower", Follower(self.source))
        object.__setattr__(self, "heavy", Heavy(self.readers))

    @property
    def view(self) -> View:
        """The run as it was last seen.

        Raises:
            ProblemError: It has not been read yet.
        """
        view = self.follower.view
        if view is None:
            trouble = self.follower.trouble
            detail = "the run is being read; come back" if trouble is None else "it cannot be read"
            raise ProblemError(503, "starting", detail, retry_s=1)
        return view

    async def close(self) -> None:
        """Let go of the run."""
        await self.follower.stop()
        self.heavy.close()
        self.readers.close()


def reading_of(request: Request) -> Reading:
    """Return what the app of `request` reads from."""
    reading: Reading = request.app.state.reading
    return reading


async def only_known(request: Request) -> None:
    """Refuse parameters that the route does not have, and those that are given twice.

    Raises:
        ProblemError: There is one.
    """
    known = {each.alias for each in request.scope["route"].dependant.query_params}
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            needed = f"known are {', '.join(sorted(known))}" if known else "there are none here"
            raise ProblemError(422, "unknown_parameter", needed, field=name)
        if given.count(name) > 1:
            raise ProblemError(422, "repeated_parameter", "it can be given once", field=name)


async def beside(work: Callable[[], Response], size: int) -> Response:
    """Return what `work` does: at once where it is small, and in another thread where it is not.

    Args:
        work: Makes an answer from one view.
        size: How many rows it has.
    """
    return work() if size <= SMALL else await to_thread.run_sync(work)


def find_agent(treasury: Treasury, agent_id: str) -> Agent:
    """Return an agent, dead or alive.

    Raises:
        ProblemError: There never was such a one.
    """
    agent = treasury.find(AgentId(agent_id))
    if agent is None:
        detail = f"there is no agent {agent_id!r} in this run"
        raise ProblemError(404, "unknown_agent", detail, field="agent_id")
    return agent


def answer(data: Mapping[str, Any]) -> Response:
    """Return `data` as strict JSON: what is no number is null."""
    try:
        text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_strict(data), allow_nan=False, ensure_ascii=False)
    return Response(text, media_type="application/json")


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _strict(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    return value


def _event_type(name: str) -> str:
    if name not in EVENT_TYPES:
        raise ValueError("it is no type of event")
    return name


EventType = Annotated[
    str,
    AfterValidator(_event_type),
    WithJsonSchema({"type": "string", "enum": sorted(EVENT_TYPES)}),
]

NAME = r"^[a-z][a-z0-9_-]{0,62}$"


async def _given(request: Request) -> Reading:
    """Return the same.  A dependency that is no coroutine would be called in another thread."""
    return reading_of(request)


Given = Annotated[Reading, Depends(_given)]
AgentPath = Annotated[
    str, Path(pattern=NAME, description="An agent's id.", examples=["g000-001", "baseline-cash"])
]
AgentQuery = Annotated[
    str | None, Query(pattern=NAME, description="Only about this agent.", examples=["g000-001"])
]
SeqPath = Annotated[int, Path(ge=1, le=SEQ_MAX, description="An entry's place.", examples=[1])]
AfterSeq = Annotated[int, Query(ge=0, le=SEQ_MAX, description="Only what is later than this seq.")]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many at most.")]
