"""The report of a trial: a page that says what was asked, what was found, and where.

It is written by `arena ready` and by nobody else.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np

from actors.app.ready.found import Trial
from actors.app.ready.trial import STEPS
from actors.journal.condition import sqlite_version
from arena import __version__
from arena.money import render_usd

_MEANING = {
    "backtest": "the run without a daemon, for comparison",
    "kill": "the first daemon, from its start to SIGKILL",
    "resume": "the second daemon, from its start to its end",
    "verify": "the whole journal, read from the disk and folded",
}


def facts(trial: Trial) -> dict[str, Any]:
    """Return what was found as plain JSON data."""
    return {
        "passed": trial.passed,
        "agents": trial.agents,
        "days": trial.days,
        "seed": trial.seed,
        "checks": [
            {"name": c.name, "needed": c.needed, "found": c.found, "passed": c.passed}
            for c in trial.checks
        ],
        "events": dict(sorted(trial.counts.items())),
        "capital": trial.capital,
        "head": f"{trial.said.seq}:{trial.said.hash}",
        "seconds": trial.seconds,
    }


def report_page(trial: Trial, now: datetime) -> str:
    """Return the report as a page of Markdown.

    Args:
        trial: What was found.
        now: When.
    """
    return "\n".join([*_lines(trial, now), ""])


def _lines(trial: Trial, now: datetime) -> Iterator[str]:
    verdict = "READY" if trial.passed else "NOT READY"
    yield f"# System ready report: {verdict}"
    yield ""
    yield (
        f"Written by `arena ready` {__version__} on {now:%d %B %Y}; nobody edited it. A daemon"
        f" served {trial.agents} agents for {trial.days} days (seed {trial.seed}), was killed on"
        " its way and started again. What is said below was read from the journal that it left."
    )
    yield ""
    yield "| | What | Needed | Found |"
    yield "| --- | --- | --- | --- |"
    for check in trial.checks:
        mark = "held" if check.passed else "**BROKEN**"
        yield f"| {mark} | {check.name} | {check.needed} | {_cell(check.found)} |"
    yield ""
    yield f"Head of both histories: `{trial.said.seq}:{trial.said.hash}`."
    yield from _table("Events on record", ("Type", "Events"), sorted(trial.counts.items()))
    capital = [(name.replace("_", " "), render_usd(sum_)) for name, sum_ in trial.capital.items()]
    yield from _table("Where the capital is", ("", "Capital"), capital)
    spent = [(_MEANING[step], f"{trial.seconds[step]:.1f} s") for step in STEPS]
    yield from _table("What it took", ("Step", "Time"), spent)
    yield ""
    yield (
        f"{os.cpu_count()} cores, {platform.system()}, {platform.python_implementation()}"
        f" {platform.python_version()}, SQLite {'.'.join(map(str, sqlite_version()))},"
        f" numpy {np.__version__}."
    )


def _table(title: str, heads: tuple[str, str], rows: Any) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield f"| {heads[0]} | {heads[1]} |"
    yield "| --- | ---: |"
    for name, value in rows:
        yield f"| {name} | {value} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
