"""What the document of the API says about changes: what each is told, and what it is answered with.

The rule: these are words about what the daemon does, and nothing is checked with them.  A test
holds them against its answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.app.control.requests import ARGS, REASON_MAX, Args, Op
from actors.app.http.refusals import MEDIA_TYPE

Schema = dict[str, Any]

SUMMARIES = {
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


def _object(description: str, more: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """Return the schema of an object; the names in `more` may be missing."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": [name for name in properties if name not in more],
        "additionalProperties": False,
    }


def _said(kind: str, description: str) -> Schema:
    return {"type": kind, "description": description}


def _rows(description: str) -> Schema:
    return {"type": "array", "items": {"type": "object"}, "description": description}


_CYCLE = _said("integer", "The cycle's number.")
_FAILED = _said("object", "The step that broke, and why; only where one did.")
_RECEIPT = {
    "seq": _said("integer", "The last entry that it made."),
    "hash": _said("string", "Of that entry."),
    "events": _rows("What happened; empty where it was so already."),
    "duplicate": _said("boolean", "Whether it had been done before."),
}
_DONE = _object("What stands on record of it.", **_RECEIPT)
_EVOLVED = _object(
    "What stands on record of it, and what the cycle did.",
    ("cycle", "births", "deaths", "failed"),
    **_RECEIPT,
    cycle=_CYCLE,
    births=_said("integer", "How many were born."),
    deaths=_said("integer", "How many died."),
    failed=_FAILED,
)
_LISTS = ("deaths", "demotions", "graduations", "births", "moves")
_REHEARSED = _object(
    "What a cycle would do, of a dry run.",
    ("failed", *_LISTS),
    dry_run=_said("boolean", "Always true."),
    cycle=_CYCLE,
    tick=_said("integer", "When it would be."),
    failed=_FAILED,
    deaths=_rows("Who would die, by which rule."),
    demotions={"type": "array", "items": {"type": "string"}, "description": "Who would fall."},
    graduations=_rows("Who would rise, and where to."),
    births=_rows("Who would be born."),
    moves=_rows("Whose capital would change: balance and target, micro-USD."),
)
_RELOADED = _object(
    "What was taken over; of a dry run, what would be.",
    accepted=_said("boolean", "Whether the config can be used; else nothing has changed."),
    changed=_rows("Each key that differs: before, after, and when it is taken over."),
    refused=_rows("Each key that is in the way, and why."),
    pending={
        "type": "array",
        "items": {"type": "string"},
        "description": "Keys that wait for the end of the cycle.",
    },
    dry_run=_said("boolean", "Whether it was only asked what would be."),
)
_STOPPING = _object("It ends.", stopping=_said("boolean", "Always true."))

RESULTS: Mapping[Op, Schema] = {
    **{op: _DONE for op in Op if op.changes},
    Op.EVOLVE: {"anyOf": [_EVOLVED, _REHEARSED]},
    Op.RELOAD: _RELOADED,
    Op.STOP: _STOPPING,
}
"""What a change is answered with."""

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_PROBLEMS: dict[int | str, Schema] = {
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


def responses(op: Op) -> dict[int | str, Schema]:
    """Return what OpenAPI says about the answers to `op`."""
    content = {"application/json": {"schema": RESULTS[op]}}
    return {200: {"description": "Done.", "content": content}, **_PROBLEMS}


def described(op: Op, key_form: str) -> Schema:
    """Return what OpenAPI says about the key, of the form `key_form`, and the body of `op`."""
    body = ARGS.get(op, Args).model_json_schema()
    body.pop("description", None)
    reason = {"type": "string", "maxLength": REASON_MAX, "description": "Why, for the record."}
    body["properties"] = {**body.get("properties", {}), "reason": reason}
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "What the same key and body put on record is done once, however often they "
        "are sent.",
        "schema": {"type": "string", "pattern": f"^{key_form}$"},
    }
    content = {"application/json": {"schema": body}}
    return {"parameters": [key], "requestBody": {"required": False, "content": content}}
