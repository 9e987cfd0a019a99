"""What can be changed over HTTP: one POST each, done by the daemon and by nobody else.

The rule: nothing is decided here.  Whoever has the token, a key and a body that can be read is
passed on to the control socket, where `by` says `http`; what the daemon answers is the answer.  The
same key and body have the same answer for ever, another body under the same key is a conflict.
"""

from __future__ import annotations

import re
from typing import Any, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer

from actors.app.control.client import AsyncControlClient
from actors.app.control.errors import ControlError, NoAnswerError
from actors.app.control.requests import Op, parse_request
from actors.app.control.wire import load, request_line
from actors.app.http.asked import Asked
from actors.app.http.control_schemas import SUMMARIES, described, responses
from actors.app.http.problems import refusal_response
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
            return refusal_response(Refused(403, "control_disabled", detail))
        if refused := tokens.objection(asked):
            return refusal_response(refused)
        return await _pass_on(client, op, asked, await request.body())

    router.add_api_route(
        f"/{op}",
        change,
        methods=["POST"],
        name=f"control_{op}".replace("-", "_"),
        summary=SUMMARIES[op],
        response_model=None,
        responses=responses(op),
        openapi_extra=described(op, _KEY_FORM.pattern),
    )


async def _pass_on(client: AsyncControlClient, op: Op, asked: Asked, body: bytes) -> Response:
    keys = asked.values(_KEY)
    if len(keys) != 1 or not _KEY_FORM.fullmatch(keys[0]):
        detail = "one Idempotency-Key is needed: 1 to 64 of A-Z a-z 0-9 . _ : -"
        return refusal_response(Refused(400, "bad_idempotency_key", detail))
    try:
        args, reason = _read(op, keys[0], body)
        result = await client.ask(op, args, command_id=keys[0], by=BY, reason=reason)
    except ControlError as error:
        retry_s = _RETRY_S.get(error.status)
        refused = Refused(error.status, str(error.code), error.message, retry_s=retry_s)
        more = {} if error.reason is None else {"reason": error.reason}
        return refusal_response(refused, more)
    except NoAnswerError as error:
        refused = Refused(504, "outcome_unknown", str(error))
        return refusal_response(refused, {"command_id": keys[0]})
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
