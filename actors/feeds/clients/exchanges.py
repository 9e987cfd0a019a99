"""Exchanges, through ccxt: bars and settled funding rates of Binance, Kraken, OKX and Bybit.

ccxt knows the formats; how fast we ask, what is asked again, where pages end and which rows count
is decided here, as for every other provider.  Only public data is asked for, and no key is given.

Source: https://docs.ccxt.com, and what was recorded (`docs/reference/data-sources.md`).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import aiohttp
import ccxt.async_support as ccxt

from actors.feeds.clients.answers import judge
from actors.feeds.clients.errors import ProviderError, TransientError
from actors.feeds.clients.pace import Pace
from actors.feeds.clients.port import Closing, SeriesRequest
from actors.feeds.clients.rows import Meaning, Row, make_frame, on_grid
from actors.feeds.store import Frame, SeriesKind, Span
from actors.feeds.store.key import DAY_MS
from arena.exceptions import ValidationError

T = TypeVar("T")

LATE_MAX_MS = 5_000
"""A settlement is stamped up to 45 ms late in what was recorded; this far off it is another one."""

BAR_COLUMNS = ("open", "high", "low", "close", "volume_base")
FUNDING = Meaning(("rate",), "ratio")


@dataclass(frozen=True, slots=True)
class Manners:
    """What has to be known of an exchange besides ccxt's knowledge.

    Attributes:
        bars: Bars of one page; 0 where one answer is all there is, whatever is asked.
        settlements: Funding rates of one page; 0 likewise; None where there are none.
        recent: Kinds of which only the latest rows are sent.
        span_max_ms: The longest page in time, for contracts that are settled in the coin.
        end: Name of the parameter that ends a page of funding rates.
    """

    bars: int
    settlements: int | None
    recent: frozenset[SeriesKind] = frozenset()
    span_max_ms: int = 10_000 * DAY_MS
    end: str = "until"


EXCHANGES: Mapping[str, Manners] = {
    "binance": Manners(bars=1000, settlements=1000, span_max_ms=200 * DAY_MS),
    "kraken": Manners(bars=0, settlements=None, recent=frozenset({SeriesKind.OHLCV})),
    "krakenfutures": Manners(bars=1000, settlements=0),
    "okx": Manners(bars=100, settlements=100, recent=frozenset({SeriesKind.FUNDING}), end="after"),
    "bybit": Manners(bars=1000, settlements=200),
}


class Exchange(Closing):
    """The client of one exchange.  Kinds: OHLCV and FUNDING.

    Symbols are ccxt's: `BTC/USDT` is spot, `BTC/USDT:USDT` a perpetual settled in USDT,
    `BTC/USD:BTC` one settled in the coin.  The timeframe of a funding series is the time between
    settlements, such as `8h`.
    """

    def __init__(self, pace: Pace, *, base_url: str | None = None) -> None:
        """Connect to nobody yet.

        Args:
            pace: How fast, and how often; its provider names the exchange.
            base_url: Scheme and host, in place of all of the exchange's.
        """
        self.source = pace.provider
        self._pace = pace
        self._manners = EXCHANGES[self.source]
        self._ccxt = getattr(ccxt, self.source)(
            {"enableRateLimit": True, "timeout": int(pace.patience.request_s * 1000)}
        )
        self._ccxt.has["fetchCurrencies"] = False  # Nothing here needs them.
        self._ccxt.throttle = self._throttle
        self._ccxt.milliseconds = lambda: pace.now_ms
        self._ccxt.sleep = lambda milliseconds: pace.sleep(milliseconds / 1000)
        self._ccxt.on_rest_response = self._heard
        if base_url:
            self._ccxt.urls["api"] = _moved(self._ccxt.urls["api"], base_url)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._ccxt.close()

    async def fetch(self, request: SeriesRequest) -> Frame:
        """See `SeriesClient.fetch`."""
        key = request.key
        if key.kind is SeriesKind.OHLCV and key.timeframe in self._ccxt.timeframes:
            return await self._bars(request)
        if key.kind is SeriesKind.FUNDING and self._manners.settlements is not None:
            return await self._settlements(request)
        frames = ", ".join(self._ccxt.timeframes)
        kinds = "ohlcv" if self._manners.settlements is None else "funding, or ohlcv"
        raise ValidationError("series", found=str(key), needed=f"{kinds} at one of {frames}")

    async def _bars(self, request: SeriesRequest) -> Frame:
        key, manners = request.key, self._manners
        await self._know(key.symbol)
        now_ms = self._pace.now_ms
        span = request.finished(now_ms)
        rows: list[Row] = []
        for page in self._pages(span, key.step_ms, manners.bars, key.symbol):
            ending = {"until": page.end - 1} if manners.bars else {}
            sent = await self._ask(
                f"{key.symbol} {key.kind} {key.timeframe} from {page.start} ms",
                partial(
                    self._ccxt.fetch_ohlcv,
                    *(key.symbol, key.timeframe, page.start, manners.bars or None, ending),
                ),
            )
            rows += [(int(time), numbers) for time, *numbers in sent]
        quote_currency = key.symbol.partition(":")[0].partition("/")[2]
        return make_frame(
            key,
            span,
            rows,
            Meaning(BAR_COLUMNS, quote_currency),
            now_ms=now_ms,
            recent=SeriesKind.OHLCV in manners.recent,
        )

    async def _settlements(self, request: SeriesRequest) -> Frame:
        key, manners = request.key, self._manners
        await self._know(key.symbol)
        now_ms = self._pace.now_ms
        span = request.finished(now_ms)
        rows: list[Row] = []
        size = manners.settlements or 0
        for page in self._pages(span, key.step_ms, size, key.symbol):
            ending = {manners.end: page.end - 1} if size else {}
            sent = await self._ask(
                f"{key.symbol} {key.kind} {key.timeframe} from {page.start} ms",
                partial(
                    self._ccxt.fetch_funding_rate_history,
                    *(key.symbol, page.start, size or None, ending),
                ),
            )
            rows += [(int(each["timestamp"]), [each["fundingRate"]]) for each in sent]
        step = key.step_ms
        met = [(on_grid(time, step, tolerance_ms=LATE_MAX_MS), time, row) for time, row in rows]
        snapped = [(time if grid is None else grid, row) for grid, time, row in met]
        recent = SeriesKind.FUNDING in manners.recent
        return make_frame(key, span, snapped, FUNDING, now_ms=now_ms, recent=recent)

    def _pages(self, span: Span, step_ms: int, size: int, symbol: str) -> list[Span]:
        """Cut `span` into pages of at most `size` rows: then no answer has to be cut short."""
        if span.start == span.end:
            return []
        if not size:
            return [span]
        width = size * step_ms
        if _settled_in_coin(symbol):
            width = min(width, self._manners.span_max_ms // step_ms * step_ms)
        return [
            Span(start, min(start + width, span.end))
            for start in range(span.start, span.end, width)
        ]

    async def _know(self, symbol: str) -> None:
        """Have ccxt learn the markets of the kind of `symbol`, and no others."""
        if symbol in (self._ccxt.markets or {}):
            return
        types = self._ccxt.options.get("fetchMarkets")
        if isinstance(types, dict) and "types" in types:
            types["types"] = [_market_type(self.source, symbol)]
        await self._ask("its markets", lambda: self._ccxt.load_markets(reload=True))

    async def _ask(self, place: str, call: Callable[[], Awaitable[T]]) -> T:
        """Return what ccxt returns, asked again while that may help."""

        async def attempt() -> T:
            try:
                return await call()
            except (TransientError, ProviderError):
                raise
            except ccxt.NetworkError as error:
                raise TransientError(_told(error)) from None
            except ccxt.BaseError as error:
                if isinstance(error.__cause__, aiohttp.ClientError):  # The body was cut short.
                    raise TransientError(_told(error)) from None
                needed = "a market and a timeframe that it has, or a change of what is asked for"
                raise ProviderError(
                    self.source, place, found=_told(error), needed=needed
                ) from error

        return await self._pace.persist(place, attempt)

    async def _throttle(self, cost: float = 1.0) -> None:
        """Wait, in place of ccxt: `cost` is the weight that the exchange gives the request."""
        await self._pace.take(self.source, cost * self._ccxt.rateLimit / 1000)

    def _heard(self, code: int, _reason: str, url: str, *rest: Any) -> str:
        """Judge an answer before ccxt does: it would take one cut short for an empty one."""
        headers, body = rest[1], str(rest[2]).strip()
        self._pace.heard(headers)
        judge(self.source, url, code, headers, body, self._pace.clock.stamp())
        return body


def _moved(urls: Any, base_url: str) -> Any:
    """Return ccxt's addresses with another scheme and host."""
    if isinstance(urls, dict):
        return {name: _moved(value, base_url) for name, value in urls.items()}
    return re.sub(r"^https?://[^/]+", base_url, urls) if isinstance(urls, str) else urls


def _settled_in_coin(symbol: str) -> bool:
    base, _, settled = symbol.partition("/")[0], *symbol.partition(":")[1:]
    return base == settled


def _market_type(exchange: str, symbol: str) -> str:
    """Return what ccxt calls the kind of market: it loads the kinds one by one."""
    if ":" not in symbol:
        return "spot"
    if exchange == "okx":
        return "swap"
    return "inverse" if _settled_in_coin(symbol) else "linear"


def _told(error: BaseException) -> str:
    """Return what ccxt says, on one line, with the name that it gives the error."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
