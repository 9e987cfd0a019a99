"""The outside client: it knows what it was told, and holds the server to every word.

An answer counts once it is in the client's own file, synced.  After each kill every command without
an answer is sent again under its id, and some that were answered too: those must be answered as
before, and be called duplicates.  The window keeps many in flight, so that a kill finds commands in
every stage: on the line, in the mailbox, decided, in a transaction, committed, answered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.kills.wishes import Wish, draw_wish, first_wishes

WINDOW = 48
"""How many commands are under way."""

WISHES_PER_RUN = 3_000
"""Where a run has as many, its start takes long enough."""


class Client:
    """One run's client: what it sent, what it was told, and the file in which it wrote that down.

    Attributes:
        deliveries: Every time that something was sent, and what came of it: rows for the oracle.
        told: The first answer to each command.
        problems: What was wrong with an answer.
        repeats: How many answers said that they had been given before.
        state: What the server said of its state.
    """

    def __init__(self, folder: Path, random: Random) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.deliveries: list[dict[str, Any]] = []
        self.told: dict[str, dict[str, Any]] = {}
        self.problems: list[str] = []
        self.repeats = 0
        self.state: dict[str, Any] = {}
        self._random = random
        self._wishes: dict[str, Wish] = {}
        self._due = first_wishes()
        self._moment = 0
        self._waiting: dict[int, dict[str, Any]] = {}
        self._record = os.open(folder / "told.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._record)

    def next_life(self) -> None:
        """Begin with a new server: what waited for the old one has to be sent again."""
        for row in self._waiting.values():
            row["outcome"] = "unknown"
        unsure = dict.fromkeys(row["id"] for row in self._waiting.values())
        known = self._random.sample([*self.told], min(len(self.told), 5))
        again = [*(each for each in unsure if each not in self.told), *known]
        self._waiting = {}
        self._due = [*(self._wishes[each] for each in again), *self._due]
        if len(self.told) > len(first_wishes()):
            self._random.shuffle(self._due)

    def last_life(self) -> None:
        """Begin with the last server: nothing new, and a cycle for those who wait for one."""
        self.next_life()
        self._due.append(Wish("last", "RunCycle", lane="control"))

    def requests(self, *, drawing: bool) -> Iterator[bytes]:
        """Yield what to send now: what is due, then new wishes, until the window is full."""
        while len(self._waiting) < WINDOW or (self._due and not drawing):
            if self._due:
                yield self._send(self._due.pop(0))
            elif drawing and not self.sated:
                yield from self._send_new(draw_wish(self._random, len(self._wishes)))
            else:
                return

    @property
    def done(self) -> bool:
        """Whether everything that was sent was answered."""
        return not (self._due or self._waiting)

    @property
    def sated(self) -> bool:
        """Whether it has nothing new to ask for, so that a kill would find an idle server."""
        return len(self._wishes) >= WISHES_PER_RUN

    def _send_new(self, wish: Wish) -> Iterator[bytes]:
        yield self._send(wish)
        if self._random.random() < 0.1:
            yield self._send(wish)  # Twice at once.
        if self._random.random() < 0.05 and wish.lane == "api":
            yield self._send(Wish(wish.id, "RecordNote", {"kind": "another body"}), twisted=True)

    def _send(self, wish: Wish, *, twisted: bool = False) -> bytes:
        """Return the line that sends `wish`; a twisted one has the id of another."""
        if not twisted:
            self._wishes[wish.id] = wish
        row = {"id": wish.id, "body": f"{wish.kind} {wish.fields}", "sent": self._now()}
        row |= {"ended": None, "outcome": "waiting", "durable": 0}
        row |= {"twisted": twisted, "again": wish.id in self.told}
        self.deliveries.append(row)
        self._waiting[row["sent"]] = row
        return json.dumps({"n": row["sent"], **wish.line()}).encode() + b"\n"

    def hear(self, lines: list[bytes]) -> None:
        """Take note of answers: first in the file, then in what counts."""
        os.write(self._record, b"".join(lines))
        os.fsync(self._record)
        for line in lines:
            answer = json.loads(line)
            if answer["outcome"] == "state":
                self.state = answer
            else:
                self._hear(self._waiting.pop(answer["n"]), answer)

    def _hear(self, row: dict[str, Any], answer: dict[str, Any]) -> None:
        row |= {"ended": self._now(), "outcome": answer["outcome"]}
        if answer["outcome"] != ("conflict" if row["twisted"] else "ok"):
            self.problems.append(f"{row['id']} was answered with {answer}")
        if answer["outcome"] == "ok":
            row |= {name: answer[name] for name in ("seq", "hash", "refusal")}
            row |= {"durable": answer["seq"], "events": tuple(answer["events"])}
            self.repeats += answer["duplicate"]
            self.told.setdefault(row["id"], answer)
            if row["again"] and not answer["duplicate"]:
                self.problems.append(f"{row['id']} was executed again")

    def _now(self) -> int:
        self._moment += 1
        return self._moment
