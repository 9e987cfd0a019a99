"""The reference page of the daemon knows every request, error, state and limit."""

from __future__ import annotations

import re
from pathlib import Path

from actors.app.control.connection import Limits
from actors.app.control.errors import Code
from actors.app.control.place import PATH_MAX
from actors.app.control.requests import ARGS, REASON_MAX, Args, Op
from actors.app.control.wire import DEPTH_MAX, LINE_MAX, REPLY_MAX
from actors.app.daemon.status import State

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "daemon.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading; of its first column only what is `quoted`."""
    text = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0].split("|---", 1)[1]
    lines = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| `")]
    return [[first.strip(" `"), *(each.strip() for each in others)] for first, *others in lines]


def test_every_request_stands_there_with_what_it_is_told():
    assert [row[0] for row in rows("Requests")] == [*Op]

    for op, args, *_ in rows("Requests"):
        told = set(re.findall(r"`(\w+)`", args))
        assert told == set(ARGS.get(Op(op), Args).model_fields), op


def test_every_error_stands_there_with_what_it_means_elsewhere():
    found = [(code, int(status), int(end)) for code, status, end, _ in rows("Errors")]

    assert found == [(code, code.status, code.exit_code) for code in Code]


def test_every_state_stands_there():
    assert [row[0] for row in rows("States")] == [*State]


def test_every_limit_stands_there():
    text, limits = PAGE.split("\n## Requests\n")[0], Limits()

    for said in (
        f"{LINE_MAX >> 10} KiB, and {limits.line_s:g} s",
        f"{REPLY_MAX >> 20} MiB, and {limits.reply_s:g} s",
        f"| {limits.idle_s:g} s |",
        f"| {limits.connections_max}; one more",
        f"for these there are {limits.kept_free} more",
        f"at most {PATH_MAX} bytes",
        f"at most {REASON_MAX} characters",
        f"more than {DEPTH_MAX} levels",
    ):
        assert said in text, said
