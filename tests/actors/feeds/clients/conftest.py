"""A server, a store, and clients whose time is in the test's hands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.feeds.clients import Patience, SeriesClient, SeriesRequest, download, open_client
from actors.feeds.store import Frame, SeriesKey, SeriesKind, Store
from actors.runtime.clock import ManualClock
from tests.actors.feeds.clients.loopback import Loopback


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ms(text: str) -> int:
    return int(at(text).timestamp() * 1000)


class World:
    """What a test of a client needs.

    Attributes:
        server: Where everything is asked.
        store: Empty at first.
        clock: Moves when somebody sleeps.
        slept: How long, each time.
    """

    def __init__(self, server: Loopback, folder: Path) -> None:
        self.server = server
        self.store = Store(folder / "store")
        self.clock = ManualClock(at("2026-01-01"))
        self.slept: list[float] = []

    def now(self, text: str) -> None:
        """Make it `text`, before a client is opened."""
        self.clock = ManualClock(at(text))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    def client(
        self, provider: str, *, environment: dict[str, str] | None = None, **patience: Any
    ) -> SeriesClient:
        return open_client(
            provider,
            clock=self.clock,
            sleep=self.sleep,
            patience=Patience(**{"jitter_s": 0.0, "request_s": 10.0} | patience),
            environment=environment or {},
            base_url=self.server.url,
        )

    async def fetch(self, key: SeriesKey, start: str, end: str, **options: Any) -> Frame:
        """Return what a fresh client of `key.source` fetches."""
        async with self.client(key.source, **options) as client:
            return await client.fetch(SeriesRequest(key, ms(start), ms(end)))

    async def download(
        self, key: SeriesKey, start: str, end: str, *, again: bool = False, **options: Any
    ) -> Frame:
        """The same by way of the store."""
        async with self.client(key.source, **options) as client:
            return await download(
                client, self.store, key, ms(start), ms(end), clock=self.clock, again=again
            )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Loopback() as server:
        yield World(server, tmp_path)


def bars(source: str, symbol: str, timeframe: str) -> SeriesKey:
    return SeriesKey(source, symbol, SeriesKind.OHLCV, timeframe)


def funding(source: str, symbol: str, timeframe: str = "8h") -> SeriesKey:
    return SeriesKey(source, symbol, SeriesKind.FUNDING, timeframe)


def price(source: str, symbol: str, timeframe: str = "1d") -> SeriesKey:
    return SeriesKey(source, symbol, SeriesKind.PRICE, timeframe)
