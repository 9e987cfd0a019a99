"""CoinGecko: prices and candles of a coin in USD, by the id that CoinGecko gives it (`bitcoin`).

Stamps are milliseconds in answers, seconds in questions.  A price is a sample: it belongs to the
bar in which it is the latest, so the one stamped 00:00 is the close of the day before, and the last
one ("now") falls into a bar that is not finished and is dropped.  Candles bear their close.

Source: https://docs.coingecko.com, and what was recorded (`docs/reference/data-sources.md`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from actors.feeds.clients.pace import Pace
from actors.feeds.clients.port import Closing, SeriesRequest
from actors.feeds.clients.rows import Meaning, Row, bar_that_closes_after, make_frame
from actors.feeds.clients.shapes import Reader
from actors.feeds.clients.web import Address, Query, Web
from actors.feeds.store import Frame, SeriesKind, Span
from actors.feeds.store.key import DAY_MS
from arena.exceptions import ValidationError
from arena.market import Provenance

PUBLIC = "https://api.coingecko.com"
PRO = "https://pro-api.coingecko.com"
PREFIX = "/api/v3"
DAILY_FROM_DAYS = 91
"""Asked for more than 90 days, `/range` answers with one point a day; for less, with hours."""

HOURLY_DAYS = 90
CANDLES: Mapping[str, tuple[int, ...]] = {"30m": (1,), "4h": (7, 14, 30)}
"""Timeframe of candles -> the numbers of days that are answered with it."""

PRICES = {
    "1d": Meaning(("price", "market_cap", "volume"), "USD"),
    "1h": Meaning(("price", "market_cap", "volume"), "USD", Provenance.RESAMPLED),
}
BARS = Meaning(("open", "high", "low", "close"), "USD")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a key, or none, gives.

    Attributes:
        base_url: The host that takes it.
        rate_per_s: Requests in a second, on average.
        headers: The key.
    """

    base_url: str
    rate_per_s: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def choose_plan(environment: Mapping[str, str]) -> Plan:
    """Return the plan of the key in `COINGECKO_PRO_API_KEY` or `COINGECKO_API_KEY`, or of none."""
    if key := environment.get("COINGECKO_PRO_API_KEY"):
        return Plan(PRO, 4.0, {"x-cg-pro-api-key": key})
    if key := environment.get("COINGECKO_API_KEY"):
        return Plan(PUBLIC, 0.5, {"x-cg-demo-api-key": key})
    return Plan(PUBLIC, 0.1)


class CoinGecko(Closing):
    """The client.  Kinds: PRICE at `1d` and `1h`, OHLCV (without volume) at `30m` and `4h`."""

    source = "coingecko"

    def __init__(self, pace: Pace, *, base_url: str = PUBLIC, headers: Mapping[str, str]) -> None:
        """Connect to nobody yet.

        Args:
            pace: How fast, and how often.
            base_url: Scheme and host.
            headers: The key, if there is one.
        """
        self._pace = pace
        self._web = Web(pace, headers)
        self._address = Address(base_url + PREFIX)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._web.aclose()

    async def fetch(self, request: SeriesRequest) -> Frame:
        """See `SeriesClient.fetch`.  Candles reach back as far as the provider sends them."""
        key = request.key
        if key.kind is SeriesKind.PRICE and key.timeframe in PRICES:
            return await self._prices(request)
        if key.kind is SeriesKind.OHLCV and key.timeframe in CANDLES:
            return await self._candles(request)
        raise ValidationError(
            "series", found=str(key), needed="price at 1d or 1h, or ohlcv at 30m or 4h"
        )

    async def current(self, *ids: str) -> dict[str, float]:
        """Return the latest price of each coin in USD.  An unknown id is left out, as it is there.

        Args:
            ids: Of coins; spaces around them would make them unknown, and are taken off.
        """
        wanted = [each.strip() for each in ids]
        query = {"ids": ",".join(wanted), "vs_currencies": "usd"}
        answer = await self._web.get(self._address, "/simple/price", query)
        reader = Reader(self.source, "/simple/price")
        table = reader.table(answer)
        return {each: float(reader.field(table[each], "usd")) for each in wanted if each in table}

    async def _prices(self, request: SeriesRequest) -> Frame:
        key, rows, began_ms = request.key, list[Row](), self._pace.now_ms
        asked = request.finished(began_ms)
        for piece in _pieces(asked, daily=key.timeframe == "1d"):
            query: Query = {
                "vs_currency": "usd",
                "from": piece.start // 1000,
                "to": piece.end // 1000,
            }
            path = f"/coins/{quote(key.symbol, safe='')}/market_chart/range"
            rows += self._points(await self._web.get(self._address, path, query), path)
        rows.sort(key=lambda row: row[0])
        now_ms, step = min(began_ms, self._pace.now_ms), key.step_ms
        span = request.finished(now_ms)
        bars = [(bar_that_closes_after(time, step), numbers) for time, numbers in rows]
        return make_frame(key, span, bars, PRICES[key.timeframe], now_ms=now_ms, recent=False)

    def _points(self, answer: object, place: str) -> list[Row]:
        """Join three arrays by their stamps: prices lead, the others may have holes."""
        reader = Reader(self.source, place)
        prices, caps, volumes = (
            dict(reader.row(point, 1) for point in reader.items(reader.field(answer, name)))
            for name in ("prices", "market_caps", "total_volumes")
        )
        nothing = [None]
        return [
            (time, [*price, *caps.get(time, nothing), *volumes.get(time, nothing)])
            for time, price in prices.items()
        ]

    async def _candles(self, request: SeriesRequest) -> Frame:
        key, began_ms = request.key, self._pace.now_ms
        choices = CANDLES[key.timeframe]
        reach = [days for days in choices if began_ms - days * DAY_MS <= request.start_ms]
        days = reach[0] if reach else choices[-1]
        path = f"/coins/{quote(key.symbol, safe='')}/ohlc"
        answer = await self._web.get(self._address, path, {"vs_currency": "usd", "days": days})
        reader = Reader(self.source, path)
        sent = [reader.row(each, 4) for each in reader.items(answer)]
        rows = [(time - key.step_ms, numbers) for time, numbers in sent]
        now_ms = min(began_ms, self._pace.now_ms)
        span = request.finished(now_ms)
        return make_frame(key, span, rows, BARS, now_ms=now_ms, recent=True)


def _pieces(span: Span, *, daily: bool) -> list[Span]:
    """Return the questions that answer `span` at the wanted density, both ends in ms.

    A sample at the close of the last bar belongs to it, so a question includes its end.
    """
    if span.start == span.end:
        return []
    if daily:
        return [Span(min(span.start, span.end - DAILY_FROM_DAYS * DAY_MS), span.end)]
    width = HOURLY_DAYS * DAY_MS
    starts = range(span.start, span.end, width)
    return [Span(start, min(start + width, span.end)) for start in starts]
