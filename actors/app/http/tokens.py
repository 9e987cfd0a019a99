"""Who may change something over HTTP: whoever has the token, which is in a file and nowhere else.

The rule: the token is compared in constant time, and a wrong one learns nothing.  After
`failures_max` wrong ones in `failures_s` nobody's token is looked at for a while, the right one
included: whoever guesses would else see when it is right.  The control socket stays open.
"""

from __future__ import annotations

import hmac
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from actors.app.http.asked import Asked
from actors.app.http.limits import LIMITS, Limits
from actors.app.http.refusals import Refused
from actors.app.redaction import hide
from actors.app.secret_files import read_secret
from actors.app.settings.problems import ConfigError, Problem, Said
from arena.exceptions import ValidationError

TOKEN_MIN, TOKEN_MAX = 32, 512
"""Visible characters of a token."""

_KEY = "http.token_file"
_SCHEME = "bearer"


def read_token(path: Path) -> bytes:
    """Return the token that stands in a file; white space at its end is no part of it.

    Raises:
        ConfigError: It is no regular file of ours that nobody else may read, or what stands in it
            is no token; the message says what to do.
    """
    try:
        token = read_secret(path, TOKEN_MAX + 2).rstrip()
    except ValidationError as error:
        raise _problem(path, str(error.found), error.needed) from error
    if TOKEN_MIN <= len(token) <= TOKEN_MAX and all(33 <= each <= 126 for each in token):
        hide(token.decode("ascii"))
        return token
    needed = f"{TOKEN_MIN} to {TOKEN_MAX} visible characters on one line: openssl rand -hex 32"
    raise _problem(path, f"{len(token)} bytes that are no token", needed)


def _problem(path: Path, found: str, needed: str) -> ConfigError:
    return ConfigError([Problem(_KEY, Said(found), needed, str(path))])


class Tokens:
    """Says whether a request may change something."""

    def __init__(
        self,
        token: bytes | None,
        *,
        limits: Limits = LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Expect `token`; None lets nobody in.

        Args:
            token: See `read_token`.
            limits: How many wrong ones are looked at.
            clock: Seconds from some moment on.
        """
        self._token = token
        self._limits = limits
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=limits.failures_max)

    def objection(self, asked: Asked) -> Refused | None:
        """Return why a request may not change anything; None where it may."""
        if self._token is None:
            detail = "this server changes nothing: no token file is configured"
            return Refused(403, "control_disabled", detail)
        wait = self._locked_s()
        if wait > 0:
            detail = "too many wrong tokens; the control socket is open"
            return Refused(429, "too_many_failures", detail, retry_s=int(wait) + 1)
        given = asked.values(b"authorization")
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        right = hmac.compare_digest(token.strip().encode(), self._token)
        if right and scheme.lower() == _SCHEME:
            return None
        self._failures.append(self._clock())
        return Refused(401, "unauthorized", "a bearer token is needed")

    def _locked_s(self) -> float:
        """Return for how many seconds no token will be looked at."""
        if len(self._failures) < self._limits.failures_max:
            return 0.0
        return self._failures[0] + self._limits.failures_s - self._clock()
