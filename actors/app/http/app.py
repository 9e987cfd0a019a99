"""The web app: routes that read one run, and the place where others plug theirs in.

The rule: nothing in here writes.  The app knows a source and, where a daemon runs, somebody who
asks it; whoever serves it decides who may come in (`actors.app.http.guard`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from actors.app.http import (
    problems,
    routes_agents,
    routes_history,
    routes_run,
    stream,
)
from actors.app.http.reading import Reading, only_known
from actors.app.http.refusals import MEDIA_TYPE
from actors.app.http.source import Source
from actors.app.http.writer import Asks
from arena import __version__

PREFIX = "/api/v1"

ROUTERS = (routes_run.router, routes_agents.router, routes_history.router, stream.router)

DESCRIPTION = """\
One run of treasury-arena, read while it is written, or after its end.

* `as_of` is the place of the journal's entry after which everything in an answer was true.
* Money is whole micro-USD. Returns and drawdowns are fractions. Days are bars.
* Pages go on at `next`, which names an entry or an agent and never an offset.
* A parameter that is unknown, or given twice, is refused. Whatever is no answer is a problem
  (RFC 9457) with a stable `code`.
"""

_FAILURES = {
    404: "No such agent, entry or cycle.",
    422: "A parameter is not what was needed; `field` names it.",
    503: "The run is not there yet, the answer took too long, or too many ask.",
    "default": "Something else; `code` says what.",
}


@dataclass(frozen=True, slots=True)
class Plug:
    """What somebody else adds to the app.

    Attributes:
        routers: Routes with their whole path; `reading_of(request)` is what they read from.
    """

    routers: Sequence[APIRouter] = ()


def make_app(source: Source, *, control: Asks | None = None, plugs: Sequence[Plug] = ()) -> FastAPI:
    """Return the app that serves `source`; while its lifespan lasts it follows the journal.

    Args:
        source: The run.
        control: Who asks the run's daemon; None where there is none, and nothing can be changed.
        plugs: What others add.
    """
    reading = Reading(source, control)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        reading.follower.start()
        try:
            yield
        finally:
            await reading.close()

    app = FastAPI(
        title="treasury-arena",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.reading = reading
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(only_known)])
    for plug in plugs:
        for router in plug.routers:
            app.include_router(router)
    app.openapi = _documented(app, app.openapi)  # type: ignore[method-assign]  # FastAPI's own way
    return app


def _documented(app: FastAPI, made: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Return a function that gives the OpenAPI document, with our problems for FastAPI's."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            schemas["Problem"] = problems.Problem.model_json_schema()
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"] |= _failures()
            app.openapi_schema = document
        return app.openapi_schema

    return openapi


def _failures() -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {"description": description, "content": content}
        for status, description in _FAILURES.items()
    }
