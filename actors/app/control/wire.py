"""The lines of the control socket: one JSON object a line, each way.

What is asked comes from strangers, so `load` takes nothing that two readers could read in two ways:
no key twice, no number that a double or a reader in another language would change, no text that
UTF-8 cannot write.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from actors.app.control.errors import Code, ControlError

LINE_MAX = 64 << 10
"""Bytes of a request, its end included."""

REPLY_MAX = 4 << 20
"""Bytes of a reply, its end included."""

DEPTH_MAX = 32
"""How deep lists and objects may stand in one another."""

INT_MAX = 2**53 - 1
"""The largest whole number that every reader of JSON reads as it is."""

URGENT = frozenset({"panic", "reset-panic", "stop"})
"""The requests that wait behind no other ones, and are let in where too many of those are."""

URGENT_MAX = 8
"""Places that are kept free for them, wherever requests are counted."""

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def load(line: bytes) -> object:
    """Return what a line of a stranger says.

    Raises:
        ControlError: `bad_request`: it says nothing, or nothing certain.
    """
    if len(line) > LINE_MAX:
        raise bad_request(f"a request has at most {LINE_MAX} bytes")
    try:
        text = line.decode()
        _check_depth(text)
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_int,
        )
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise bad_request("there is half of a character (a lone surrogate) in it") from None
    except UnicodeDecodeError as error:
        raise bad_request(f"byte {error.start} is no UTF-8") from None
    except json.JSONDecodeError as error:
        raise bad_request(f"no JSON at character {error.pos}: {error.msg}") from None
    return found


def bad_request(message: str) -> ControlError:
    """Return the error that says that a request cannot be used."""
    return ControlError(Code.BAD_REQUEST, message)


def _check_depth(text: str) -> None:
    """Look before parsing: the parser calls itself once for each level."""
    depth = 0
    for character in _STRING.sub("", text):
        if character in "{[":
            depth += 1
            if depth > DEPTH_MAX:
                raise bad_request(f"it is deeper than {DEPTH_MAX} levels")
        elif character in "}]":
            depth -= 1


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise bad_request("an object has the same key twice")
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise bad_request(f"{word} is no number")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise bad_request(f"the number {text[:20]} is too large")
    return number


def _int(text: str) -> int:
    if len(text) > 20 or abs(number := int(text)) > INT_MAX:
        raise bad_request(f"the number {text[:20]} is too large: at most {INT_MAX}")
    return number


def request_line(
    op: str, args: Mapping[str, Any], *, command_id: str | None, by: str, reason: str
) -> bytes:
    """Return the line that asks for `op`.

    Raises:
        ControlError: `bad_request`: no JSON can say it, or it is too long.
    """
    said = {"op": op, "id": command_id, "by": by, "reason": reason, "args": dict(args)}
    try:
        line = json.dumps(said, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (ValueError, TypeError, RecursionError) as error:
        raise bad_request(f"no JSON can say it: {error}") from None
    if len(line) > LINE_MAX:
        raise bad_request(f"a request has at most {LINE_MAX} bytes")
    return line


def result_of(line: bytes) -> dict[str, Any]:
    """Return the result in a reply of the daemon.

    Raises:
        ControlError: The reply is an error.
        ValueError: It is no reply.
    """
    reply = json.loads(line)
    try:
        if reply["ok"] is True:
            return dict(reply["result"])
        error = reply["error"]
        code = next(each for each in Code if each == error["code"])
        message, reason = str(error["message"]), error.get("reason")
    except (KeyError, TypeError, AttributeError, StopIteration) as unlike:
        raise ValueError(f"no reply: {unlike!r}") from None
    raise ControlError(code, message, reason=reason)
