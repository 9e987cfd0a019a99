"""Accounts: what the clients of a soak were told is held against what is on record.

It begins at what was told, and looks each of it up: an acknowledgement names an entry by its hash,
and a command stands there with as many events as its answer had, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from actors.app.http.entries import entry_json
from actors.app.proof import prove
from actors.journal.reader import open_run
from tests.daemon.clients import Changer, Follower

OPERATOR = "op/"
"""How the ids of commands begin that an operator sent."""


class Account(NamedTuple):
    """What was found.

    Attributes:
        acked: Changes that were acknowledged.
        lost: How many of them are not on record as they were told.
        twice: How many were done more than once.
        problems: What else is wrong.
    """

    acked: int
    lost: int
    twice: int
    problems: list[str]


def settle(folder: Path, changers: Sequence[Changer], follower: Follower) -> Account:
    """Hold the run in `folder` against what everybody was told."""
    hashes, caused, digests = _on_record(folder)
    told = {name: answer for each in changers for name, answer in each.told.items()}
    asked = {OPERATOR + name for each in changers for name in each.asked}
    lost = twice = 0
    for name, answer in told.items():
        events = caused[OPERATOR + name]
        is_there = hashes.get(answer["seq"]) == answer["hash"]
        lost += not is_there or events < len(answer["events"])
        twice += events > len(answer["events"])
    problems = [problem for each in (*changers, follower) for problem in each.problems]
    problems += [f"{name} is on record, and nobody asked" for name in caused.keys() - asked]
    if digests[: follower.seq] != follower.digests:
        problems.append("the stream told another history than the journal has")
    if len(digests) != follower.seq:
        problems.append(f"the stream ended at {follower.seq}, the journal at {len(digests)}")
    problems += map(str, prove(str(folder), deep=True).findings)
    return Account(len(told), lost, twice, problems)


def _on_record(folder: Path) -> tuple[dict[int, str], Counter[str], list[bytes]]:
    """Return hashes by seq, how many events each operator's command caused, and all digests."""
    hashes: dict[int, str] = {}
    caused: Counter[str] = Counter()
    digests: list[bytes] = []
    with open_run(folder) as run:
        for entry in run.entries():
            hashes[entry.seq] = entry.hash
            digests.append(sha256(entry_json(entry).encode()).digest())
            if entry.command_id is not None and entry.command_id.startswith(OPERATOR):
                caused[entry.command_id] += 1
    return hashes, caused, digests
