"""A line of the log is one line of JSON, says whose it is, and keeps every secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.contextvars import bound_contextvars

from actors.app import redaction
from actors.app.http import health, metrics
from actors.app.http.app import Plug, make_app
from actors.app.http.guard import Guard
from actors.app.http.limits import LIMITS
from actors.app.http.objections import own_hosts
from actors.app.http.source import Source
from actors.app.log import configure_log, daemon_words, set_level
from actors.app.redaction import HIDDEN, hide, redact, scrub

CANARY = "canary-5f1c9e0b7a"
log = structlog.wrap_logger(logging.getLogger("actors.test"))


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Log to stderr as the daemon does, and return what was logged."""
    root, mine = logging.getLogger(), logging.getLogger("actors")
    before, level = root.handlers[:], mine.level
    root.handlers.clear()
    configure_log("json")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    root.handlers[:] = before
    mine.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def nothing_hidden() -> Iterator[None]:
    yield
    redaction._secrets.clear()


def test_a_line_is_json_and_has_the_context_that_was_bound(lines: Any) -> None:
    with bound_contextvars(run_id="r-1", agent="g000-001"):
        log.info("said", seq=3, amount=1.5, names=("a", "b"))

    [line] = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "said",
        "level": "info",
        "run_id": "r-1",
        "agent": "g000-001",
        "seq": 3,
        "amount": 1.5,
        "names": ["a", "b"],
    }


def test_the_level_can_be_changed_while_it_runs(lines: Any) -> None:
    log.debug("not yet")
    set_level("debug")
    log.debug("now")
    set_level("error")
    log.warning("no more")

    assert [line["event"] for line in lines()] == ["now"]


@pytest.mark.parametrize(
    ("said", "logged"), [("json", ["loud"]), ("json,info", ["soft", "loud"]), ("error,json", [])]
)
def test_a_daemon_logs_from_its_own_level_up_unless_the_environment_has_one(
    lines: Any, monkeypatch: pytest.MonkeyPatch, said: str, logged: list[str]
) -> None:
    monkeypatch.setenv("ARENA_LOG", said)
    configure_log(daemon_words("warning"))
    log.info("soft")
    log.warning("loud")

    assert [line["event"] for line in lines()] == logged


def test_what_others_log_is_json_too_and_keeps_secrets(lines: Any) -> None:
    with structlog.contextvars.bound_contextvars(run_id="r-1"):
        logging.getLogger("httpx").warning("POST https://me:%s@example.org/", CANARY)

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": f"POST https://{HIDDEN}@example.org/",
        "level": "warning",
        "logger": "httpx",
        "run_id": "r-1",
    }


SLOTS: list[dict[str, Any]] = [
    {"token": CANARY},
    {"api_key": CANARY},
    {"key": CANARY},
    {"Authorization": f"Bearer {CANARY}"},
    {"headers": {"authorization": CANARY, "cookie": CANARY}},
    {"settings": {"http": [{"password": CANARY}]}},
    {"client_secret": [CANARY]},
    {"error": f"401 for Bearer {CANARY}: no"},
    {"error": "Basic Y2FuYXJ5LTVmMWM5ZTBiN2E6eA=="},
    {"url": f"https://user:{CANARY}@example.org/x"},
    {"url": f"https://user:p@{CANARY}@example.org/x"},
    {"url": f"https://example.org/x?a=1&access_token={CANARY}#y"},
    {"deep": {"a": {"b": {"c": {"d": {"e": {"f": {"token": CANARY}}}}}}}},
    {"value": SecretStr(CANARY)},
    {"error": repr(ConnectionError(f"wss://u:{CANARY}@host"))},
    {"event_data": ValueError(f"Bearer {CANARY}")},
]


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: next(iter(slot)))
def test_no_slot_shows_a_secret(slot: dict[str, Any]) -> None:
    line = json.dumps(dict(redact(None, "info", {"event": "said", **slot})))

    assert "canary" not in line
    assert "Y2FuYXJ5" not in line


@pytest.mark.parametrize("piece", ["a.", "?key", "key", "bearer ", "x://", "@", "&sig"])
def test_a_long_text_of_somebody_else_is_looked_through_in_no_time(piece: str) -> None:
    text = piece * (400_000 // len(piece))  # In squares of its length that would be minutes.

    assert scrub(f"{text} https://u:{CANARY}@host {text}?key={CANARY}").count(HIDDEN) >= 2


def test_what_is_hidden_is_shown_nowhere_not_even_in_a_traceback(lines: Any) -> None:
    hide(CANARY)
    try:
        raise RuntimeError(f"could not reach {CANARY}")  # noqa: TRY301
    except RuntimeError:
        log.exception("broke", place=f"/x/{CANARY}/y", **{f"of-{CANARY}"[:3]: [CANARY]})

    [line] = lines()
    assert CANARY not in json.dumps(line)
    assert line["place"] == f"/x/{HIDDEN}/y"
    assert f"could not reach {HIDDEN}" in line["exception"]


def test_only_the_latest_secrets_are_kept_and_short_ones_are_none() -> None:
    hide("seven77")
    for n in range(redaction.SECRETS_MAX + 1):
        hide(f"secret-number-{n:04d}")

    assert len(redaction._secrets) == redaction.SECRETS_MAX
    assert scrub("seven77 secret-number-0000 secret-number-0001") == (
        f"seven77 secret-number-0000 {HIDDEN}"
    )


@given(st.text(alphabet="abc xyz:/.-_0123456789", max_size=60))
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert scrub(text) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=12,
    )
)
def test_whatever_is_logged_can_be_written(value: Any) -> None:
    json.dumps(dict(redact(None, "info", {"event": "said", "value": value})))


@pytest.mark.asyncio
async def test_no_answer_and_no_line_shows_what_a_request_brought_as_a_secret(
    lines: Any, tmp_path: Path
) -> None:
    set_level("debug")
    app = make_app(Source(tmp_path / "run"), plugs=(Plug(routers=(health.router, metrics.router)),))
    guarded = Guard(app, hosts=own_hosts(8420, ()), limits=LIMITS)
    headers = {"Authorization": f"Bearer {CANARY}", "X-Token": CANARY, "Cookie": f"a={CANARY}"}
    paths = ("/livez", "/readyz", "/metrics", "/api/v1/status", "/api/v1/agents", "/nowhere")
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=guarded)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8420", headers=headers
        ) as client:
            answers = [await client.get(path, params={"token": CANARY}) for path in paths]

    said = "".join(one.text + str(one.headers) for one in answers)
    assert CANARY not in said
    assert {one.status_code for one in answers} & {404, 422, 503}
    assert CANARY not in json.dumps(lines())
