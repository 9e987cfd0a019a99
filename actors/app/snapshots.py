"""Snapshots: the treasury, its agents' memories and what they decided and waits, to resume with.

They spare the way from the first event, and nothing else: a run whose snapshots are gone resumes
from its beginning and comes to the same end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from actors.journal.chain import Head
from actors.journal.port import Snapshot
from actors.messages.desk import Decided
from arena.agents import Agent, Record
from arena.exceptions import EventSourcingError
from arena.experiment import Experiment, from_plain, plain
from arena.ids import AgentId
from arena.limits import ProtocolLimit
from arena.money import Money
from arena.orders import Order
from arena.strategies import HOLD, Decision, Hold, Memory, Quote, Quotes, Targets
from arena.treasury import Treasury
from arena.words import Book

VERSION = 1
"""Of what a snapshot holds, and of how events change it: another one is not used."""

_KINDS: dict[str, Any] = {
    "books": dict[Book, dict[str, int]],
    "agents": dict[AgentId, Agent],
    "dead": dict[AgentId, Agent],
    "requests": dict[AgentId, Money | None],
    "fund": Record,
    "checked": dict[str, tuple[str, ...]],
    "pending": dict[str, Order],
    "protocol_limits": dict[str, ProtocolLimit],
    "slot": tuple[int, int],
}
"""The fields of a treasury that JSON does not give back as they were."""


class NotPlainError(EventSourcingError):
    """An agent remembers something that JSON cannot hold: such a run has no snapshots."""

    def __init__(self, agent_id: AgentId, why: str) -> None:
        super().__init__(f"the memory of {agent_id} is not plain JSON data: {why}")
        self.agent_id = agent_id


def take_snapshot(
    treasury: Treasury,
    head: Head,
    memories: Mapping[AgentId, Memory],
    delayed: Sequence[Decided] = (),
) -> Snapshot:
    """Return what a run needs to go on from `head`, where nobody is in the middle of anything.

    Args:
        treasury: As of `head`.
        head: The journal's.
        memories: What each agent remembers.
        delayed: What they decided and waits beyond the next open, the oldest first.

    Raises:
        NotPlainError: An agent's memory would not come back as it is.
    """
    for agent_id, memory in memories.items():
        check_plain(agent_id, memory)
    state: dict[str, Any] = {
        "treasury": treasury.to_plain(),
        "memories": memories,
    }
    if delayed:
        state["delayed"] = [_decided_plain(each) for each in delayed]
    text = json.dumps(state, separators=(",", ":"), allow_nan=False)  # Unsorted: orders matter.
    return Snapshot(head.seq, treasury.tick, VERSION, text, head.hash)


def check_plain(agent_id: AgentId, memory: Memory) -> None:
    """Refuse a memory that would not come back from JSON as it is.

    Raises:
        NotPlainError: It would not.
    """
    try:
        again = json.loads(json.dumps(memory, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise NotPlainError(agent_id, str(error)) from error
    if again != memory:
        raise NotPlainError(agent_id, "it comes back as something else")
    if _is_shared([memory], set()):
        raise NotPlainError(agent_id, "two places of it are one list or dict, and come back as two")


def _is_shared(left: list[Any], seen: set[int]) -> bool:
    """Return whether a list or dict is in more than one place below those in `left`."""
    while left:
        value = left.pop()
        if not isinstance(value, (list, dict)):
            continue
        if id(value) in seen:
            return True
        seen.add(id(value))
        left += value.values() if isinstance(value, dict) else value
    return False


def treasury_in(snapshot: Snapshot, experiment: Experiment) -> Treasury:
    """Return the treasury that `snapshot` holds.

    Raises:
        EventSourcingError: It holds none that this version can read.
    """
    try:
        facts = json.loads(snapshot.state)["treasury"]
        treasury = Treasury(experiment)
        for name in Treasury.STATE:
            if name in Treasury.LATER and name not in facts:
                continue
            kind, value = _KINDS.get(name), facts[name]
            setattr(treasury, name, value if kind is None else from_plain(kind, value))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EventSourcingError("the snapshot cannot be read", seq=snapshot.seq) from error
    return treasury


def memories_in(snapshot: Snapshot) -> dict[AgentId, Memory]:
    """Return the memories that `snapshot` holds, by agent.

    Raises:
        EventSourcingError: It holds none that this version can read.
    """
    try:
        memories: dict[AgentId, Memory] = dict(json.loads(snapshot.state)["memories"])
    except (KeyError, TypeError, ValueError) as error:
        raise EventSourcingError("the snapshot cannot be read", seq=snapshot.seq) from error
    return memories


def delayed_in(snapshot: Snapshot) -> tuple[Decided, ...]:
    """Return what was decided before `snapshot` and waits beyond the next open, the oldest first.

    Raises:
        EventSourcingError: It holds something that this version cannot read.
    """
    try:
        return tuple(
            Decided(
                {AgentId(name): _decision_of(one) for name, one in each["decisions"].items()},
                each["seq"],
            )
            for each in json.loads(snapshot.state).get("delayed", ())
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EventSourcingError("the snapshot cannot be read", seq=snapshot.seq) from error


def _decided_plain(decided: Decided) -> dict[str, Any]:
    decisions = {name: _decision_plain(one) for name, one in decided.decisions.items()}
    return {"decisions": decisions, "seq": decided.seq}


def _decision_plain(decision: Decision) -> dict[str, Any]:
    """Return a decision as JSON knows it; targets are null where it holds."""
    if isinstance(decision, Quotes):
        return {"quotes": plain(decision.by_instrument), **_decision_plain(decision.targets)}
    return {"targets": None if isinstance(decision, Hold) else dict(decision)}


def _decision_of(facts: Mapping[str, Any]) -> Decision:
    targets: Targets | Hold = HOLD if facts["targets"] is None else facts["targets"]
    if "quotes" not in facts:
        return targets
    return Quotes({name: Quote(**each) for name, each in facts["quotes"].items()}, targets)
