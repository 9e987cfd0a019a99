"""A daemon at full speed, killed and started again while everybody asks it.

    python -m tests.daemon.soak --minutes 10 --agents 2000
    python -m tests.daemon.soak --seconds 60 --agents 200

Two thirds of the time it is killed, or told to end, at moments drawn from a seed; then it is left
alone, and memory, files, threads and the write-ahead log have to stay as they are (`vitals.py`).
All the while clients change agents and trading under ids, follow the stream from its beginning and
read pages (`clients.py`).  In the end what they were told is on record, once (`accounts.py`).

One row is printed; the exit code is 1 unless everything held.
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Event
from typing import NamedTuple

from actors.app.exits import ExitCode
from tests.daemon.accounts import Account, settle
from tests.daemon.clients import PATHS, Changer, Client, Follower, Visitor
from tests.daemon.nursery import Nursery
from tests.daemon.served import Served
from tests.daemon.vitals import MIB, Sample, courses, judge, look_at, size_of
from tests.proof import machine, show

DAYS = range(1_500, 10_000)
"""How long the market is: a hundred days for each second, and no price leaves this world."""

CONFIG = """
[run]
name = "soak"
seed = {seed}
days = {days}
[market]
universe = "full"
[daemon]
drain_s = 300
log_level = "warning"
[http]
bind = "127.0.0.1:{port}"
[population]
agents = {agents}
[population.mix]
defi-yield-farmer = 1
tactical-trader = 1
liquidity-provider = 1
arbitrage-hunter = 1
derivatives-player = 1
moonshot-venture = 1
market-maker = 1
staking-agent = 1
[evolution]
agents_max = {agents_max}
[ladder]
gate_required = false
"""
CHANGERS = 3
LIVES = 40
"""Of what is killed there are about so many lives."""

SAMPLES = 20
"""How often a life is looked at that is left alone, at the least; each second of a longer one."""

FOLLOWS_WITHIN_S = 300.0
"""How long who follows may take to read what was written before it was asked to come to an end."""

HEADING = (
    "Agents", "Seconds", "Days", "Entries", "Kills", "Terms", "Acknowledged", "Repeats", "Lost",
    "Twice", "Streams", "Writer, MiB", "Web, MiB", "Files", "Threads", "WAL at most, MiB",
    "Verdict",
)  # fmt: skip


class Standing(NamedTuple):
    """Where a run stands.

    Attributes:
        days: That have been settled.
        entries: Of the journal.
    """

    days: int
    entries: int


class Soak:
    """One soak.

    Attributes:
        kills: How often the daemon was killed.
        terms: How often it was told to end.
        problems: What was wrong, in words.
    """

    def __init__(
        self, nursery: Nursery, folder: Path, *, agents: int, seed: int, days: int
    ) -> None:
        """Prepare; everything is written below `folder`."""
        self.kills = self.terms = self.wal_max = 0
        self.problems: list[str] = []
        self.steady: list[Sample] = []
        self.changing, self.following = Event(), Event()
        port = _free_port()
        config = folder / "soak.toml"
        config.write_text(
            CONFIG.format(
                seed=seed, days=days, port=port, agents=agents, agents_max=min(2 * agents, 10_000)
            )
        )
        self.run = Served(nursery, folder / "run", config)
        line = self.run.folder / "control.sock"
        self.changers = [
            Changer(
                f"c{number}", self.changing, line, folder / f"told-{number}.jsonl",
                agents=agents, seed=seed * 100 + number,
            )
            for number in range(CHANGERS)
        ]  # fmt: skip
        self.follower = Follower(self.following, port)
        self.visitor = Visitor(self.changing, port)
        self._random = Random(seed)

    @property
    def clients(self) -> list[Client]:
        """Everybody who asks."""
        return [*self.changers, self.follower, self.visitor]

    def disturb(self, seconds: float, tell: Callable[[str], None]) -> None:
        """Kill the daemon, and sometimes tell it to end, for so long."""
        until, mean_s = time.monotonic() + seconds, max(seconds / LIVES, 0.5)
        while time.monotonic() < until:
            before = self.follower.connections
            self.run.start()
            if self._random.random() < 0.7:
                self.run.until(lambda status: status["ready"])
            if (self.kills + self.terms) % 4 == 1:
                self.run.until_so(lambda before=before: self.follower.connections > before)
            self._let_live(self._random.uniform(0, 2 * mean_s))
            if self._random.random() < 0.2:
                while not self.run.hears_term():
                    self.run.code(0.01)
                self._term()
            else:
                self.run.kill()
                self.kills += 1
            tell(f"{self.kills} kills, {self.terms} terms, {self.follower.seq:,} entries")

    def leave_alone(self, seconds: float) -> None:
        """Let it live, and look at it again and again once its web is warm."""
        before = self.follower.connections
        self.run.start_and_wait()
        self.run.until_so(lambda: self.follower.connections > before)
        read = len(self.visitor.took_s)
        self.run.until_so(lambda: len(self.visitor.took_s) >= read + 2 * len(PATHS))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            sample = self._let_live(min(seconds / SAMPLES, 1.0))
            if sample is not None:
                self.steady.append(sample)

    def finish(self) -> Standing:
        """Let everybody come to an end, and then the daemon; return where it stood."""
        self.changing.set()
        for each in (*self.changers, self.visitor):
            each.join()
        who = {"command_id": "the-end", "by": "soak", "reason": "to look at what is left"}
        self.run.ask("pause", **who)
        self.changers[0].asked.add("the-end")
        status = self.run.status()
        self.run.until_so(lambda: self.follower.seq >= status["seq"], within_s=FOLLOWS_WITHIN_S)
        self.following.set()
        self._term()
        self.follower.join()
        return Standing(status["tick"], status["seq"])

    def _let_live(self, seconds: float) -> Sample | None:
        """Let that time pass, and return what it then holds, if it lives."""
        code = self.run.code(seconds)
        if code is not None:
            self.problems.append(f"it ended by itself with {code}: {self.run.said()[-2_000:]}")
            raise SystemExit("\n".join(self.problems))
        wal = size_of(self.run.folder / "run.db-wal")
        self.wal_max = max(self.wal_max, wal)
        writer, web = look_at(self.run.pid), self.run.web()
        return None if writer is None else Sample(writer, web and look_at(web), wal)

    def _term(self) -> None:
        self.terms += 1
        code = self.run.stop()
        if code != ExitCode.OK:
            self.problems.append(f"SIGTERM: exit {code}: {self.run.said()[-2_000:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def soak(folder: Path, agents: int, seconds: float, seed: int, tell: Callable[[str], None]) -> Row:
    """Carry a soak out below `folder`, and return what was counted."""
    began_s = time.monotonic()
    with Nursery() as nursery:
        days = min(max(DAYS.start, int(100 * seconds)), DAYS.stop)
        carried = Soak(nursery, folder, agents=agents, seed=seed, days=days)
        for each in carried.clients:
            each.start()
        try:
            carried.disturb(seconds * 2 / 3, tell)
            carried.leave_alone(seconds / 3)
            standing = carried.finish()
        finally:
            carried.changing.set()
            carried.following.set()
    tell("everybody has ended; the record is looked at")
    account = settle(carried.run.folder, carried.changers, carried.follower)
    return Row(agents, time.monotonic() - began_s, standing, carried, account)


class Row(NamedTuple):
    """What a soak counted.

    Attributes:
        agents: How many there were at the beginning.
        seconds: How long all of it took.
        standing: Where the run stood in the end.
        soak: What was done to it.
        account: What was on record.
    """

    agents: int
    seconds: float
    standing: Standing
    soak: Soak
    account: Account

    @property
    def problems(self) -> list[str]:
        """What was wrong, in words."""
        found = [*self.soak.problems, *self.soak.visitor.problems, *self.account.problems]
        return [*found, *judge(courses(self.soak.steady), self.soak.wal_max)]

    @property
    def good(self) -> bool:
        """Whether everything held."""
        return not (self.account.lost or self.account.twice or self.problems)

    @property
    def cells(self) -> tuple[str, ...]:
        """The figures, as they stand in the table."""
        went = courses(self.soak.steady)

        def pair(name: str, unit: int = 1) -> str:
            each = went.get(name)
            return "?" if each is None else f"{each.first / unit:,.0f}, {each.last / unit:,.0f}"

        counts = (
            self.agents, int(self.seconds), *self.standing, self.soak.kills, self.soak.terms,
            self.account.acked, sum(each.repeats for each in self.soak.changers),
            self.account.lost, self.account.twice, self.soak.follower.connections,
        )  # fmt: skip
        return (
            *(f"{each:,}" for each in counts),
            pair("writer rss", MIB),
            pair("web rss", MIB),
            f"{pair('writer files')}; {pair('web files')}",
            f"{pair('writer threads')}; {pair('web threads')}",
            f"{self.soak.wal_max / MIB:,.0f}",
            "held" if self.good else "BROKEN",
        )


def tell(text: str) -> None:
    """Say how far it is, on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main() -> int:
    """Carry it out, print one row, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--agents", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    seconds = given.minutes * 60 + given.seconds or 600.0
    with tempfile.TemporaryDirectory(prefix="arena-") as folder:
        row = soak(
            Path(folder),
            given.agents,
            seconds,
            given.seed,
            tell,
        )
    for problem in row.problems:
        tell(problem)
    show(HEADING, ("---:",) * (len(HEADING) - 1) + ("---",), row.cells)
    print(f"\n{machine()}.")  # noqa: T201
    return not row.good


if __name__ == "__main__":
    sys.exit(main())
