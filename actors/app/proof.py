"""Does a stored run add up?  Its events, its ledger's rows, its agents and what it says of itself.

`actors.journal.verify` checks the file, the chain and every row against its event.  Here the events
are folded, and the outcome is compared with everything that was written down beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actors.app.folding import fold_run
from actors.journal.findings import Finding, VerifyReport
from actors.journal.reader import JournalReader, open_run
from actors.journal.rows import fold_balances
from actors.journal.verify import verify
from arena.exceptions import ArenaError
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


def prove(path: str) -> Proof:
    """Verify the run at `path`, then fold it and compare.

    Raises:
        NotARunError: There is no run.
        NewerRunError: It was written by a newer version of arena.
    """
    report = verify(path)
    found, treasury = list(report.findings), None
    try:
        with open_run(path) as run:
            run.connection.execute("BEGIN")  # One moment of it, if somebody is still writing.
            treasury = fold_run(run)
            found += compare(run, treasury)
    except ArenaError as error:
        known = {finding.seq for finding in found}
        seq = getattr(error, "seq", None)
        if seq is None or seq not in known:
            message = str(error).removeprefix(f"seq {seq}: ")  # The finding says where itself.
            found.append(Finding(seq, "fold", message))
    order = sorted(found, key=lambda each: (each.seq is None, each.seq or 0))
    return Proof(report, tuple(order), treasury)


def compare(run: JournalReader, treasury: Treasury) -> Iterator[Finding]:
    """Yield where the folded treasury and the rows beside the events differ."""
    yield from _compare_state(run, treasury)
    yield from _compare_books(run, treasury)
    yield from compare_agents(treasury)


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
        elif key in true and row.value != true[key]:
            message = f"{key} is {row.value!r}, and the events make it {true[key]!r}"
            yield Finding(None, "arena_state", message)


def _compare_books(run: JournalReader, treasury: Treasury) -> Iterator[Finding]:
    rows: dict[Book, dict[str, int]] = {book: {} for book in Book}
    fold_balances(rows, (row[2:6] for row in run.transfers()))
    for book, accounts in treasury.books.items():
        for account in sorted(accounts.keys() | rows[book].keys()):
            found, true = rows[book].get(account, 0), accounts.get(account, 0)
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
