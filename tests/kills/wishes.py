"""What a client asks for: a mix of every command that moves money or stands beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

USD = 1_000_000
AGENTS = tuple(f"g000-{number:03d}" for number in range(1, 10))


@dataclass(frozen=True)
class Wish:
    """One command: sent under its id until somebody says what became of it."""

    id: str
    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    lane: str = "api"

    def line(self) -> dict[str, Any]:
        """Return it as the server reads it."""
        return {"id": self.id, "kind": self.kind, "fields": self.fields, "lane": self.lane}


def first_wishes() -> list[Wish]:
    """Return what comes before everything else: an open treasury, and agents with capital."""
    steps = [("proving", AGENTS[:6]), ("arena", AGENTS[:3])]
    wishes = [
        Wish(f"{layer}-{agent}", "GraduateAgent", {"agent_id": agent, "layer": layer})
        for layer, agents in steps
        for agent in agents
    ]
    return [Wish("open", "OpenArena", lane="control"), *wishes]


def draw_wish(random: Random, number: int) -> Wish:
    """Draw the wish that gets this number; a cycle comes often enough for those who wait for it."""
    command_id = f"wish-{number}"
    if number % 16 == 0:
        kind = random.choice(("RunCycle", "RunCycle", "Audit"))
        return Wish(command_id, kind, lane="control")
    agent = random.choice((*AGENTS, "nobody"))
    amount = random.choice((1, 999_999, 250 * USD, 3_000 * USD, 10**12)) + random.randrange(9)
    kind = random.choices(
        (
            "AllocateCapital",
            "ReturnCapital",
            "RequestCapital",
            "GraduateAgent",
            "RecordNote",
            "Halt",
        ),
        weights=(30, 25, 5, 10, 20, 5),
    )[0]
    match kind:
        case "AllocateCapital" | "ReturnCapital":
            return Wish(command_id, kind, {"agent_id": agent, "amount": amount})
        case "RequestCapital":
            return Wish(command_id, kind, {"agent_id": agent, "amount": amount}, lane="agents")
        case "GraduateAgent":
            layer = random.choice(("proving", "arena"))
            return Wish(command_id, kind, {"agent_id": agent, "layer": layer})
        case "RecordNote":
            return Wish(command_id, kind, {"kind": "note", "data": {"n": random.randrange(99)}})
        case _:
            kind = random.choice(("HaltTrading", "ResumeTrading"))
            return Wish(command_id, kind, {"reason": "somebody said so"})
