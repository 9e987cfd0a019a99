"""What an HTTP answer means: a value, something that passes, or a refusal.

One judgement for every provider; error bodies have many shapes and are only quoted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from actors.feeds.clients.errors import ProviderError, TransientError

QUOTED_MAX = 200
AGE_MAX_S = 86_400.0
TOO_MANY = 429
SERVER_ERROR = 500
REDIRECT = 300


def judge(
    provider: str, place: str, status: int, headers: Mapping[str, str], body: str, now: datetime
) -> object:
    """Return the JSON value of an answer.

    Args:
        provider: Who answered.
        place: What was asked, for messages; without secrets.
        status: Of the answer.
        headers: Of the answer; names in any case.
        body: As text.
        now: For a `Retry-After` that is a date.

    Raises:
        TransientError: 429, 5xx, or a body that is no JSON (cut short, a proxy's page).
        ProviderError: Any other status that is not a success.
    """
    if status == TOO_MANY or status >= SERVER_ERROR:
        raise TransientError(
            f"status {status}: {reason(body)}",
            status=status,
            retry_after_s=retry_after_s(headers, now),
        )
    if status >= REDIRECT:
        raise ProviderError(
            provider,
            place,
            found=f"status {status}: {reason(body)}",
            needed="status 200; change what is asked for, the same again is refused again",
            status=status,
        )
    try:
        return json.loads(body)
    except ValueError:
        found = f"status {status} with {len(body)} characters that are no whole JSON"
        raise TransientError(found, status=status) from None


def reason(body: str) -> str:
    """Return what an error body says, on one line of at most `QUOTED_MAX` characters.

    Understood: `{"error": text}`, `{"status": n, "error": text}`, `{"status": {"error_message":
    text}}`, `{"error": {"status": {...}}}`, `{"error": [texts]}`, `{"code": n, "msg": text}`; all
    else is quoted as it is.
    """
    try:
        said = _said(json.loads(body))
    except ValueError:
        said = None
    text = " ".join((said or body).split())
    return text if len(text) <= QUOTED_MAX else f"{text[:QUOTED_MAX]}..."


def _said(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(filter(None, map(_said, value))) or None
    if isinstance(value, dict):
        for name in ("error_message", "error", "msg", "message", "retMsg", "status"):
            said = _said(value.get(name))
            if said:
                return said
    return None


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, at least 0; None without one.

    It is a number of seconds or a date (RFC 9110, 10.2.3); what is neither is ignored.
    """
    text = _header(headers, "retry-after")
    seconds = _seconds(text)
    if seconds is None:
        then = _date(text)
        seconds = None if then is None else (then - now).total_seconds()
    return None if seconds is None else max(0.0, seconds)


def answered_at(headers: Mapping[str, str]) -> datetime | None:
    """Return when the server answered, by its own clock: `Date` and `Age`; None if it did not say.

    A cache keeps the date of the answer that it holds, and says how old that is.
    """
    date = _date(_header(headers, "date"))
    if date is None:
        return None
    age_s = _seconds(_header(headers, "age")) or 0.0
    return date + timedelta(seconds=min(max(age_s, 0.0), AGE_MAX_S))


def _header(headers: Mapping[str, str], name: str) -> str:
    return {key.lower(): value for key, value in headers.items()}.get(name, "").strip()


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
