"""What an interpreter of the gate does: read a request, import the strategy, play, answer.

`python -m actors.app.gate.child` reads one JSON object and writes one.  Nothing that the strategy
prints gets in between.
"""

from __future__ import annotations

import json
import os
import sys
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
    """Answer one request."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    request = Request.from_json(sys.stdin.read())
    sys.path[:] = request.path
    try:
        answer = _answer(request)
    except ValidationError as error:
        answer = {"error": str(error)}
    json.dump(answer, answers)
    answers.close()


def _answer(request: Request) -> dict[str, Any]:
    watch = Watch(request.address.file)
    if request.task == "tell":
        kind = load(request.address)
        chosen = plan(kind, request.settings, request.worlds, Seed(request.seed), quick=False)
        told = tell(kind, chosen, Apart(), request.step_budget_s)
        return {"told": [None if each is None else each.to_plain() for each in told]}
    watch.listen()
    kind = watch.call(load, request.address)
    imported = None if watch.found is None else f"while it is imported it {watch.found}"
    chosen = plan(kind, request.settings, request.worlds, Seed(request.seed), quick=False)
    with Interpreter(replace(request, task="tell"), hash_seed=OTHER_HASH_SEED) as other:

        def again() -> list[Played | None]:
            told = other.answer()["told"]
            return [None if each is None else Played.from_plain(each) for each in told]

        checks = probe(kind, chosen, Apart(), request.step_budget_s, imported=imported, again=again)
    return {"checks": [[each.name, each.passed, each.detail] for each in checks]}


if __name__ == "__main__":
    main()
