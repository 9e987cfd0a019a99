"""What an interpreter of the gate does: read a request, import the strategy, play, answer.

`python -m actors.app.gate.child` reads one JSON object a line, and answers each with one.  Nothing
that the strategy reads or prints gets in between.  Each play has a process of its own, so one
strategy does not meet what another one left behind.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from actors.app.gate.asking import Interpreter, Request
from actors.app.gate.checking import plan, probe, tell
from actors.app.gate.isolating import Apart
from actors.app.gate.playing import Played
from actors.app.gate.sources import load
from actors.app.gate.watching import Watch
from arena.exceptions import ValidationError
from arena.seed import Seed

OTHER_HASH_SEED = 2


def main() -> None:
    """Answer requests until there are no more."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    with ExitStack() as stack:
        others: list[Interpreter] = []
        for line in requests:
            request = Request.from_json(line)
            sys.path[:] = request.path
            if request.task == "probe" and not others:
                others.append(stack.enter_context(Interpreter(OTHER_HASH_SEED)))
            try:
                answer = _probe(request, others[0]) if others else _tell(request)
            except ValidationError as error:
                answer = {"error": str(error)}
            answers.write(f"{json.dumps(answer)}\n")
            answers.flush()


def _tell(request: Request) -> dict[str, Any]:
    kind = load(request.address)
    tried = plan(kind, request.settings, request.worlds, Seed(request.seed), quick=False)
    told = tell(kind, tried, Apart(), request.step_budget_s)
    return {"told": [None if each is None else each.to_plain() for each in told]}


def _probe(request: Request, other: Interpreter) -> dict[str, Any]:
    telling = replace(request, task="tell")
    other.begin(telling)

    def again() -> list[Played | None]:
        told = other.answer(telling)["told"]
        return [None if each is None else Played.from_plain(each) for each in told]

    watch = Watch(request.address.file)
    watch.listen()
    kind = watch.call(load, request.address)
    found = None if watch.found is None else f"while it is imported it {watch.found}"
    tried = plan(kind, request.settings, request.worlds, Seed(request.seed), quick=False)
    checks = probe(kind, tried, Apart(), request.step_budget_s, imported=found, again=again)
    return {"checks": [[each.name, each.passed, each.detail] for each in checks]}


if __name__ == "__main__":
    main()
