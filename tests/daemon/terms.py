"""Daemons that are told to end at random moments: the exit code is 0, and the journal verifies.

    python -m tests.daemon.terms [--count 50] [--seed 1]

Five turns alternate: SIGTERM comes while the daemon starts, while it does again what is on record,
between and within ticks, while new rules wait for the end of a cycle, and during a cycle.  A fifth
of the time a second one follows, which ends the process where it stands.  All that the one before
it said is in the journal of the next.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from signal import Signals
from threading import Thread

from actors.app.control.errors import ControlError, NoAnswerError, NotRunningError
from actors.app.exits import ExitCode
from actors.app.proof import prove
from actors.journal.chain import Head
from actors.journal.reader import open_run
from tests.daemon.nursery import Nursery
from tests.daemon.served import Served
from tests.kills.tally import Tally
from tests.proof import HEADING, Row, machine, show

DAYS = 400
CONFIG = f"""
[run]
name = "stopped"
days = {DAYS}
[market]
warmup_days = 40
[http]
enabled = false
[daemon]
drain_s = 300
[population]
agents = 30
baselines = ["cash"]
[evolution]
cycle_days = 20
births_base = 3
[ladder]
gate_required = false
"""


class Stopping:
    """Stops one run again and again.

    Attributes:
        tally: What became of it.
    """

    def __init__(self, nursery: Nursery, folder: Path, seed: int) -> None:
        """Prepare; the runs are below `folder`."""
        self.tally = Tally("daemon, told to end")
        self._nursery = nursery
        self._folder = folder
        self._random = Random(seed)
        self._config = folder / "stopped.toml"
        self._config.write_text(CONFIG)
        self._seen = Head(0, "")
        self._run = self._next_run()

    def stop_once(self, number: int) -> None:
        """Start the daemon, lead it to its turn, and stop it somewhere there."""
        turns = (self._starting, self._catching_up, self._ticking, self._reloading, self._evolving)
        if self._is_over():
            self._check_deep()
            self._run = self._next_run()
        self._run.start()
        while not self._run.hears_term():
            assert self._run.code(0.001) is None, self._run.said()
        turns[number % len(turns)]()
        self._stop()
        self._check()

    def finish(self) -> None:
        """Look at the last run as closely as at the others."""
        self._check_deep()

    # The turns: after each of them SIGTERM comes

    def _starting(self) -> None:
        self._wait(0.15)

    def _catching_up(self) -> None:
        self._run.until(lambda status: status["ready"])
        self._wait(0.5)
        self._run.kill()
        self._run.start()
        while not self._run.hears_term():
            assert self._run.code(0.001) is None, self._run.said()
        self._wait(0.4)

    def _ticking(self) -> None:
        self._run.until(lambda status: status["ready"])
        self._wait(0.1)

    def _reloading(self) -> None:
        births = self._random.randrange(1, 9)
        self._run.until(lambda status: status["ready"])
        self._config.write_text(CONFIG.replace("births_base = 3", f"births_base = {births}"))
        self._run.send(Signals.SIGHUP)
        self._wait(0.1)

    def _evolving(self) -> None:
        self._run.until(lambda status: status["ready"])
        name = f"evolve-{self.tally.kills}"
        Thread(target=self._evolve, args=(name,), daemon=True).start()
        self._wait(0.05)

    def _evolve(self, name: str) -> None:
        try:
            self._run.ask("evolve", command_id=name)
        except (ControlError, NoAnswerError, NotRunningError):
            return  # It was stopped before, or meanwhile: that is what is tried here.

    # How it ends, and what is left

    def _wait(self, at_most_s: float) -> None:
        self._run.code(self._random.uniform(0, at_most_s))

    def _stop(self) -> None:
        twice = self._random.random() < 0.2
        self._run.send(Signals.SIGTERM)
        if twice:
            self._wait(0.05)
            if self._run.code(0) is None:
                self._run.send(Signals.SIGTERM)
        code = self._run.code()
        allowed = {ExitCode.OK, ExitCode.INTERRUPTED} if twice else {ExitCode.OK}
        self.tally.kills += 1
        if code not in allowed:
            self.tally.found(f"exit {code}: {self._run.said()}")

    def _check(self) -> None:
        """Hold the journal against the last process's word, and against what was there before."""
        if not (self._run.folder / "run.db").exists():
            if self._seen.seq:
                self.tally.lost += self._seen.seq
            return
        out = self._run.said("out")
        told = json.loads(out) if out else {}
        receipts = [self._seen] if self._seen.seq else []
        if told.get("seq"):
            receipts.append(Head(told["seq"], told["hash"]))
        proof = prove(str(self._run.folder), receipts=receipts)
        for finding in proof.findings:
            self.tally.found(f"{self._run.folder.name}: {finding}")
        with open_run(self._run.folder) as run:
            head = run.head()
        if head.seq < self._seen.seq:
            self.tally.lost += self._seen.seq - head.seq
        self.tally.acked += head.seq - self._seen.seq
        self._seen = head

    def _is_over(self) -> bool:
        if not (self._run.folder / "run.db").exists():
            return False
        with open_run(self._run.folder) as run:
            last = next(run.entries(limit=1, newest_first=True), None)
        return last is not None and last.event_type == "RunCompleted"

    def _check_deep(self) -> None:
        if self._seen.seq and not prove(str(self._run.folder), deep=True).ok:
            self.tally.found(f"{self._run.folder.name} does not verify deeply")

    def _next_run(self) -> Served:
        self.tally.size += 1
        self._seen = Head(0, "")
        self._config.write_text(CONFIG)
        return Served(self._nursery, self._folder / str(self.tally.size), self._config)


def stop_daemons(folder: Path, count: int, seed: int, tell: Callable[[str], None]) -> Tally:
    """Stop daemons `count` times at moments drawn from `seed`."""
    with Nursery() as nursery:
        stopping = Stopping(nursery, folder, seed)
        for number in range(count):
            stopping.stop_once(number)
            tell(f"{number + 1} of {count}: {stopping.tally.acked:,} entries")
        stopping.finish()
    return stopping.tally


def tell(text: str) -> None:
    """Say how far it is, on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def main() -> int:
    """Carry it out, print one row, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="arena-") as folder:
        tally = stop_daemons(Path(folder), given.count, given.seed, tell)
    for problem in tally.problems:
        tell(problem)
    counts = (tally.kills, tally.acked, tally.lost, tally.duplicates)
    row = Row(tally.part, f"{tally.size} runs", *counts, wrong=len(tally.problems))
    took = f"{time.monotonic() - began_s:,.0f} s"
    show(HEADING, ("---", "---", *["---:"] * 5, "---"), (*row.cells, took, row.verdict))
    print(f"\n{machine()}.")  # noqa: T201
    return not row.good


if __name__ == "__main__":
    sys.exit(main())
