"""The oracle sees each thing that can be wrong with a record, and nothing that is right."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from actors.simulator import Evidence, judge

GENESIS = "00" * 32
AT = "2020-01-01T00:00:00.000000Z"
NAMES = (
    "prev_hash", "seq", "event_id", "event_type", "type_version", "agent_id", "timestamp",
    "command_id", "caused_by", "data",
)  # fmt: skip
OPENED = {"name": "x", "reserve": 50, "proving": 20, "arena": 30}
GIVEN = {"agent_id": "ada", "amount": 7, "source": "pool:arena", "reason": "direct"}


def entry(prev: str, seq: int, kind: str, data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "prev_hash": prev,
        "seq": seq,
        "event_id": f"e{seq}",
        "event_type": kind,
        "type_version": 1,
        "agent_id": data.get("agent_id"),
        "timestamp": AT,
        "command_id": f"c{seq}",
        "caused_by": None,
        "data": json.dumps(data, sort_keys=True, separators=(",", ":")),
        **changes,
    }
    parts = [None if row[name] is None else str(row[name]).encode() for name in NAMES]
    sizes = [(-1 if p is None else len(p)).to_bytes(4, "big", signed=True) for p in parts]
    text = b"arena.event.v1" + b"".join(sizes) + b"".join(p or b"" for p in parts)
    return {**row, "hash": hashlib.sha256(text).hexdigest()}


FIRST = entry(GENESIS, 1, "ArenaOpened", OPENED)
SECOND = entry(FIRST["hash"], 2, "CapitalAllocated", GIVEN)
TOLD = {
    "id": "c2",
    "body": "give ada 7",
    "sent": 3,
    "ended": 4,
    "outcome": "ok",
    "durable": 2,
    "seq": 2,
    "hash": SECOND["hash"],
    "refusal": None,
    "events": (SECOND["data"],),
}
ROWS = (
    (1, 1, "real", "endowment", "reserve", 50, "opening"),
    (1, 2, "real", "endowment", "pool:proving", 20, "opening"),
    (1, 3, "real", "endowment", "pool:arena", 30, "opening"),
    (2, 1, "real", "pool:arena", "agent:ada", 7, "direct"),
)
SOUND = Evidence(
    genesis=GENESIS,
    entries=(FIRST, SECOND),
    ledger=ROWS,
    commands=(("c1", "h1", 1, 1), ("c2", "h2", 2, 2)),
    endowed=100,
    deliveries=(TOLD, {**TOLD, "sent": 5, "ended": 6}),
    sightings=((1, 1), (1, 2)),
    stamps=frozenset({AT}),
    limits={"lane": (64, 64)},
)


def second(**changes: Any) -> tuple[dict[str, Any], ...]:
    """Return the entries with another second one, whose hash is right again."""
    data = changes.pop("data", GIVEN)
    return FIRST, entry(FIRST["hash"], 2, "CapitalAllocated", data, **changes)


def told(**changes: Any) -> tuple[dict[str, Any], ...]:
    return (TOLD, {**TOLD, "sent": 5, "ended": 6, **changes})


def test_nothing_is_wrong_with_a_sound_record() -> None:
    assert judge(SOUND) == []


@pytest.mark.parametrize(
    ("breaks", "changes"),
    [
        ("I1", {"entries": (FIRST, {**SECOND, "seq": 3})}),
        ("I2", {"entries": (FIRST, {**SECOND, "data": SECOND["data"].replace("7", "8")})}),
        ("I2", {"genesis": "11" * 32}),
        ("I3", {"ledger": ROWS[:3]}),
        ("I3", {"ledger": (*ROWS[:3], (2, 1, "real", "pool:arena", "agent:ada", 8, "direct"))}),
        ("I3", {"ledger": (*ROWS, (3, 1, "real", "market", "agent:ada", 8, "pnl"))}),
        ("I4", {"entries": second(data={**GIVEN, "amount": 31})}),
        ("I4", {"endowed": 99}),
        ("I5", {"deliveries": told(hash="ff")[1:]}),
        ("I5", {"deliveries": told(events=())[1:]}),
        ("I5", {"deliveries": told(durable=1)[1:]}),
        ("I5", {"commands": (("c1", "h1", 1, 2), ("c2", "h2", 2, 2))}),
        ("I5", {"deliveries": ({**TOLD, "id": "c3"},)}),
        ("I6", {"commands": (("c1", "h1", 1, 1),), "deliveries": ()}),
        ("I6", {"deliveries": ({**TOLD, "outcome": "not_executed"},)}),
        ("I6", {"deliveries": ({**TOLD, "refusal": "agent_is_dead"},)}),
        ("I7", {"unresolved": ["c9"]}),
        ("I8", {"deliveries": told(refusal="agent_is_dead")}),
        ("I8", {"deliveries": told(body="give ada 8")}),
        ("I8", {"deliveries": told(outcome="conflict")}),
        ("I9", {"deliveries": (TOLD, {**TOLD, "id": "c1", "sent": 5, "outcome": "unknown"})}),
        ("I10", {"sightings": ((2, 1),)}),
        ("I10", {"states": ("aa", "bb")}),
        ("I11", {"entries": second(caused_by=2)}),
        ("I12", {"entries": second(timestamp="2019-01-01T00:00:00.000000Z")}),
        ("I12", {"stamps": frozenset({"2021"})}),
        ("I13", {"left": ["a task"]}),
        ("I14", {"limits": {"lane": (65, 64)}}),
        ("I15", {"books": {"real": {"reserve": 50}}}),
    ],
)
def test_what_is_wrong_is_named(breaks: str, changes: dict[str, Any]) -> None:
    found = judge(replace(SOUND, **changes))

    assert breaks in {fault.split()[0] for fault in found}, found


def test_whoever_is_quarantined_gets_nothing_and_keeps_nothing() -> None:
    bought = {"fills": [{"agent_id": "ada", "instrument": "X", "quantity": 2.0, "fee": 0,
                         "slippage": 0, "gas": 0}]}  # fmt: skip
    nobody = {"agents": [], "pnl": [], "costs": [], "bad_debt": []}
    chain = [FIRST]
    for kind, data in (
        ("TickSettled", {**bought, "real": nobody, "virtual": nobody}),
        ("AgentQuarantined", {"agent_id": "ada"}),
        ("CapitalAllocated", GIVEN),
    ):
        chain.append(entry(chain[-1]["hash"], len(chain) + 1, kind, data))
    commands = [(f"c{n}", "h", n, n) for n in range(1, 5)]
    ledger = [*ROWS[:3], (4, *ROWS[3][1:])]
    found = judge(Evidence(GENESIS, chain, ledger, commands, endowed=100))

    assert found == [
        "I4 seq 4: ada is dead or quarantined and kept a position",
        "I4 seq 4: ada is dead or quarantined and was given capital",
    ]
