"""The status page: one page that says where the run stands, for whoever has only a browser.

The rule: it is written here, whole, from one view of the run, and every word in it that came from
somewhere else is escaped.  It needs no script; where there is one, it asks for the page again when
something has changed.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from actors.app.http import page_parts
from actors.app.http.health import vitals_of, why_not_ready
from actors.app.http.problems import ProblemError
from actors.app.http.reading import Given, Reading
from actors.app.http.replica import View
from actors.app.inspecting import entry_data

EVENTS = 20
LEADERS = 10

ASSETS = {"page.css": "text/css", "page.js": "text/javascript"}
"""The files that the page loads, and what they are."""

_FOLDER = Path(__file__).resolve().parent / "assets"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_page(request: Request, reading: Given) -> Response:
    """Show where the run stands."""
    view = reading.follower.view
    if view is None:
        return _html("treasury-arena", page_parts.waiting(reading.follower.trouble), 503)
    said = await reading.writer.ask("status")
    reasons = why_not_ready(vitals_of(request.app.state.pulse, reading.follower))
    body = await to_thread.run_sync(_body, reading, view, said.result, reasons)
    return _html(view.treasury.experiment.name, body, 200)


@router.get("/assets/{name}")
def show_asset(name: str) -> Response:
    """Give one of the files that the page loads; there are no others."""
    if name not in ASSETS:
        raise ProblemError(404, "not_found", "nothing is there")
    return Response((_FOLDER / name).read_bytes(), media_type=ASSETS[name])


def _body(reading: Reading, view: View, writer: dict[str, Any] | None, reasons: list[str]) -> str:
    with reading.readers.lend(view.head) as run:
        found = run.entries(limit=EVENTS, newest_first=True)
        events = [entry_data(entry) for entry in found if entry.seq <= view.seq]
    return "\n".join(
        (
            page_parts.standing(view, writer, reasons),
            page_parts.capital(view),
            page_parts.population(view),
            page_parts.leaders(view.board[:LEADERS]),
            page_parts.events(events),
        )
    )


def _html(title: str, body: str, status: int) -> Response:
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} - treasury-arena</title>
<link rel="stylesheet" href="/assets/page.css">
<script src="/assets/page.js" defer></script>
</head>
<body>
<main>
{body}
</main>
<footer>
<a href="/api/v1/openapi.json">API</a> <a href="/api/v1/status">status</a>
<a href="/metrics">metrics</a> <a href="/readyz">health</a>
</footer>
</body>
</html>
"""
    return Response(text, status, media_type="text/html")
