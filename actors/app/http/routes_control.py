"""What can be changed over HTTP: one POST each, done by the daemon and by nobody else.

The rule: nothing is decided here.  Whoever has the token, a key and a body that can be read is
passed on to the control socket, where `by` says `http`; what the daemon answers is the answer.  The
same key and body have the same answer for ever, another body under the same key is a conflict.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer

from actors.app.control.client import AsyncControlClient
from actors.app.control.errors import ControlError, NoAnswerError
from actors.app.control.requests import ARGS, REASON_MAX, Args, Op, parse_request
from actors.app.control.wire import load, request_line
from actors.app.http.asked import Asked
from actors.app.http.problems import MEDIA_TYPE
from actors.app.http.refusals import Refused
from actors.app.http.tokens import Tokens

BY = "http"
"""Who answers for a change that came this way, on the record."""

PREFIX = "/api/v1/control"

_SAID = "What stands in `http.token_file`."
_KEY = b"idempotency-key"
_KEY_FORM = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_RETRY_S = {429: 1, 503: 5}


def control_router(client: AsyncControlClient | None, tokens: Tokens) -> APIRouter:
    """Return the routes below `/api/v1/control`.

    Args:
        client: Asks the daemon; None where there is none, as for a stored run.
        tokens: Says who may.
    """
    token = HTTPBearer(scheme_name="token", description=_SAID, auto_error=False)  # For OpenAPI.
    router = APIRouter(prefix=PREFIX, tags=["control"], dependencies=[Depends(token)])
    for op in Op:
        if op.changes:
            _add(router, op, client, tokens)
    return router


def _add(router: APIRouter, op: Op, client: AsyncControlClient | None, tokens: Tokens) -> None:
    async def change(request: Request) -> Response:
        asked = Asked(request.scope)
        if client is None:
            detail = "this is a stored run: nothing changes it"
            return _problem(Refused(403, "control_disabled", detail))
        if refused := tokens.objection(asked):
            return _problem(refused)
        return await _pass_on(client, op, asked, await request.body())

    router.add_api_route(
        f"/{op}",
        change,
        methods=["POST"],
        name=f"control_{op}".replace("-", "_"),
        summary=_SUMMARIES[op],
        response_model=None,
        responses=_RESPONSES,
        openapi_extra=_described(op),
    )


async def _pass_on(client: AsyncControlClient, op: Op, asked: Asked, body: bytes) -> Response:
    keys = asked.values(_KEY)
    if len(keys) != 1 or not _KEY_FORM.fullmatch(keys[0]):
        detail = "one Idempotency-Key is needed: 1 to 64 of A-Z a-z 0-9 . _ : -"
        return _problem(Refused(400, "bad_idempotency_key", detail))
    try:
        args, reason = _read(op, keys[0], body)
        result = await client.ask(op, args, command_id=keys[0], by=BY, reason=reason)
    except ControlError as error:
        retry_s = _RETRY_S.get(error.status)
        refused = Refused(error.status, str(error.code), error.message, retry_s=retry_s)
        return _problem(refused, {} if error.reason is None else {"reason": error.reason})
    except NoAnswerError as error:
        return _problem(Refused(504, "outcome_unknown", str(error)), {"command_id": keys[0]})
    return JSONResponse(result)


def _read(op: Op, key: str, body: bytes) -> tuple[dict[str, Any], str]:
    """Return what an `op` is told, and why it is asked for.

    Raises:
        ControlError: `bad_request`: the body does not say it, or says something else as well.
    """
    said = load(body or b"{}")
    if not isinstance(said, dict):
        said = {"": said}  # No op knows that key: the answer is theirs.
    args = {name: value for name, value in said.items() if name != "reason"}
    reason = cast("str", said.get("reason", ""))
    parse_request(request_line(op, args, command_id=key, by=BY, reason=reason))
    return args, reason


def _problem(refused: Refused, more: Mapping[str, str] | None = None) -> Response:
    headers = {name.decode(): value.decode() for name, value in refused.own_headers()}
    return Response(refused.body(more), refused.status, headers)


_SUMMARIES = {
    Op.PAUSE: "Let the clock stand still",
    Op.RESUME: "Let the clock go on",
    Op.STOP: "End the daemon after the tick under way",
    Op.RELOAD: "Read the config again",
    Op.PANIC: "Stop all trading",
    Op.RESET_PANIC: "Let trading go on",
    Op.EVOLVE: "Hold an evolution cycle now",
    Op.SPAWN: "Give birth to an agent",
    Op.KILL: "End an agent",
    Op.PAUSE_AGENT: "Let an agent trade no more",
    Op.UNPAUSE_AGENT: "Let an agent trade again",
}

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_RESULT = {
    "type": "object",
    "description": "What stands on record of it; of a dry run, what would be done.",
    "properties": {
        "seq": {"type": "integer", "description": "The last entry that it made."},
        "hash": {"type": "string", "description": "Of that entry."},
        "events": {"type": "array", "items": {"type": "object"}, "description": "What happened."},
        "duplicate": {"type": "boolean", "description": "Whether it had been done before."},
    },
}
_DONE: dict[str, Any] = {
    "description": "Done.",
    "content": {"application/json": {"schema": _RESULT}},
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    for status, text in {
        400: "The key or the body cannot be used",
        401: "The token is missing or wrong",
        403: "Nothing can be changed here",
        404: "The agent or the strategy is not there",
        409: "A rule is against it, or the key stands for another request",
        413: "The body is too large",
        415: "The body is no JSON",
        429: "Too many wrong tokens, or too many requests",
        503: "The daemon ends or does not run",
        504: "No answer came: the same key finds out what became of it",
        507: "The disk is full",
    }.items()
}
_RESPONSES = {200: _DONE, **_PROBLEMS}


def _described(op: Op) -> dict[str, Any]:
    """Return what OpenAPI says about the key, the token and the body of `op`."""
    body = ARGS.get(op, Args).model_json_schema()
    body.pop("description", None)
    reason = {"type": "string", "maxLength": REASON_MAX, "description": "Why, for the record."}
    body["properties"] = {**body.get("properties", {}), "reason": reason}
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "The same key and body are done once, however often they are sent.",
        "schema": {"type": "string", "pattern": f"^{_KEY_FORM.pattern}$"},
    }
    content = {"application/json": {"schema": body}}
    return {"parameters": [key], "requestBody": {"required": False, "content": content}}
