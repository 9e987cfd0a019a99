"""Identity is derived, never drawn: the same run names the same things the same way."""

from __future__ import annotations

import re
from typing import NewType

AgentId = NewType("AgentId", str)
RunId = NewType("RunId", str)

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def agent_id(generation: int, slot: int) -> AgentId:
    """Return the name of the agent born in `slot` (from 1) of `generation` (from 0)."""
    return AgentId(f"g{generation:03d}-{slot:03d}")


def event_id(run_id: RunId, seq: int) -> str:
    """Return the id of event `seq` of a run; ids ascend with `seq`, so their index stays warm."""
    return f"{seq:012x}-{run_id[:8]}"


def is_name(text: str) -> bool:
    """Say whether `text` may name a run, an agent or a strategy."""
    return _NAME.fullmatch(text) is not None
