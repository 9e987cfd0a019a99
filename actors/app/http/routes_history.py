"""History: the capital, every step that it took, every entry of the journal, and what led to it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from actors.app.explaining.chain import trace
from actors.app.explaining.words import say
from actors.app.http.entries import page_json
from actors.app.http.heavy import Until
from actors.app.http.models_run import Capital, Cause, Cycle, EventAnswer, Events, Ledger
from actors.app.http.problems import ProblemError
from actors.app.http.reading import (
    SEQ_MAX,
    AfterSeq,
    AgentQuery,
    EventType,
    Given,
    Limit,
    SeqPath,
    answer,
)
from actors.app.http.replica import View
from actors.app.http.routes_run import sums
from actors.app.inspecting import entry_data
from actors.app.result import capital
from actors.journal.codec import decode
from actors.journal.pages import Wanted, entry_at, entry_page, ledger_page, nth_entry
from actors.journal.reader import JournalReader
from arena.events import EvolutionCycleComplete
from arena.exceptions import EventSourcingError

ACCOUNT = r"^(endowment|reserve|pool:proving|pool:arena|market|costs|costs:fees|costs:slippage|costs:gas|bank|population|agent:[a-z][a-z0-9_-]{0,62})$"  # noqa: E501 - every account there is

router = APIRouter(tags=["history"])


@router.get("/capital", response_model=Capital, tags=["capital"])
async def show_capital(reading: Given) -> Response:
    """Show where the capital is: by pool, by tier, by agent, and the accounts of both books."""
    view = reading.view
    treasury = view.treasury
    books = {}
    for book, rows in treasury.books.items():
        own = {name: sum_ for name, sum_ in sorted(rows.items()) if not name.startswith("agent:")}
        books[str(book)] = {**own, "agents": sum(rows.values()) - sum(own.values())}
    held = {**capital(treasury), "accounts": books, "ledger": sums(treasury)}
    return answer({"as_of": view.seq, "tick": treasury.tick, **held})


@router.get("/ledger", response_model=Ledger, tags=["capital"])
def list_ledger(
    reading: Given,
    account: Annotated[
        str | None,
        Query(pattern=ACCOUNT, description="Only what left or reached it.", examples=["reserve"]),
    ] = None,
    after_seq: AfterSeq = 0,
    after_line: Annotated[
        int, Query(ge=0, le=SEQ_MAX, description="Of `after_seq`: only what is later than this.")
    ] = SEQ_MAX,
    limit: Limit = 100,
) -> Response:
    """List transfers, one row each with both of its legs."""
    view = reading.view
    place = (after_seq, after_line)
    with reading.readers.lend(view.head) as run:
        page = ledger_page(run, place, limit, upto=view.seq, account=account)
    rows = [row._asdict() for row in page.rows]
    more = page.next and {"after_seq": page.next[0], "after_line": page.next[1]}
    return answer({"as_of": view.seq, "transfers": rows, "next": more})


@router.get("/events", response_model=Events)
def list_events(  # noqa: PLR0913 - the filters there are
    reading: Given,
    *,
    event_type: Annotated[
        EventType | None, Query(alias="type", description="Only of one type.")
    ] = None,
    agent: AgentQuery = None,
    after_seq: AfterSeq = 0,
    before_seq: Annotated[
        int, Query(ge=0, le=SEQ_MAX, description="Only what is earlier than this seq.")
    ] = SEQ_MAX,
    order: Annotated[
        Literal["asc", "desc"], Query(description="The oldest first, or the newest.")
    ] = "asc",
    limit: Limit = 100,
) -> Response:
    """List entries of the journal.

    One page looks at 50,000 entries and holds 4 MiB at most: with a filter it may be short, or
    empty.  Go on at `next` until that is null.
    """
    view = reading.view
    wanted = Wanted(
        after_seq=after_seq,
        before_seq=min(before_seq, view.seq + 1),
        limit=limit,
        event_type=event_type,
        agent_id=agent,
        newest_first=order == "desc",
    )
    with reading.readers.lend(view.head) as run:
        page = entry_page(run, wanted)
    text = page_json(view.seq, page.entries, page.next)
    return Response(text, media_type="application/json")


@router.get("/events/{seq}", response_model=EventAnswer)
def show_event(reading: Given, seq: SeqPath) -> Response:
    """Show one entry of the journal, and say in plain words what happened."""
    view = reading.view
    _check(view, seq)
    with reading.readers.lend(view.head) as run:
        entry = entry_at(run, seq)
    event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
    return answer({"as_of": view.seq, "event": entry_data(entry), "said": say(event, None)})


@router.get("/events/{seq}/cause", response_model=Cause)
async def show_cause(reading: Given, seq: SeqPath) -> Response:
    """Trace an entry back to the command that asked for it, step by step."""
    view = reading.view
    _check(view, seq)

    def ask(run: JournalReader, until: Until) -> Response:
        steps = trace(run, seq)
        until.check()
        last = steps[-1]
        chain = [{**entry_data(s.entry), "said": s.said, "command": s.command} for s in steps]
        root = {"command": last.command, "command_id": last.entry.command_id}
        return answer({"as_of": view.seq, "seq": seq, "chain": chain, **root})

    return await reading.heavy.run(ask, view.head)


@router.get("/allocator/cycles/{cycle}", response_model=Cycle)
async def show_cycle(
    reading: Given,
    cycle: Annotated[int, Path(ge=1, le=SEQ_MAX, description="The cycle's number.", examples=[1])],
) -> Response:
    """Show what a cycle decided: the ranking with its terms, deaths, births, graduations."""
    view = reading.view
    if cycle > view.treasury.cycle:
        detail = f"{view.treasury.cycle} cycles are complete"
        raise ProblemError(404, "unknown_cycle", detail, field="cycle")

    def ask(run: JournalReader, until: Until) -> Response:
        entry = nth_entry(run, EvolutionCycleComplete.__name__, cycle)
        until.check()
        if entry is None:
            raise EventSourcingError(f"cycle {cycle} is missing")
        data = entry_data(entry)
        facts = {"seq": data["seq"], "timestamp": data["timestamp"], "cycle": data["data"]}
        return answer({"as_of": view.seq, **facts})

    return await reading.heavy.run(ask, view.head)


def _check(view: View, seq: int) -> None:
    if seq > view.seq:
        detail = f"this run has 1..{view.seq}"
        raise ProblemError(404, "unknown_event", detail, field="seq")
