"""Redaction: what must not stand in a log is taken out before it is written.

The rule: twice, for either can miss something.  By name: what is called a token, a password or a
key is not shown, whatever it is.  By look: a bearer token, the password in a URL, and every text
that somebody said to `hide` are not shown, wherever they stand, be it in a traceback.  However long
a text is, and whoever wrote it, looking through it takes time in proportion to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "[hidden]"

SECRETS_MAX = 256
LENGTH_MIN = 8
"""How many texts can be hidden, and how short one may be: a shorter one is part of many a word."""

DEPTH_MAX = 6
"""How deep a value is looked into; what lies deeper is not shown."""

_NAMES = re.compile(
    r"token|secret|passw|authoriz|credential|cookie|api_?key|(?:^|[_-])key$", re.IGNORECASE
)
_HARMLESS = frozenset({"token_file", "url_file", "url_env"})  # They say where, not what.
_LOOKS = (
    (re.compile(r"\b(bearer)\s+[^\s\"',;]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\b(basic)\s+[A-Za-z0-9+/]{15,}={0,2}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"://[^\s/?#\"']+@"), f"://{HIDDEN}@"),
)
_PARAMETER = re.compile(r"([?&;]([\w-]+)=)[^\s&#;\"']+")
_SECRET_PARAMETER = re.compile(r"token|secret|passw|key|sig", re.IGNORECASE)
_secrets: dict[str, None] = {}


def hide(secret: str) -> None:
    """Let no log line of this process show `secret` from now on.

    Args:
        secret: As it was read; one shorter than `LENGTH_MIN` characters is not looked for.
    """
    if len(secret) >= LENGTH_MIN:
        _secrets.pop(secret, None)
        _secrets[secret] = None
        if len(_secrets) > SECRETS_MAX:
            del _secrets[next(iter(_secrets))]


def scrub(text: str) -> str:
    """Return `text` without what looks like a secret, or is one."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    for looks, instead in _LOOKS:
        text = looks.sub(instead, text)
    return _PARAMETER.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    """Return a parameter of a URL, its value hidden where its name says that it is a secret."""
    return f"{found[1]}{HIDDEN}" if _SECRET_PARAMETER.search(found[2]) else found[0]


def redact(
    logger: object, method: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take secrets out of a log line; a processor of structlog, right before the renderer."""
    del logger, method
    for name, value in event_dict.items():
        event_dict[name] = _clean(name, value, DEPTH_MAX)
    return event_dict


def _clean(name: str, value: Any, depth: int) -> Any:
    """Return `value` as plain data that can be shown."""
    if name not in _HARMLESS and _NAMES.search(name):
        return HIDDEN
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return scrub(value)
    if not depth and isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), each, depth - 1) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean("", each, depth - 1) for each in value]
    return scrub(repr(value))
