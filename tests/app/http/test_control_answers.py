"""What the document says about the answers to changes is what a daemon answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.app.control.requests import Op
from actors.app.http.control_schemas import RESULTS, SUMMARIES, Schema
from tests.system.in_hand import CONFIG, ask, served

AGENT = {"agent_id": "g000-001"}

CHANGES: list[tuple[Op, dict[str, Any]]] = [
    (Op.PAUSE, {}),
    (Op.RESUME, {}),
    (Op.PAUSE, {}),
    (Op.RELOAD, {"dry_run": True}),
    (Op.RELOAD, {}),
    (Op.PANIC, {}),
    (Op.PANIC, {"wind_down": True}),
    (Op.RESET_PANIC, {}),
    (Op.EVOLVE, {"dry_run": True}),
    (Op.EVOLVE, {}),
    (Op.SPAWN, {"strategy": "tactical-trader"}),
    (Op.PAUSE_AGENT, AGENT),
    (Op.UNPAUSE_AGENT, AGENT),
    (Op.KILL, AGENT),
    (Op.STOP, {}),
]


def fits(found: dict[str, Any], schema: Schema) -> bool:
    kinds = {"integer": int, "string": str, "boolean": bool, "array": list, "object": dict}
    return any(
        {*each["required"]} <= {*found} <= {*each["properties"]}
        and all(isinstance(found[name], kinds[each["properties"][name]["type"]]) for name in found)
        for each in schema.get("anyOf", [schema])
    )


@pytest.mark.asyncio
async def test_each_change_is_answered_as_the_document_says(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(CONFIG)
    async with served(tmp_path / "small.toml") as daemon:
        for number, (op, args) in enumerate(CHANGES):
            found = await ask(daemon, op, f"key-{number}", **args)

            assert fits(found, RESULTS[op]), (op, found)

    assert (
        {op for op, _ in CHANGES} == {*RESULTS} == {*SUMMARIES} == {op for op in Op if op.changes}
    )
