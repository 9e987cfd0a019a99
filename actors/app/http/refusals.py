"""How a request is turned away: a status, a code, a sentence, and the headers of every answer.

The rule: an answer says what would have been accepted and nothing about who asked or what is
inside.  After a refusal the connection is closed: what else was sent on it is not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("style", "script", "connect", "img")),
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What a browser may load for our page: our own files, and nothing that stands inside it."""

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""What every answer says to a browser."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is not answered.

    Attributes:
        status: Of HTTP.
        code: A stable word for programs.
        detail: A sentence for people.
        retry_s: Seconds after which it may go better; None where it will not.
        allow: The methods that are, where the method was wrong.
    """

    status: int
    code: str
    detail: str
    retry_s: int | None = None
    allow: tuple[str, ...] = ()

    def body(self, more: Mapping[str, str | None] | None = None) -> bytes:
        """Return the answer's body, a problem as `problems` has them, with `more` facts."""
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "field": None,
            "instance": None,
            **(more or {}),
        }
        return json.dumps(problem).encode()

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return all headers of an answer that no application gives."""
        return [
            *self.own_headers(),
            (b"content-length", b"%d" % len(self.body())),
            (b"connection", b"close"),
            *SECURITY_HEADERS,
        ]

    def own_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers that tell this answer from another one."""
        own = [(b"content-type", MEDIA_TYPE.encode())]
        if self.retry_s is not None:
            own.append((b"retry-after", b"%d" % self.retry_s))
        if self.status == HTTPStatus.UNAUTHORIZED:
            own.append((b"www-authenticate", b"Bearer"))
        if self.allow:
            own.append((b"allow", ", ".join(self.allow).encode()))
        return own
