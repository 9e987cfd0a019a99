"""`arena verify` and `arena replay`: the same question, asked of the file and of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from actors.app.cli.moment import now
from actors.app.cli.output import Output, run_argument, with_output
from actors.app.cli.progress import progress_bar, sign_of_life
from actors.app.exits import ExitCode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from actors.app.proof import Proof
    from actors.app.rerun import Divergence
    from actors.journal.chain import Entry, Head
    from actors.journal.reader import JournalReader
    from arena.treasury import Treasury

SHOWN = 20
"""Findings that people are shown; `--json` has them all."""


def _read_receipts(
    context: click.Context, parameter: click.Parameter, values: Sequence[str]
) -> list[Head]:
    """Return the entries that `values` name, as `arena verify` prints them."""
    from actors.journal.chain import Head

    for value in values:
        if not re.fullmatch("[0-9]{1,18}:[0-9a-f]{64}", value):
            message = f"{value!r} is no receipt: that is SEQ:HASH, a number and 64 digits"
            raise click.BadParameter(message, context, parameter)
    return [Head(int(value[:-65]), value[-64:]) for value in values]


@click.command(short_help="Check a run's file, its history and its money.")
@run_argument
@click.option("--deep", is_flag=True, help="Read the disk itself, and write every event anew.")
@click.option(
    "--receipt",
    "receipts",
    metavar="SEQ:HASH",
    multiple=True,
    callback=_read_receipts,
    help="An entry that RUN has to have; can be repeated.",
)
@with_output
def verify(run: str, output: Output, *, deep: bool, receipts: Sequence[Head]) -> None:
    """Check RUN, a run's folder or its run.db: the file, the chain of hashes, every row of money.

    Then the events are folded and compared with what the run says of itself.  Exit code 0 means
    nothing was found, 3 that something was; the first line names the first bad event.

    \b
    Examples:
      arena verify runs/quickstart-1
      arena verify runs/quickstart-1 --deep
    """
    from actors.app.proof import prove

    with sign_of_life("verifying", output):
        proof = prove(run, deep=deep, receipts=receipts)
    output.show(_proof_data(run, proof), lambda: _proof_lines(run, proof, receipts))
    for note in proof.report.notes:
        output.note(f"note: {note}")
    if not proof.ok:
        raise SystemExit(ExitCode.INVARIANT)


def _proof_data(run: str, proof: Proof) -> dict[str, Any]:
    first = proof.findings[0].seq if proof.findings else None
    return {
        "run": run,
        "ok": proof.ok,
        "events": proof.report.events,
        "head": proof.report.head.hash,
        "receipt": _receipt(proof.report.head),
        "state_hash": proof.treasury.state_hash() if proof.treasury else None,
        "ledger": _sums(proof),
        "first_bad_seq": first,
        "findings": [
            {"seq": each.seq, "table": each.table, "message": each.message}
            for each in proof.findings
        ],
        "omitted": proof.report.omitted,
        "notes": list(proof.report.notes),
    }


def _receipt(head: Head) -> str:
    return f"{head.seq}:{head.hash}"


def _sums(proof: Proof) -> dict[str, int] | None:
    if proof.treasury is None:
        return None
    return {f"{book}_sum": sum(rows.values()) for book, rows in proof.treasury.books.items()}


def _proof_lines(run: str, proof: Proof, receipts: Sequence[Head]) -> Iterator[RenderableType]:
    from actors.app.render import cell, plain

    if proof.ok:
        yield f"verified: {proof.report.events} events, nothing found in {plain(run)}"
        yield f"head: {_receipt(proof.report.head)}"
        yield from (f"on the record: {_receipt(each)}" for each in receipts)
        yield "ledger: balanced"
        return
    for finding in proof.findings[:SHOWN]:
        yield cell(finding)
    more = len(proof.findings) - SHOWN + proof.report.omitted
    if more > 0:
        yield f"and {more} more"


@click.command(short_help="Rebuild a run's state, or run it again.")
@run_argument
@click.option("--re-execute", is_flag=True, help="Run market and strategies again, and compare.")
@with_output
def replay(run: str, output: Output, *, re_execute: bool) -> None:
    """Rebuild the state of RUN from its events and compare it with the one that was stored.

    With --re-execute the run is carried out again from what it stored about itself, and every event
    is compared; the first one that differs is shown from both sides.

    \b
    Examples:
      arena replay runs/quickstart-1
      arena replay runs/quickstart-1 --re-execute
    """
    from actors.app.folding import fold_run
    from actors.journal.reader import open_run

    with open_run(run) as stored:
        with sign_of_life("replaying", output):
            treasury = fold_run(stored)
        data = _replay_data(run, stored, treasury)
        if re_execute:
            data |= _re_execute(stored, treasury, output)
    output.show(data, lambda: _replay_lines(data))
    if data["match"] is False or data.get("divergence"):
        raise SystemExit(ExitCode.INVARIANT)


def _replay_data(path: str, stored: JournalReader, treasury: Treasury) -> dict[str, Any]:
    row = stored.state().get("state_hash")
    state_hash = treasury.state_hash()
    return {
        "run": path,
        "run_id": stored.meta()["run_id"],
        "status": "completed" if treasury.completed else "incomplete",
        "ticks": treasury.tick,
        "events": treasury.seq,
        "state_hash": state_hash,
        "stored_state_hash": row.value if row else None,
        "match": row.value == state_hash if row else None,
    }


def _re_execute(stored: JournalReader, treasury: Treasury, output: Output) -> dict[str, Any]:
    import asyncio

    from actors.app.log import configure_log
    from actors.app.rerun import re_execute, rebuild

    configure_log()
    rebuilt = rebuild(stored, now=now())
    for note in rebuilt.notes:
        output.note(f"note: {note}")
    with progress_bar(treasury.tick, output) as on_tick:
        found = asyncio.run(re_execute(stored, rebuilt, treasury, on_tick=on_tick))
    return {
        "compared": found.agreed,
        "divergence": found.divergence and _divergence_data(found.divergence),
        "notes": list(rebuilt.notes),
    }


def _divergence_data(divergence: Divergence) -> dict[str, Any]:
    from actors.app.rerun import explain_divergence

    where, before, after = explain_divergence(divergence)
    return {
        "seq": divergence.seq,
        "where": where,
        "values": {"stored": before, "again": after},
        "stored": _entry_data(divergence.stored),
        "again": _entry_data(divergence.again),
    }


def _entry_data(entry: Entry | None) -> dict[str, Any] | None:
    from actors.app.inspecting import entry_data

    return None if entry is None else entry_data(entry)


def _replay_lines(data: dict[str, Any]) -> Iterator[RenderableType]:
    from actors.app.render import cell

    yield f"replayed: {data['events']} events to day {data['ticks']} ({data['status']})"
    yield f"state: {data['state_hash']}"
    if data["match"] is None:
        yield "the run stored no state of its end, so there is nothing to compare with"
    else:
        yield f"stored: {data['stored_state_hash']}: {'equal' if data['match'] else 'DIFFERENT'}"
    if "compared" not in data:
        return
    divergence = data["divergence"]
    if divergence is None:
        yield f"re-executed: all {data['compared']} events are the same"
        return
    yield f"re-executed: seq {divergence['seq']} differs first, in {divergence['where']}"
    for side in ("stored", "again"):
        kind = (divergence[side] or {"type": "nothing"})["type"]
        yield cell(f"  {side}: {kind}: {divergence['values'][side]!r}")
