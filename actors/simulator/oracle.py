"""The oracle: says what is wrong with a run, from plain rows, with arithmetic of its own.

It shares no code with what it judges: neither `arena` nor `actors` is imported here, an import
contract holds that.  Hashes, balances and standings are computed again from what stands in the
rows; I1 to I15 are the invariants of the design, and a violation begins with the one it breaks.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Row = Mapping[str, Any]
Legs = Counter[tuple[str, str]]

SOURCES = {("real", "endowment"), ("real", "market"), ("virtual", "bank"), ("virtual", "market")}
HASHED = (
    "prev_hash seq event_id event_type type_version agent_id timestamp command_id caused_by data"
)
NEVER = {"not_executed", "failed"}
"""Outcomes after which a command is not on record: it was not taken, or could not be decided."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is left of a run, as rows; amounts are micro-USD.

    Attributes:
        genesis: The hash before entry 1.
        entries: Columns of `events`.
        ledger: (event_seq, line, book, debit_account, credit_account, amount, reason).
        commands: (command_id, body_hash, first_seq, last_seq).
        deliveries: What was sent and what came back: `id`, `body`, `sent` and `ended` (moments in
            one order; None while it waits), `outcome` (`ok`, `conflict`, `failed`, `not_executed`,
            `unknown`, `waiting`), `durable` (the last durable entry when it ended), and of an `ok`
            one `seq`, `hash`, `refusal` and `events` (their data).
        sightings: (last entry that readers saw, last durable entry at that moment).
        books: Book -> account -> balance, as the live state has it.
        states: Hash of the live state, and of the fold of the same entries.
        stamps: The timestamps that were given out.
        limits: Name -> (the most that was seen, the bound).
        endowed: What the treasury was endowed with.
        unresolved: Commands whose fate nobody could learn once the faults were off.
        left: Tasks that did not end, and errors that nobody looked at.
    """

    genesis: str
    entries: Sequence[Row]
    ledger: Sequence[tuple[Any, ...]]
    commands: Sequence[tuple[Any, ...]]
    endowed: int
    deliveries: Sequence[Row] = ()
    sightings: Iterable[tuple[int, int]] = ()
    books: Mapping[str, Mapping[str, int]] | None = None
    states: tuple[str, str] = ("", "")
    stamps: frozenset[str] = frozenset()
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    unresolved: Sequence[str] = ()
    left: Sequence[str] = ()


def judge(evidence: Evidence) -> list[str]:
    """Return every violation; none means that nothing was found."""
    found = [*_chain(evidence), *_money(evidence), *_fates(evidence), *_order(evidence)]
    for seen, durable in evidence.sightings:
        if seen > durable:
            found.append(f"I10 readers saw seq {seen} while {durable} was the last durable one")
    if evidence.states[0] != evidence.states[1]:
        found.append("I10 the live state is not the fold of its entries")
    for name, (most, bound) in evidence.limits.items():
        if most > bound:
            found.append(f"I14 {name}: {most} seen, {bound} allowed")
    found += [f"I7 nobody could learn what became of {each}" for each in evidence.unresolved]
    return found + [f"I13 left behind: {each}" for each in evidence.left]


def _chain(evidence: Evidence) -> Iterator[str]:
    """I1, I2, I11, I12: numbers, hashes, causes and times."""
    prev, last = evidence.genesis, ""
    for place, row in enumerate(evidence.entries, start=1):
        if row["seq"] != place:
            yield f"I1 seq {row['seq']} stands in place {place}"
        if row["prev_hash"] != prev or _digest(row) != row["hash"]:
            yield f"I2 seq {place}: the chain is broken"
        if row["caused_by"] is not None and not 0 < row["caused_by"] < place:
            yield f"I11 seq {place} is caused by {row['caused_by']}"
        if row["timestamp"] < last:
            yield f"I12 seq {place} is at {row['timestamp']}, before {last}"
        if evidence.stamps and row["timestamp"] not in evidence.stamps:
            yield f"I12 seq {place}: no clock ever said {row['timestamp']}"
        prev, last = row["hash"], row["timestamp"]


def _digest(row: Row) -> str:
    parts = [None if row[name] is None else str(row[name]).encode() for name in HASHED.split()]
    text = b"arena.event.v1"
    for part in parts:
        text += (-1 if part is None else len(part)).to_bytes(4, "big", signed=True)
    return hashlib.sha256(text + b"".join(part or b"" for part in parts)).hexdigest()


_read = lru_cache(maxsize=8_192)(json.loads)


def _money(evidence: Evidence) -> Iterator[str]:
    """I3, I4, I15: what the events say, what the ledger's rows say, what the live state says."""
    moved: dict[int, Legs] = {}
    for seq, _, book, debit, credit, amount, _ in evidence.ledger:
        _move(moved.setdefault(seq, Counter()), book, debit, credit, amount)
    model = Model(evidence.endowed)
    for row in evidence.entries:
        legs = model.apply(row)
        rows = moved.pop(row["seq"], Counter())
        if _nonzero(rows) != _nonzero(legs):
            yield f"I3 seq {row['seq']}: the ledger moved {dict(rows)}, the event {dict(legs)}"
        yield from (f"I4 seq {row['seq']}: {fault}" for fault in model.faults(legs))
    if moved:
        yield f"I3 the ledger has rows of no event: {sorted(moved)}"
    if evidence.books is not None:
        live = {(b, a): v for b, book in evidence.books.items() for a, v in book.items() if v}
        if live != _nonzero(model.balances):
            yield "I15 the live balances are not those of the events"


def _nonzero(legs: Legs) -> dict[tuple[str, str], int]:
    return {account: amount for account, amount in legs.items() if amount}


class Model:
    """Balances and standings, as the events make them: an account book of its own.

    It judges runs in which nothing can be held short.
    """

    def __init__(self, endowed: int) -> None:
        self.balances: Legs = Counter()
        self._endowed = endowed
        self._frozen: set[str] = set()
        self._held: dict[str, dict[str, float]] = {}
        self._to_sell: list[str] = []
        self._command: str | None = None
        self._faults: list[str] = []

    def faults(self, legs: Legs) -> list[str]:
        """Return what was wrong with the last event, which moved `legs`."""
        found, self._faults = self._faults, []
        for book in ("real", "virtual"):
            total = sum(v for (each, _), v in self.balances.items() if each == book)
            if total:
                found.append(f"the {book} book sums to {total}")
        for account in legs:
            if self.balances[account] < 0 and account not in SOURCES:
                found.append(f"{account} is overdrawn by {-self.balances[account]}")
        return found

    def apply(self, row: Row) -> Legs:  # noqa: C901  # one case for each event
        """Apply one event and return what it moved."""
        legs: Legs = Counter()
        data = _read(row["data"])
        if row["command_id"] != self._command:
            self._check_flat()
            self._command = row["command_id"]
        match row["event_type"]:
            case "ArenaOpened":
                self._open(legs, data)
            case "AgentSpawned" | "AgentDemoted":
                _move(legs, "virtual", "bank", "population", data["virtual_capital"])
            case "CapitalAllocated":
                self._allocate(legs, data)
            case "CapitalReturned":
                holder = f"agent:{data['agent_id']}" if data["book"] == "real" else "population"
                _move(legs, data["book"], holder, data["target"], data["amount"])
            case "PositionsReduced":
                self._fill(data["fills"])
                _pay(legs, data["book"], data["agent_id"], data["fills"])
            case "AgentQuarantined" | "AgentKilled":
                self._frozen.add(data["agent_id"])
                self._to_sell.append(data["agent_id"])
            case "TickSettled":
                self._settle(legs, data)
        self.balances.update(legs)
        return legs

    def _open(self, legs: Legs, data: dict[str, Any]) -> None:
        parts = {"reserve": data["reserve"], "pool:proving": data["proving"]}
        parts["pool:arena"] = data["arena"]
        if sum(parts.values()) != self._endowed:
            self._faults.append(f"{sum(parts.values())} endowed instead of {self._endowed}")
        for account, amount in parts.items():
            _move(legs, "real", "endowment", account, amount)

    def _allocate(self, legs: Legs, data: dict[str, Any]) -> None:
        _move(legs, "real", data["source"], f"agent:{data['agent_id']}", data["amount"])
        if data["agent_id"] in self._frozen:
            self._faults.append(f"{data['agent_id']} is dead or quarantined and was given capital")

    def _settle(self, legs: Legs, data: dict[str, Any]) -> None:
        self._fill(data["fills"])
        for held in self._held.values():
            for name in data.get("expired", ()):
                held.pop(name, None)
        for book in ("real", "virtual"):
            settled = data[book]
            debts = dict(settled["bad_debt"])
            for agent, pnl, costs in zip(
                settled["agents"], settled["pnl"], settled["costs"], strict=True
            ):
                own = [fill for fill in data["fills"] if fill["agent_id"] == agent]
                if _pay(legs, book, agent, own) != costs:
                    self._faults.append(f"{agent} paid other costs than {costs}")
                holder = f"agent:{agent}" if book == "real" else "population"
                _move(legs, book, "market", holder, pnl + costs + debts.get(agent, 0))

    def _fill(self, fills: Iterable[dict[str, Any]]) -> None:
        for fill in fills:
            held = self._held.setdefault(fill["agent_id"], {})
            name = fill["instrument"]
            held[name] = held.get(name, 0.0) + fill["quantity"]
            if held[name] < -1e-9:
                self._faults.append(f"{fill['agent_id']} sold {name} that it did not hold")

    def _check_flat(self) -> None:
        """Whoever died or was quarantined has sold everything when the command is through."""
        for agent in self._to_sell:
            if any(abs(quantity) > 1e-9 for quantity in self._held.get(agent, {}).values()):
                self._faults.append(f"{agent} is dead or quarantined and kept a position")
        self._to_sell = []


def _move(legs: Legs, book: str, debit: str, credit: str, amount: int) -> None:
    legs[book, debit] -= amount
    legs[book, credit] += amount


def _pay(legs: Legs, book: str, agent: str | None, fills: Iterable[dict[str, Any]]) -> int:
    """Move the costs of `fills` and return their sum."""
    total = 0
    for fill in fills:
        for part, account in (("fee", "fees"), ("slippage", "slippage"), ("gas", "gas")):
            total += fill[part]
            if book == "real":
                _move(legs, book, f"agent:{agent}", f"costs:{account}", fill[part])
            else:
                _move(legs, book, "population", "costs", fill[part])
    return total


def _fates(evidence: Evidence) -> Iterator[str]:
    """I5 to I8: what became of each command, and what its senders were told."""
    rows = {row[0]: row for row in evidence.commands}
    caused: dict[str, list[Row]] = {}
    for entry in evidence.entries:
        caused.setdefault(entry["command_id"], []).append(entry)
    sent: dict[str, list[Row]] = {}
    for each in evidence.deliveries:
        sent.setdefault(each["id"], []).append(each)
    for command, entries in caused.items():
        seqs = [entry["seq"] for entry in entries]
        if command not in rows:
            yield f"I6 {command} caused events and is not on record"
        elif seqs != [*range(rows[command][2] or 0, rows[command][3] + 1)]:
            yield f"I5 {command} caused {seqs}, the record says {rows[command][2:]}"
    for command, deliveries in sent.items():
        yield from _fate(deliveries, rows.get(command))
        answers = [each for each in deliveries if each["outcome"] == "ok"]
        if answers and command in rows:
            yield from _compare(answers[0], rows[command], caused.get(command, []), evidence)


def _fate(deliveries: Sequence[Row], row: tuple[Any, ...] | None) -> Iterator[str]:
    """I5 to I8 of one command."""
    command = deliveries[0]["id"]
    answers = [each for each in deliveries if each["outcome"] == "ok"]
    outcomes = {each["outcome"] for each in deliveries}
    bodies = {each["body"] for each in answers}
    told = {(a["seq"], a["hash"], a["refusal"], a["events"]) for a in answers}
    if len(bodies) > 1 or len(told) > 1:
        yield f"I8 {command} was answered in {max(len(bodies), len(told))} ways"
    if row is None and outcomes & {"ok", "conflict"}:
        yield f"I5 {command} was answered and is not on record"
    if row is not None and outcomes <= NEVER:
        yield f"I6 {command} was never executed, its senders were told, and is on record"
    for each in deliveries:
        if each["outcome"] == "conflict" and each["body"] in bodies:
            yield f"I8 {command}: the same body was answered and refused as another"
    for each in answers:
        if each["seq"] > each["durable"]:
            yield f"I5 {command} was answered with {each['seq']} before it was durable"


def _compare(
    answer: Row, row: tuple[Any, ...], caused: Sequence[Row], evidence: Evidence
) -> Iterator[str]:
    """I5: the receipt names what is on the record, byte by byte."""
    seq, entries = answer["seq"], evidence.entries
    there = entries[seq - 1]["hash"] if 0 < seq <= len(entries) else evidence.genesis
    if seq != row[3] or answer["hash"] != there:
        yield f"I5 {row[0]}: the receipt for seq {seq} is not on the record"
    if [*answer["events"]] != [entry["data"] for entry in caused]:
        yield f"I5 {row[0]}: the answer shows other events than the record"
    if answer["refusal"] and [entry["event_type"] for entry in caused] != ["AllocationError"]:
        yield f"I6 {row[0]} was refused and had an effect"


def _order(evidence: Evidence) -> Iterator[str]:
    """I9: who was answered before somebody else asked stands before what he asked for."""
    last = {row[0]: row[3] for row in evidence.commands}
    first_sent: dict[str, int] = {}
    first_told: dict[str, int] = {}
    for each in evidence.deliveries:
        command = each["id"]
        first_sent[command] = min(each["sent"], first_sent.get(command, each["sent"]))
        if each["outcome"] == "ok":
            first_told[command] = min(each["ended"], first_told.get(command, each["ended"]))
    moments = [(moment, 1, command) for command, moment in first_told.items() if command in last]
    moments += [(moment, 0, command) for command, moment in first_sent.items() if command in last]
    told = (0, "nobody")
    for _, is_told, command in sorted(moments):
        if is_told:
            told = max(told, (last[command], command))
        elif last[command] < told[0]:
            yield f"I9 {command} was asked after {told[1]} was answered, and stands before it"
