"""The server: an allocator on a real journal that takes commands as JSON lines and answers each.

It knows nothing but what is on the disk: whoever starts it again starts it from there.  An answer
is sent when the allocator gives it, which is after the commit.
"""

from __future__ import annotations

import asyncio
import json
import socket
from asyncio import Future, StreamWriter
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from actors.allocator import Allocator
from actors.app.folding import fold_run
from actors.journal.chain import Head, run_id_of, timestamp
from actors.journal.codec import encode
from actors.journal.files import FILE_NAME
from actors.journal.port import Batch
from actors.journal.reader import open_run
from actors.journal.sqlite import SqliteJournal
from actors.messages.allocator import AllocatorMessage, Answer, Audit, CommandConflictError
from actors.runtime import ActorSystem
from arena import commands
from arena.experiment import Experiment, Population, manifest
from arena.ids import AgentId
from arena.money import parse_usd
from arena.strategies import BUILT_IN
from arena.words import Layer
from tests.arena.builders import OPEN_GATES, an_experiment

STAMP = timestamp(datetime(2020, 1, 1, tzinfo=UTC))
TIMEOUT_S = 3_600.0


def the_experiment() -> Experiment:
    """Return what every server runs: agents that may rise, and nobody who dies."""
    ladder = replace(
        OPEN_GATES.ladder, seat_amount=parse_usd("1000.01"), entry_base=parse_usd("5000.03")
    )
    return an_experiment(
        agents=0,
        rules=replace(OPEN_GATES, ladder=ladder),
        population=Population(agents=8, mix={"tactical-trader": 1}, baselines=("cash",)),
        catalog=BUILT_IN,
    )


class HastyJournal:
    """A journal with a bug for the proof to find: a batch is acknowledged before it is written."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal
        self._owed: Batch | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def append(self, batch: Batch) -> Head:
        """Write the batch before this one, and say that this one is written."""
        if self._owed is not None:
            await self._journal.append(self._owed)
        self._owed = batch
        return Head(batch.entries[-1].seq, batch.entries[-1].hash)

    async def close(self) -> None:
        """Write what is owed."""
        if self._owed is not None:
            await self._journal.append(self._owed)
        await self._journal.close()


def serve(folder: Path, line: socket.socket, *, hasty: bool = False) -> None:
    """Answer what comes through `line` until its other end is closed; a `hasty` one, too early."""
    asyncio.run(_serve(folder, line, hasty=hasty))


async def _serve(folder: Path, line: socket.socket, *, hasty: bool) -> None:
    facts = manifest(the_experiment())
    run_id = run_id_of(facts)
    if (folder / FILE_NAME).exists():
        journal = await SqliteJournal.open(folder)
    else:
        journal = await SqliteJournal.create(folder, run_id, facts, {})
    used: Any = HastyJournal(journal) if hasty else journal
    async with AsyncExitStack() as stack:
        stack.push_async_callback(used.close)
        with open_run(folder) as run:
            treasury = fold_run(run)
        system = await stack.enter_async_context(ActorSystem())
        allocator = Allocator(treasury, used, run_id=run_id, head=await journal.head(), stamp=STAMP)
        to_allocator = system.start(allocator)
        reader, writer = await asyncio.open_connection(sock=line)
        while text := await reader.readline():
            asked = json.loads(text)
            if asked["kind"] == "state":
                _write(writer, {"n": asked["n"], **_state(allocator)})
                continue
            reply = to_allocator.ask(
                _message(asked["id"], asked["kind"], asked["fields"]),
                timeout_s=TIMEOUT_S,
                lane=asked["lane"],
            )
            reply.add_done_callback(partial(_answer, writer, asked["n"]))
        writer.close()


def _message(command_id: str, kind: str, fields: dict[str, Any]) -> AllocatorMessage:
    if kind == "Audit":
        return Audit(command_id)
    if "agent_id" in fields:
        fields["agent_id"] = AgentId(fields["agent_id"])
    if "layer" in fields:
        fields["layer"] = Layer(fields["layer"])
    message: AllocatorMessage = getattr(commands, kind)(command_id=command_id, **fields)
    return message


def _state(allocator: Allocator) -> dict[str, Any]:
    treasury = allocator.treasury
    books = {book.value: accounts for book, accounts in treasury.books.items()}
    return {"outcome": "state", "state_hash": treasury.state_hash(), "books": books}


def _answer(writer: StreamWriter, number: int, reply: Future[Answer]) -> None:
    """Send what became of a command."""
    error = reply.exception()
    if isinstance(error, CommandConflictError):
        _write(writer, {"n": number, "outcome": "conflict"})
        return
    if error is not None:
        _write(writer, {"n": number, "outcome": "failed", "error": repr(error)})
        return
    answer = reply.result()
    _write(
        writer,
        {
            "n": number,
            "outcome": "ok",
            "seq": answer.receipt.seq,
            "hash": answer.receipt.hash,
            "refusal": None if answer.refusal is None else answer.refusal.value,
            "duplicate": answer.duplicate,
            "events": [encode(event) for event in answer.events],
        },
    )


def _write(writer: StreamWriter, answer: dict[str, Any]) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")
