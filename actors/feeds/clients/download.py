"""Fetch what a store does not have, and nothing else."""

from __future__ import annotations

from actors.feeds.clients.port import SeriesClient, SeriesRequest
from actors.feeds.problems import DataError, Problem
from actors.feeds.store import Frame, SeriesKey, Store
from actors.runtime.clock import Clock


async def download(  # noqa: PLR0913 - from whom, where to, what, from when, until when, and how
    client: SeriesClient,
    store: Store,
    key: SeriesKey,
    start_ms: int,
    end_ms: int,
    *,
    clock: Clock,
    again: bool = False,
) -> Frame:
    """Return the bars of `key` from `start_ms` to `end_ms`, fetched where they are not stored.

    A piece is stored as soon as it is there: what was fetched before an error stays.

    Args:
        client: The provider that `key.source` names.
        store: Where it is kept.
        key: The series.
        start_ms: Milliseconds since 1970.
        end_ms: Exclusive; bars that are not finished now are left out.
        clock: Says what is finished.
        again: Ask for what is stored too, and let what is sent now take its place: for a provider
            that has since filled a gap or mended a row.

    Raises:
        ProviderError: The provider refused, broke, or was not there for too long.
        DataError: It has nothing in that time, or the store and the provider disagree.
        ValidationError: There is no finished bar in that time, or no such kind of series.
    """
    wish = SeriesRequest(key, start_ms, end_ms)
    span = wish.finished(int(clock.stamp().timestamp() * 1000))
    wish = SeriesRequest(key, span.start, span.end)
    pieces = (span,) if again else store.missing(key, wish.start_ms, wish.end_ms)
    for piece in pieces:
        found = await client.fetch(SeriesRequest(key, piece.start, piece.end))
        if not len(found) and not store.path(key).exists():
            needed = "a time in which the provider has it, or a symbol that it knows"
            raise DataError([Problem(str(key), None, None, "no row", needed)])
        store.merge(key, found, overwrite=again)
    return store.read(key).between(wish.start_ms, wish.end_ms)
