"""The stream: every entry of the journal as it is written, as server-sent events.

The rule: a stream pulls.  It knows the last entry that its reader was sent, takes the next page
from the journal, and takes no other until that one was taken from its hands: whoever reads slowly
reads late, and costs one page.  That there is more it hears from the follower, and if it did not
hear, it would look anyway.  A stream therefore begins anywhere and misses and repeats nothing,
whatever was started anew meanwhile.  Where another run takes the place of the one that it began
with, or an entry is damaged, it ends: it never goes on in another history.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Annotated, NamedTuple

import structlog
from anyio import to_thread
from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from actors.app.http.entries import entry_json
from actors.app.http.reading import (
    SEQ_MAX,
    AfterSeq,
    EventType,
    Given,
    Reading,
)
from actors.journal.chain import Entry, Head
from actors.journal.pages import Wanted, entry_page
from arena.exceptions import EventSourcingError

KEEP_ALIVE_S = 15.0
PAGE = 100
PAGE_BYTES = 256 << 10

log = structlog.wrap_logger(logging.getLogger(__name__))

router = APIRouter(tags=["stream"])


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Entries, as they come.", "content": {"text/event-stream": {}}}
    },
)
async def stream_events(
    reading: Given,
    after_seq: AfterSeq = 0,
    event_type: Annotated[
        EventType | None, Query(alias="type", description="Only of one type.")
    ] = None,
    last_event_id: Annotated[
        int | None,
        Header(ge=0, le=SEQ_MAX, description="The last seq that was read: wins over `after_seq`."),
    ] = None,
) -> StreamingResponse:
    """Follow the journal: `id` is the seq, `event` the type, `data` the entry as JSON on one line.

    It goes on for as long as it is read, with a comment every 15 s where nothing happens.  Who does
    not take what was sent within the server's stall limit is cut off, and goes on with the header
    `Last-Event-ID`, as browsers do by themselves.
    """
    position = after_seq if last_event_id is None else last_event_id
    _ = reading.view  # A run that cannot be read is a problem, and no empty stream.
    entries = follow(reading, position, event_type)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(entries, headers=headers, media_type="text/event-stream")


async def follow(
    reading: Reading, position: int, event_type: str | None = None
) -> AsyncIterator[bytes]:
    """Yield what comes after `position`, each entry as one event, while it can be read."""
    yield b": arena\n\n"
    follower, part = reading.follower, _Part([], position, None, ends=False)
    while not follower.stopped:
        try:
            part = await to_thread.run_sync(_read, reading, part, event_type)
            for entry in part.entries:
                yield sse(entry)
        except EventSourcingError as error:
            log.warning("stream_ended", after_seq=part.seen, error=str(error))
            return
        if part.ends and not await follower.wait_past(part.seen, KEEP_ALIVE_S):
            yield b": still here\n\n"


class _Part(NamedTuple):
    """A piece of a stream.

    Attributes:
        entries: What was found.
        seen: The last entry that was looked at.
        head: The same with its hash; None where there is none yet.
        ends: Whether nothing more was on record.
    """

    entries: list[Entry]
    seen: int
    head: Head | None
    ends: bool


def _read(reading: Reading, last: _Part, event_type: str | None) -> _Part:
    """Return what follows `last`.

    Raises:
        EventSourcingError: It is damaged, or does not go on from there.
    """
    wanted = Wanted(after_seq=last.seen, limit=PAGE, event_type=event_type)
    with reading.readers.lend(last.head) as run:
        page = entry_page(run, wanted, bytes_max=PAGE_BYTES)
        head = run.head_at(page.seen)
    return _Part(page.entries, page.seen, head, page.next is None)


def sse(entry: Entry) -> bytes:
    """Return one entry as one event of a stream."""
    return f"id: {entry.seq}\nevent: {entry.event_type}\ndata: {entry_json(entry)}\n\n".encode()
