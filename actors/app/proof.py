"""Does a stored run add up?  Its events, its ledger's rows, its agents and what it says of itself.

`actors.journal.verify` checks the file, the chain and every row against its event.  Here the events
are folded, and the outcome is compared with everything that was written down beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.app.folding import apply_at
from actors.app.snapshots import VERSION
from actors.journal.chain import Head
from actors.journal.files import database_path
from actors.journal.findings import Finding, VerifyReport
from actors.journal.marker import forget_cached
from actors.journal.port import Snapshot
from actors.journal.reader import JournalReader, open_run
from actors.journal.schema import NewerRunError, NotARunError
from actors.journal.verify import verify_run
from arena.events import Event
from arena.exceptions import ArenaError, EventSourcingError
from arena.experiment import read_experiment
from arena.ledger import POPULATION, agent_account
from arena.treasury import Treasury
from arena.words import Book


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome of a verification.

    Attributes:
        report: What the file and the chain say.
        findings: All that was found, the lowest `seq` first and what has none last.
        treasury: The folded run; None where it cannot be folded.
    """

    report: VerifyReport
    findings: tuple[Finding, ...]
    treasury: Treasury | None

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def prove(path: str, *, deep: bool = False, receipts: Sequence[Head] = ()) -> Proof:
    """Verify the run at `path`, fold it on the way, and compare.

    Args:
        path: A run's folder or its `run.db`.
        deep: Ask the disk, not what the system has in memory of it, and write every event anew.
        receipts: Entries that the run has to have.

    Raises:
        NotARunError: There is no run.
        NewerRunError: It was written by a newer version of arena.
    """
    database = database_path(path)
    if deep:
        forget_cached(database)
    try:
        with open_run(database) as run:
            folding = _Folding(run)
            report = verify_run(run, folding.take, receipts=receipts, deep=deep)
            found = [*report.findings]
            known = {finding.seq for finding in found}
            found += (
                each for each in folding.findings if each.seq is None or each.seq not in known
            )
            treasury = folding.treasury
            if treasury is not None:
                found += _without_fail(compare(run, treasury, report.balances))
    except (NotARunError, NewerRunError):
        raise
    except EventSourcingError as error:
        report = VerifyReport(0, Head(0, ""), (Finding(None, "file", str(error)),))
        found, treasury = [*report.findings], None
    order = sorted(found, key=lambda each: (each.seq is None, each.seq or 0))
    return Proof(report, tuple(order), treasury)


def proven_head(path: Path) -> Head:
    """Return the head of the run at `path`, in which `prove` finds nothing.

    Raises:
        EventSourcingError: It finds something.
    """
    proof = prove(str(path))
    for finding in proof.findings:
        raise EventSourcingError(f"{finding.table}: {finding.message}", seq=finding.seq)
    return proof.report.head


class _Folding:
    """The fold of a run, told of event after event; it ends where one does not fit.

    Attributes:
        treasury: What the events make; None where they cannot be folded.
        findings: Why not, and which snapshots differ from it.
    """

    def __init__(self, run: JournalReader) -> None:
        self.findings: list[Finding] = []
        self.treasury: Treasury | None = None
        self._snapshots: dict[int, Snapshot] = {}
        try:
            self.treasury = Treasury(read_experiment(run.manifest()))
            self._snapshots = {each.seq: each for each in run.snapshots()}
        except EventSourcingError as error:
            self.findings.append(Finding(None, "fold", str(error)))

    def take(self, seq: int, event: Event | None) -> None:
        """Apply the event at `seq`."""
        treasury = self.treasury
        if treasury is None:
            return
        if event is None:
            self.treasury = None
            return
        try:
            apply_at(treasury, seq, event)
        except EventSourcingError as error:
            self.findings.append(Finding(seq, "fold", str(error).removeprefix(f"seq {seq}: ")))
            self.treasury = None
        else:
            if seq in self._snapshots:
                self.findings += compare_snapshot(self._snapshots[seq], treasury)


def _without_fail(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield `findings`; an error on the way is the last of them."""
    try:
        yield from findings
    except ArenaError as error:
        yield Finding(None, "fold", str(error))


def compare(
    run: JournalReader, treasury: Treasury, balances: Mapping[str, Mapping[str, int]]
) -> Iterator[Finding]:
    """Yield where the folded treasury and what stands beside the events differ.

    Args:
        run: Whose events were folded.
        treasury: What they make.
        balances: What the ledger's rows add up to: book, then account.
    """
    yield from _compare_state(run, treasury)
    yield from _compare_books(treasury, balances)
    yield from compare_agents(treasury)


def compare_snapshot(snapshot: Snapshot, treasury: Treasury) -> Iterator[Finding]:
    """Yield how `snapshot` differs from the treasury at its place."""
    try:
        state = json.loads(snapshot.state)["treasury"]
    except (KeyError, TypeError, ValueError):
        state = None
    if snapshot.version == VERSION and state != json.loads(treasury.to_json()):
        yield Finding(snapshot.seq, "snapshots", "its treasury is not the one that the events make")
    if not 0 < snapshot.version <= VERSION:
        message = f"its version is {snapshot.version}, and this version of arena knows {VERSION}"
        yield Finding(snapshot.seq, "snapshots", message)
    if snapshot.tick != treasury.tick:
        message = f"its tick is {snapshot.tick}, and the events make it {treasury.tick}"
        yield Finding(snapshot.seq, "snapshots", message)


def _compare_state(run: JournalReader, treasury: Treasury) -> Iterator[Finding]:
    """`arena_state` may be missing, for it can be derived; it must not be wrong.

    Every batch writes it anew, so a row of another `seq` than the last event's betrays a cut tail.
    """
    true = {"tick": str(treasury.tick), "cycle": str(treasury.cycle)}
    if treasury.completed:
        true["state_hash"] = treasury.state_hash()
    for key, row in run.state().items():
        if row.as_of_seq > treasury.seq:
            message = f"{key} is of seq {row.as_of_seq}: history lost after seq {treasury.seq}"
            yield Finding(treasury.seq + 1, "arena_state", message)
        elif row.as_of_seq < treasury.seq:
            message = f"{key} is of seq {row.as_of_seq}, and the last event is {treasury.seq}"
            yield Finding(None, "arena_state", message)
        elif row.value != true.get(key):
            message = f"{key} is {row.value!r}, and the events make it {true.get(key)!r}"
            yield Finding(None, "arena_state", message)


def _compare_books(
    treasury: Treasury, balances: Mapping[str, Mapping[str, int]]
) -> Iterator[Finding]:
    for book, accounts in treasury.books.items():
        rows = balances.get(book, {})
        for account in sorted(accounts.keys() | rows.keys()):
            found, true = rows.get(account, 0), accounts.get(account, 0)
            if found != true:
                message = f"{book} account {account!r} adds up to {found}, the events make {true}"
                yield Finding(None, "capital_ledger", message)


def compare_agents(treasury: Treasury) -> Iterator[Finding]:
    """Yield where an agent's account is not what it holds: cash plus positions, exactly."""
    virtual = 0
    for agent in (*treasury.agents.values(), *treasury.dead.values()):
        real = treasury.balance(agent_account(agent.agent_id))
        worth = agent.portfolio.equity(treasury.marks)
        virtual += 0 if agent.book is Book.REAL else agent.equity
        if agent.equity != worth:
            yield _disagree(agent.agent_id, "equity", agent.equity, worth)
        if real != (worth if agent.book is Book.REAL else 0):
            yield _disagree(agent.agent_id, "account", real, worth)
    population = treasury.books[Book.VIRTUAL].get(POPULATION, 0)
    if virtual != population:
        yield _disagree("the population", "account", population, virtual)


def _disagree(who: str, what: str, found: int, worth: int) -> Finding:
    return Finding(None, "agents", f"{who}: {what} is {found} micro-USD, holdings are {worth}")
