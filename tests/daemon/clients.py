"""The clients of a soak: each a thread, which goes on across every restart of the daemon.

The rule: nobody is told twice what happened once.  What a client was told it keeps in a file of its
own, synced before it counts, and asks again under the same id until it was told.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

from actors.app.control.client import ControlClient
from actors.app.control.errors import Code, ControlError, NoAnswerError, NotRunningError

ANSWER_S = 120.0
AGAIN_S = 0.05
LATER = {Code.DRAINING, Code.OVERLOADED, Code.NOT_RUNNING, Code.STORAGE_FULL}
"""Answers that say: nothing was done, ask again."""


class Client(Thread):
    """Somebody who asks until told to stop.

    Attributes:
        problems: What was wrong, in words.
    """

    def __init__(self, name: str, stopped: Event) -> None:
        super().__init__(name=name, daemon=True)
        self.problems: list[str] = []
        self.stopped = stopped

    def run(self) -> None:
        """Ask, again and again."""
        try:
            while not self.stopped.is_set():
                self.once()
        except Exception as error:  # noqa: BLE001 - a client that breaks is a finding
            self.problems.append(f"{self.name}: {error!r}")

    def once(self) -> None:
        """Ask once, in the way of this client."""
        raise NotImplementedError


class Changer(Client):
    """Changes something, and keeps what it was told.

    Attributes:
        asked: The ids under which it has asked.
        told: Id -> the answer.
        repeats: How often it asked again for what it had been told.
    """

    def __init__(
        self, name: str, stopped: Event, socket: Path, log: Path, *, agents: int, seed: int
    ) -> None:
        super().__init__(name, stopped)
        self.asked: set[str] = set()
        self.told: dict[str, dict[str, Any]] = {}
        self.repeats = 0
        self._client = ControlClient(socket, timeout_s=ANSWER_S)
        self._log = log
        self._agents = [f"g000-{number:03}" for number in range(1, agents + 1)]
        self._random = Random(seed)

    def once(self) -> None:
        """Make one change, and sometimes ask for one again that was made."""
        name = f"{self.name}-{len(self.asked)}"
        op, args = self._wish()
        self.asked.add(name)
        answer = self._until_told(name, op, args)
        if answer is not None and answer["events"]:
            kept = {"id": name, "op": op, "args": args, **answer}
            with self._log.open("a") as log:
                log.write(json.dumps(kept) + "\n")
                log.flush()
                os.fsync(log.fileno())
            self.told[name] = kept
            self._learn(answer)
        if self.told and self._random.random() < 0.3:
            self._ask_again()
        self.stopped.wait(self._random.uniform(0, 2 * AGAIN_S))

    def _wish(self) -> tuple[str, dict[str, Any]]:
        agent = {"agent_id": self._random.choice(self._agents)}
        wishes: list[tuple[str, dict[str, Any]]] = [
            ("pause-agent", agent),
            ("unpause-agent", agent),
            ("spawn", {"strategy": "tactical-trader", "parameters": {}}),
            ("kill", agent),
            ("panic", {"wind_down": False}),
            ("reset-panic", {}),
            ("evolve", {"dry_run": False}),
        ]
        return self._random.choices(wishes, weights=[5, 5, 2, 2, 1, 3, 0.1])[0]

    def _learn(self, answer: dict[str, Any]) -> None:
        for event in answer["events"]:
            if event["type"] == "AgentSpawned":
                self._agents.append(event["data"]["agent_id"])

    def _until_told(self, name: str, op: str, args: dict[str, Any]) -> dict[str, Any] | None:
        """Ask until there is an answer; None for one that says no."""
        while not self.stopped.is_set():
            try:
                who = {"command_id": name, "by": self.name, "reason": f"soak: {op}"}
                return self._client.ask(op, args, **who)
            except (NotRunningError, NoAnswerError):
                self.stopped.wait(AGAIN_S)
            except ControlError as error:
                if error.code in {Code.REFUSED, Code.NOT_FOUND}:
                    return None
                if error.code not in LATER:
                    self.problems.append(f"{name}, {op}: {error!r}")
                    return None
                self.stopped.wait(AGAIN_S)
        return None

    def _ask_again(self) -> None:
        """Ask for what was done, under its id: the answer must be the one that was given."""
        kept = self._random.choice([*self.told.values()])
        answer = self._until_told(kept["id"], kept["op"], kept["args"])
        if answer is None:
            return
        self.repeats += 1
        for key in ("seq", "hash", "events"):
            if answer[key] != kept[key]:
                self.problems.append(f"{kept['id']}: {key} {answer[key]} was {kept[key]}")
        if not answer["duplicate"]:
            self.problems.append(f"{kept['id']} was done again")


class Follower(Client):
    """Follows the stream from the first entry on.

    Attributes:
        digests: Of what it read, in order: the one of seq 1 stands first.
        connections: How often it was let in.
    """

    def __init__(self, stopped: Event, port: int) -> None:
        super().__init__("follower", stopped)
        self.digests: list[bytes] = []
        self.connections = 0
        self._port = port

    @property
    def seq(self) -> int:
        """The last entry it has read."""
        return len(self.digests)

    def once(self) -> None:
        """Read from where it stood until the connection ends."""
        path, headers = f"/api/v1/stream?after_seq={self.seq}", {}
        if self.connections % 2:  # As a browser says it, which wins over the query.
            path, headers = "/api/v1/stream?after_seq=0", {"Last-Event-ID": str(self.seq)}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            if answer.status == http.client.OK:
                self.connections += 1
                self._read(answer)
        except (OSError, http.client.HTTPException):
            pass  # The daemon was killed: it is asked again.
        finally:
            connection.close()
        self.stopped.wait(AGAIN_S)

    def _read(self, answer: http.client.HTTPResponse) -> None:
        seq, data = 0, b""
        while line := answer.readline():
            if not line.endswith(b"\n"):
                return  # It was cut off in the middle of a line.
            field, _, value = line.rstrip(b"\n").partition(b": ")
            if field == b"id":
                seq = int(value)
            elif field == b"data":
                data = value
            elif not line.strip() and seq:
                self._take(seq, data)
                seq = 0
            if self.stopped.is_set():
                return

    def _take(self, seq: int, data: bytes) -> None:
        if seq != self.seq + 1:
            self.problems.append(f"the stream has {seq} after {self.seq}")
        self.digests.append(sha256(data).digest())


PAGES = ("status", "leaderboard", "agents", "capital", "events?order=desc", "lineage", "ledger")
PATHS = ("/livez", "/readyz", "/metrics", "/", *(f"/api/v1/{page}" for page in PAGES))


class Visitor(Client):
    """Reads one page after the other.

    Attributes:
        statuses: Status -> how often it was the answer.
        took_s: Seconds of each answer that was good.
    """

    def __init__(self, stopped: Event, port: int) -> None:
        super().__init__("visitor", stopped)
        self.statuses: Counter[int] = Counter()
        self.took_s: list[float] = []
        self._port = port

    def once(self) -> None:
        """Read all pages on one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            for path in PATHS:
                began_s = time.monotonic()
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                self._note(path, answer.status, time.monotonic() - began_s)
                self.stopped.wait(AGAIN_S)
        except (OSError, http.client.HTTPException):
            self.stopped.wait(AGAIN_S)
        finally:
            connection.close()

    def _note(self, path: str, status: int, took_s: float) -> None:
        self.statuses[status] += 1
        if status == http.client.OK:
            self.took_s.append(took_s)
        elif status != http.client.SERVICE_UNAVAILABLE:
            self.problems.append(f"GET {path}: {status}")
