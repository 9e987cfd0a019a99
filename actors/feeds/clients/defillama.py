"""DefiLlama: prices of tokens, and yields of pools.

Prices: `coins.llama.fi`, a token by chain and address or `coingecko:<id>`; stamps are seconds, and
the answer's is that of the nearest stored price, not the one asked for; an unknown token is an
empty answer with status 200.  Yields: `yields.llama.fi`, a pool by its id; stamps are ISO text
about once a day, rates are per cent a year.

Source: https://defillama.com/docs/api, and what was recorded (`docs/reference/data-sources.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from actors.feeds.clients.pace import Pace
from actors.feeds.clients.port import Closing, SeriesRequest
from actors.feeds.clients.rows import Meaning, Row, bar_that_closes_after, make_frame
from actors.feeds.clients.shapes import Reader, number
from actors.feeds.clients.web import Address, Web
from actors.feeds.store import Frame, SeriesKind
from actors.feeds.store.key import DAY_MS
from arena.exceptions import ValidationError

COINS = "https://coins.llama.fi"
YIELDS = "https://yields.llama.fi"
PRO = "https://pro-api.llama.fi"
KEY = "DEFILLAMA_API_KEY"
"""Environment variable of a paid key.  It is a part of the path, and never shown."""

STAMPS_MAX = 400
"""Prices come one request each: more bars than this at once are refused."""

AWAY_MAX_MS = 3_600_000
"""A stored price that is further from the asked instant is no price of that instant."""

PRICE = Meaning(("price",), "USD")
APY = Meaning(("apy", "apy_base", "apy_reward", "tvl_usd"), "1/year")
PER_CENT = 100.0


@dataclass(frozen=True, slots=True)
class Quoted:
    """A token's price.

    Attributes:
        price: USD for one.
        at_s: Unix seconds of the price.
        confidence: 0 to 1, where it is known.
    """

    price: float
    at_s: int
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool with a yield.

    Attributes:
        pool: Its id: the symbol of its APY series.
        project: The protocol: `aave-v3`.
        chain: Where.
        symbol: The tokens.
        tvl_usd: What is in it.
        apy: Fraction a year, compounded; None where it is not known.
    """

    pool: str
    project: str
    chain: str
    symbol: str
    tvl_usd: float
    apy: float | None


class DefiLlama(Closing):
    """The client.  Kinds: PRICE at any timeframe, APY at `1d`."""

    source = "defillama"

    def __init__(self, pace: Pace, *, base_url: str | None = None, key: str | None = None) -> None:
        """Connect to nobody yet.

        Args:
            pace: How fast, and how often.
            base_url: Scheme and host, in place of all of DefiLlama's.
            key: Of a paid plan: everything is then asked of one host.
        """
        self._pace = pace
        self._web = Web(pace)
        if key:
            self._coins = self._yields = Address(base_url or PRO, secret=quote(key, safe=""))
            self._prefixes = ("/coins", "/yields")
        else:
            self._coins, self._yields = Address(base_url or COINS), Address(base_url or YIELDS)
            self._prefixes = ("", "")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._web.aclose()

    async def fetch(self, request: SeriesRequest) -> Frame:
        """See `SeriesClient.fetch`.  A price costs one request for each bar."""
        key = request.key
        if key.kind is SeriesKind.PRICE:
            return await self._prices(request)
        if key.kind is SeriesKind.APY and key.step_ms == DAY_MS:
            return await self._chart(request)
        raise ValidationError("series", found=str(key), needed="price, or apy at 1d")

    async def current(self, *tokens: str) -> dict[str, Quoted]:
        """Return the latest price of each token; an unknown token is left out, as it is there.

        Args:
            tokens: `coingecko:bitcoin`, or chain and address as `bsc:0x55d3...`.
        """
        return await self._quotes(f"/prices/current/{_joined(tokens)}")

    async def at(self, at_s: int, *tokens: str) -> dict[str, Quoted]:
        """Return the stored price of each token that is nearest to `at_s`, in Unix seconds."""
        return await self._quotes(f"/prices/historical/{at_s}/{_joined(tokens)}")

    async def pools(self) -> tuple[Pool, ...]:
        """Return every pool with a yield, as they are sent."""
        path = f"{self._prefixes[1]}/pools"
        reader = Reader(self.source, path)
        answer = await self._web.get(self._yields, path)
        return tuple(_pool(reader, each) for each in reader.items(reader.field(answer, "data")))

    async def _quotes(self, path: str) -> dict[str, Quoted]:
        path = self._prefixes[0] + path
        reader = Reader(self.source, path)
        coins = reader.table(reader.field(await self._web.get(self._coins, path), "coins"))
        return {
            token: Quoted(
                price=float(reader.field(each, "price")),
                at_s=int(reader.field(each, "timestamp")),
                confidence=number(each.get("confidence")),
            )
            for token, each in coins.items()
        }

    async def _prices(self, request: SeriesRequest) -> Frame:
        key, began_ms = request.key, self._pace.now_ms
        asked = request.finished(began_ms)
        bars = range(asked.start, asked.end, key.step_ms)
        if len(bars) > STAMPS_MAX:
            needed = f"at most {STAMPS_MAX}: each one is a request; ask for less, or elsewhere"
            raise ValidationError("bars", found=len(bars), needed=needed)
        away_max_ms = min(AWAY_MAX_MS, key.step_ms // 2)
        rows: list[Row] = []
        for bar in bars:
            close_ms = bar + key.step_ms
            quoted = (await self.at(close_ms // 1000, key.symbol)).get(key.symbol)
            if quoted and abs(quoted.at_s * 1000 - close_ms) <= away_max_ms:
                rows.append((bar, [quoted.price]))
        now_ms = min(began_ms, self._pace.now_ms)
        span = request.finished(now_ms)
        return make_frame(key, span, rows, PRICE, now_ms=now_ms, recent=False)

    async def _chart(self, request: SeriesRequest) -> Frame:
        key, began_ms = request.key, self._pace.now_ms
        path = f"{self._prefixes[1]}/chart/{quote(key.symbol, safe='')}"
        reader = Reader(self.source, path)
        answer = await self._web.get(self._yields, path)
        points = [_point(reader, each) for each in reader.items(reader.field(answer, "data"))]
        points.sort(key=lambda row: row[0])
        bars = [(bar_that_closes_after(time, key.step_ms), numbers) for time, numbers in points]
        now_ms = min(began_ms, self._pace.now_ms)
        span = request.finished(now_ms)
        return make_frame(key, span, bars, APY, now_ms=now_ms, recent=False)


def _joined(tokens: tuple[str, ...]) -> str:
    return quote(",".join(token.strip() for token in tokens), safe=":,")


def _point(reader: Reader, value: object) -> Row:
    """Return one point of a chart: its time in ms, its rates as fractions, its size."""
    stamp = reader.field(value, "timestamp")
    try:
        time = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        raise reader.wrong(stamp, "an ISO 8601 stamp") from None
    if time.tzinfo is None:
        raise reader.wrong(stamp, "an ISO 8601 stamp with its zone")
    rates = [number(reader.table(value).get(name)) for name in ("apy", "apyBase", "apyReward")]
    fractions = [None if rate is None else rate / PER_CENT for rate in rates]
    return round(time.timestamp() * 1000), [*fractions, number(reader.field(value, "tvlUsd"))]


def _pool(reader: Reader, value: object) -> Pool:
    apy = number(reader.field(value, "apy"))
    return Pool(
        pool=str(reader.field(value, "pool")),
        project=str(reader.field(value, "project")),
        chain=str(reader.field(value, "chain")),
        symbol=str(reader.field(value, "symbol")),
        tvl_usd=float(reader.field(value, "tvlUsd")),
        apy=None if apy is None else apy / PER_CENT,
    )
