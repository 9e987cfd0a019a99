"""What can be said of a run without understanding a single event: file, schema, chain, answers.

It shares nothing with the rest of `verify`, so of a long run it is looked at by another process
meanwhile.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.journal.beside import SINCE_VERSION, check_answers, check_snapshots
from actors.journal.chain import Head, genesis_hash
from actors.journal.findings import Finding, Findings, fetch
from actors.journal.reader import open_run
from actors.journal.schema import DAMAGE, check_schema
from actors.journal.walk import Walk
from arena.ids import RunId


@dataclass(frozen=True, slots=True)
class History:
    """What was seen of it.

    Attributes:
        events: How many entries there are.
        head: The last of them.
        findings: What is wrong, in the order in which it was seen.
        omitted: How many findings more there were.
    """

    events: int
    head: Head
    findings: tuple[Finding, ...]
    omitted: int


def look_at_history(connection: sqlite3.Connection, upto: int) -> History:
    """Check file, schema, manifest, the chain up to the entry `upto`, answers and snapshots."""
    findings = Findings()
    try:
        for line in check_schema(connection):
            findings.add(None, "schema", line)
        for (line,) in connection.execute("PRAGMA integrity_check(100)"):
            if line != "ok":
                findings.add(None, "file", line)
    except DAMAGE as error:
        findings.add(None, "file", f"SQLite cannot check it: {error}")
    genesis, run_id = _look_at_meta(connection, findings)
    walk = Walk(connection, findings, after=genesis, run_id=run_id)
    walk.run(upto)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version >= SINCE_VERSION:
            check_answers(connection, findings)
            check_snapshots(connection, findings)
    except DAMAGE as error:
        findings.add(None, "commands", f"SQLite cannot read on: {error}")
    return History(walk.events, walk.head, tuple(findings.found), findings.omitted)


def _look_at_meta(
    connection: sqlite3.Connection, findings: Findings
) -> tuple[Head | None, RunId | None]:
    try:
        rows = fetch(connection, "SELECT key, value FROM meta")
    except DAMAGE as error:
        findings.add(None, "meta", f"SQLite cannot read on: {error}")
        rows = []
    meta = {key: value for key, value in rows if isinstance(value, str)}
    for key in sorted({"manifest", "genesis", "run_id"} - meta.keys()):
        findings.add(None, "meta", f"{key} is missing")
    run_id = RunId(meta["run_id"]) if "run_id" in meta else None
    if "manifest" not in meta:
        return None, run_id
    genesis = genesis_hash(meta["manifest"])
    if meta.get("genesis", genesis) != genesis:
        findings.add(None, "meta", "genesis is not the hash of the manifest")
    return Head(0, genesis), run_id


class Elsewhere:
    """Another process that looks at the history of a run meanwhile."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Use `elsewhere`."""
        self._process = process

    def result(self) -> History | None:
        """Wait for what it has to say; None where it did not come to its end."""
        answer, _ = self._process.communicate()
        if self._process.returncode:
            return None
        facts = json.loads(answer)
        findings = tuple(Finding(*each) for each in facts["findings"])
        return History(facts["events"], Head(*facts["head"]), findings, facts["omitted"])


@contextmanager
def elsewhere(path: Path, upto: int) -> Iterator[Elsewhere]:
    """Begin `look_at_history` of the run at `path` in another process, which ends with the block.

    It is a new interpreter: a fork would inherit SQLite's locks, and think that it held them.
    """
    command = [sys.executable, "-P", "-m", "actors.journal.history", str(path), str(upto)]
    where = os.pathsep.join(each or os.curdir for each in sys.path)
    with subprocess.Popen(  # noqa: S603  # this very interpreter
        command,
        env={**os.environ, "PYTHONPATH": where},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # What it fails at is done here, and said here.
        text=True,
    ) as process:
        try:
            yield Elsewhere(process)
        finally:
            process.kill()  # Unless it has ended.


def main() -> None:
    """Look at the history of the run that the command line names, for `elsewhere`."""
    path, upto = sys.argv[1:]
    with open_run(path) as run:
        run.connection.execute("BEGIN")
        seen = look_at_history(run.connection, int(upto))
    facts = {
        "events": seen.events,
        "head": [seen.head.seq, seen.head.hash],
        "findings": [[each.seq, each.table, each.message] for each in seen.findings],
        "omitted": seen.omitted,
    }
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main()
