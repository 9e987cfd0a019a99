"""Problems: how the API says that it cannot answer, in the form of RFC 9457.

The rule: every answer that is none is `application/problem+json` with a stable `code`.  What is a
bug of ours says no more than the id under which the log has it.
"""

from __future__ import annotations

import itertools
import logging
import os
import traceback
from collections.abc import Mapping
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from actors.app.control.errors import ControlError, NoAnswerError
from actors.app.http.refusals import Refused
from arena.exceptions import AgentError, ArenaError, EventSourcingError

log = structlog.wrap_logger(logging.getLogger(__name__))

_incidents = itertools.count(1)

_CODES = {404: "not_found", 405: "method_not_allowed"}


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    type: Annotated[
        str, Field(description="Always `about:blank`: `code` says which problem it is.")
    ]
    title: Annotated[str, Field(description="The status in words.", examples=["Not Found"])]
    status: Annotated[int, Field(description="The status of HTTP.", examples=[404])]
    detail: Annotated[str, Field(description="What happened, for people.")]
    code: Annotated[str, Field(description="A stable word for programs.", examples=["not_found"])]
    field: Annotated[
        str | None, Field(description="The parameter at fault; null where none is.")
    ] = None
    instance: Annotated[str | None, Field(description="The path that was asked for.")] = None
    reason: Annotated[
        str | None, Field(description="Which rule is against it, where a change was refused.")
    ] = None
    command_id: Annotated[
        str | None, Field(description="The key to ask again with, where no answer came.")
    ] = None


class ProblemError(Exception):
    """A request that cannot be answered.

    Attributes:
        status: Of HTTP.
        code: A stable word for programs.
        detail: A sentence for people.
        field: The parameter at fault; None where none is.
        retry_s: Seconds after which it may go better; None where it will not.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        retry_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.retry_s = retry_s


def install(app: FastAPI) -> None:
    """Let every failure of `app` be answered with a problem."""
    app.add_exception_handler(ProblemError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ArenaError, _arena)
    app.add_exception_handler(Exception, _unknown)


def problem_response(
    request: Request, problem: ProblemError, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the answer to `request` that says `problem`."""
    refused = Refused(problem.status, problem.code, problem.detail, problem.retry_s)
    more = {"field": problem.field, "instance": request.url.path}
    return refusal_response(refused, more, headers)


def refusal_response(
    refused: Refused,
    more: Mapping[str, str | None] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer that says `refused`, with `more` facts and `headers`."""
    own = {name.decode(): value.decode() for name, value in refused.own_headers()}
    return Response(refused.body(more), refused.status, {**(headers or {}), **own})


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - what it is installed for
    return problem_response(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    """Answer a parameter that is not what was needed: the first of them is named."""
    faults: Any = error.errors() if isinstance(error, RequestValidationError) else [{}]
    first = faults[0]
    place = [str(each) for each in first.get("loc", ())]
    problem = ProblemError(
        422,
        "invalid_body" if place[:1] == ["body"] else "invalid_parameter",
        str(first.get("msg", "it is not what was needed")).removeprefix("Value error, "),
        field=".".join(place[1:]) or None,
    )
    return problem_response(request, problem)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is installed for
    code = _CODES.get(error.status_code, "http_error")
    problem = ProblemError(error.status_code, code, str(error.detail))
    return problem_response(request, problem, error.headers)


async def _arena(request: Request, error: Exception) -> Response:
    """Answer what the family of `ArenaError` says: who is at fault gives the status."""
    match error:
        case ControlError():
            problem = ProblemError(error.status, str(error.code), error.message)
        case NoAnswerError():
            problem = ProblemError(504, "no_answer", str(error))
        case AgentError():
            problem = ProblemError(404, "unknown_agent", f"there is no agent {error.agent_id!r}")
        case EventSourcingError():
            log.warning("run_unreadable", path=request.url.path, error=str(error))
            detail = "the run cannot be read; the server's log says why"
            problem = ProblemError(503, "run_unreadable", detail, retry_s=5)
        case _:
            return await _unknown(request, error)
    return problem_response(request, problem)


async def _unknown(request: Request, error: Exception) -> Response:
    incident = f"{os.getpid()}-{next(_incidents)}"
    told = "".join(traceback.format_exception(error))  # Without locals: they are the whole run.
    log.error("request_failed", incident=incident, path=request.url.path, traceback=told)
    detail = f"this is a bug; the server's log has it as incident {incident}"
    return problem_response(request, ProblemError(500, "internal_error", detail))
