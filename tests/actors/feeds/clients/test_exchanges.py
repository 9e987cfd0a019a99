"""Exchanges through ccxt: pages, gaps, listing days, and the funding that was really settled.

Bodies are recordings unless a test's name says that they are a sample of the manual or made.
"""

from __future__ import annotations

import csv

import numpy as np
import pytest

from actors.feeds import DataError
from actors.feeds.clients import ProviderError, SeriesRequest
from actors.feeds.store import SeriesKey, SeriesKind, Span
from arena.exceptions import ValidationError
from tests.actors.feeds.clients.conftest import World, bars, funding, ms, price
from tests.actors.feeds.clients.loopback import DATA, Answer, Query, parsed, recorded
from tests.actors.feeds.clients.markets import have_markets

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(not DATA.exists(), reason=f"the recordings are not here: {DATA}"),
]

HOUR = 3_600_000
DAY = 24 * HOUR

SPOT = "BTC/USDT"
LINEAR = "BTC/USDT:USDT"
INVERSE = "BTC/USD:BTC"


@pytest.fixture(autouse=True)
def markets(world: World) -> None:
    have_markets(world.server)


def row_of(body: list[list[object]], row: int) -> list[float]:
    return [float(each) for each in body[row][1:6]]  # type: ignore[arg-type]


# Bars of Binance


async def test_a_year_of_daily_bars_is_read_as_it_was_recorded(world):
    world.server.on("/api/v3/klines", Answer(recorded("binance/klines_spot_btcusdt_1d_2019.json")))

    frame = await world.fetch(bars("binance", SPOT, "1d"), "2019-01-01", "2020-01-01")

    body = parsed("binance/klines_spot_btcusdt_1d_2019.json")
    assert frame.columns == ("open", "high", "low", "close", "volume_base")
    assert frame.times.tolist() == [row[0] for row in body]
    assert frame.values.tolist() == [row_of(body, i) for i in range(365)]
    assert (frame.unit, frame.provenance) == ("USDT", "real")
    assert frame.spans == (Span(ms("2019-01-01"), ms("2020-01-01")),)


def hours_of_2020(_path: str, query: Query) -> Answer:
    """Answer with the recorded page that begins where this one is asked to begin."""
    names = ["klines_spot_btcusdt_1h_2020_page1.json", "klines_spot_btcusdt_1h_2020_page2.json"]
    pages = {str(parsed(f"binance/{name}")[0][0]): name for name in names}
    return Answer(recorded(f"binance/{pages[query['startTime']]}"))


HOURS = ("2020-04-30T21:00", "2020-07-01T04:00")
"""The time of the two recorded pages: 1000 bars, then 468 with an outage."""


async def test_two_pages_follow_one_another_without_a_seam(world):
    world.server.on("/api/v3/klines", hours_of_2020)

    frame = await world.fetch(bars("binance", SPOT, "1h"), *HOURS)

    first, second = world.server.queries("/api/v3/klines")
    assert (first["limit"], first["startTime"]) == ("1000", "1588280400000")
    assert first["endTime"] == "1591880399999"
    assert second["startTime"] == "1591880400000"
    assert len(frame) == 1468
    assert frame.values[1000].tolist() == row_of(
        parsed("binance/klines_spot_btcusdt_1h_2020_page2.json"), 0
    )


async def test_the_outage_of_2020_06_28_is_a_gap_and_not_made_up(world):
    world.server.on("/api/v3/klines", hours_of_2020)

    frame = await world.fetch(bars("binance", SPOT, "1h"), *HOURS)

    assert frame.gaps(HOUR) == (Span(ms("2020-06-28T02:00"), ms("2020-06-28T05:00")),)
    assert np.isfinite(frame.values).all()


async def test_nothing_is_fetched_twice_not_even_the_outage(world):
    world.server.on("/api/v3/klines", hours_of_2020)
    key = bars("binance", SPOT, "1h")

    first = await world.download(key, *HOURS)
    asked = len(world.server.asked)
    second = await world.download(key, *HOURS)
    part = await world.download(key, "2020-06-01", "2020-06-29")

    assert asked == 3  # the markets, and two pages
    assert len(world.server.asked) == asked
    assert first.sha256 == second.sha256 == world.store.read(key).sha256
    assert len(part) == 28 * 24 - 3


async def test_only_the_new_end_of_a_series_is_fetched(world):
    world.server.on("/api/v3/klines", Answer(recorded("binance/klines_spot_btcusdt_1d_2019.json")))
    key = bars("binance", SPOT, "1d")

    await world.download(key, "2019-01-01", "2019-07-01")
    await world.download(key, "2019-01-01", "2020-01-01")

    starts = [int(query["startTime"]) for query in world.server.queries("/api/v3/klines")]
    assert starts == [ms("2019-01-01"), ms("2019-07-01")]
    assert len(world.store.read(key)) == 365


async def test_who_asks_again_gets_what_the_provider_has_mended(world):
    """Made: the recorded year without its second day, and then whole."""
    whole = parsed("binance/klines_spot_btcusdt_1d_2019.json")
    world.server.on("/api/v3/klines", Answer([whole[0], *whole[2:]]), Answer(whole))
    key = bars("binance", SPOT, "1d")
    first = await world.download(key, "2019-01-01", "2020-01-01")

    second = await world.download(key, "2019-01-01", "2020-01-01", again=True)

    assert first.gaps(DAY) == (Span(ms("2019-01-02"), ms("2019-01-03")),)
    assert second.gaps(DAY) == ()
    assert world.server.count("/api/v3/klines") == 2


async def test_a_week_of_hours_ends_where_it_was_asked_to_end(world):
    world.server.on(
        "/api/v3/klines", Answer(recorded("binance/klines_spot_btcusdt_1h_2023w1.json"))
    )

    frame = await world.fetch(bars("binance", SPOT, "1h"), "2022-12-31T20:00", "2023-01-08")

    assert int(frame.times[-1]) == ms("2023-01-07T23:00")
    assert frame.gaps(HOUR) == ()


async def test_five_minutes_are_a_timeframe_too(world):
    world.server.on(
        "/api/v3/klines", Answer(recorded("binance/klines_spot_btcusdt_5m_limit24.json"))
    )

    frame = await world.fetch(bars("binance", SPOT, "5m"), "2020-04-15T21:50", "2020-04-15T23:50")

    assert len(frame) == 24


async def test_the_unfinished_candle_is_never_stored(world):
    body = parsed("binance/klines_spot_btcusdt_1m_open_candle.json")
    world.server.on("/api/v3/klines", Answer(body))
    opened, closes = body[-1][0], body[-1][6]
    world.now("2021-10-22T23:12:20")
    key = bars("binance", SPOT, "1m")
    assert opened < ms("2021-10-22T23:12:20") <= closes

    await world.download(key, "2021-10-22T23:03", "2021-10-22T23:59")

    stored = world.store.read(key)
    assert opened not in stored.times
    assert stored.times.tolist() == [row[0] for row in body if row[0] < opened - 60_000]
    assert world.store.missing(key, ms("2021-10-22T23:03"), opened + 60_000)


async def test_a_contract_begins_on_the_day_of_its_listing(world):
    name = "binance/klines_usdm_btcusdt_1d_2019.json"
    world.server.on("/fapi/v1/klines", Answer(recorded(name)))
    key = bars("binance", LINEAR, "1d")

    frame = await world.download(key, "2019-01-01", "2020-01-01")
    asked = len(world.server.asked)
    again = await world.download(key, "2019-01-01", "2020-01-01")

    assert int(frame.times[0]) == ms("2019-09-08")
    assert frame.gaps(DAY) == ()
    assert len(world.server.asked) == asked
    assert again.sha256 == frame.sha256


async def test_the_volume_of_a_contract_settled_in_coin_is_in_coin(world):
    name = "binance/klines_coinm_btcusd_perp_1d_2023.json"
    world.server.on("/dapi/v1/klines", Answer(recorded(name)))

    frame = await world.fetch(bars("binance", INVERSE, "1d"), "2023-01-01", "2023-01-07")

    assert frame.unit == "USD"
    assert frame.column("volume_base").tolist() == [float(row[7]) for row in parsed(name)][:6]


async def test_a_contract_settled_in_coin_is_asked_in_spans_that_the_exchange_allows(world):
    refused = recorded("binance/error_-4088_klines_range_too_long.json")

    def short_spans_only(_path: str, query: Query) -> Answer:
        span = int(query["endTime"]) - int(query["startTime"])
        if span > 200 * DAY:
            return Answer(refused, status=400)
        start = int(query["startTime"])
        return Answer([[start, "1", "1", "1", "1", "1", start + DAY - 1, "1", 1, "1", "1", "0"]])

    world.server.on("/dapi/v1/klines", short_spans_only)

    await world.fetch(bars("binance", INVERSE, "1d"), "2022-01-01", "2023-01-01")

    assert world.server.count("/dapi/v1/klines") == 2


async def test_only_markets_of_the_wanted_kind_are_asked_for(world):
    world.server.on("/fapi/v1/klines", Answer([]))

    await world.fetch(bars("binance", LINEAR, "1d"), "2019-01-01", "2019-02-01")

    assert world.server.count("/fapi/v1/exchangeInfo") == 1
    assert world.server.count("/api/v3/") == 0


async def test_a_time_before_the_listing_is_known_to_be_empty_once_there_are_rows(world):
    world.server.on(
        "/fapi/v1/klines",
        Answer(recorded("binance/klines_usdm_btcusdt_1d_2019.json")),
        Answer([]),
    )
    key = bars("binance", LINEAR, "1d")
    await world.download(key, "2019-01-01", "2020-01-01")

    longer = await world.download(key, "2018-01-01", "2020-01-01")
    asked = len(world.server.asked)
    await world.download(key, "2018-01-01", "2020-01-01")

    assert int(longer.times[0]) == ms("2019-09-08")
    assert len(world.server.asked) == asked


async def test_a_time_before_the_listing_stores_nothing_and_says_so(world):
    world.server.on("/api/v3/klines", Answer([]))

    with pytest.raises(DataError, match="found 'no row', needed a time in which the provider"):
        await world.download(bars("binance", SPOT, "1d"), "2016-01-01", "2016-02-01")

    assert world.store.list() == ()


# Funding of Binance


async def test_late_stamps_are_put_on_the_instant_of_their_settlement(world):
    name = "binance/funding_usdm_btcusdt_100.json"
    world.server.on("/fapi/v1/fundingRate", Answer(recorded(name)))

    frame = await world.fetch(funding("binance", LINEAR), "2020-09-15", "2020-10-18T08:00")

    stamps = [row["fundingTime"] for row in parsed(name)]
    assert max(stamp % (8 * HOUR) for stamp in stamps) == 45
    assert frame.times.tolist() == [stamp // (8 * HOUR) * 8 * HOUR for stamp in stamps]
    assert frame.column("rate").tolist() == [float(r["fundingRate"]) for r in parsed(name)]
    assert (frame.unit, frame.gaps(8 * HOUR)) == ("ratio", ())


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("funding_usdm_btcusdt_100.json", "2020-09-15", "2020-10-18T08:00"),
        ("funding_usdm_btcusdt_2020_first6.json", "2020-01-01", "2020-01-03"),
    ],
)
async def test_funding_is_that_of_the_long_file_settlement_by_settlement(world, name, start, end):
    world.server.on("/fapi/v1/fundingRate", Answer(recorded(f"binance/{name}")))
    with (DATA.parent / "crypto" / "funding_8h_binance.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["asset"] == "BTC"]
    known = {ms(row["time_utc"].removesuffix("Z")): float(row["funding_rate"]) for row in rows}

    frame = await world.fetch(funding("binance", LINEAR), start, end)

    found = dict(zip(frame.times.tolist(), frame.column("rate").tolist(), strict=True))
    assert len(found) == len(parsed(f"binance/{name}"))
    assert {time: known[time] for time in found} == found


async def test_one_settlement_of_2023_and_five_of_a_coin_contract(world):
    one = "binance/funding_usdm_btcusdt_limit1.json"
    five = "binance/funding_coinm_btcusd_perp_limit5.json"
    world.server.on("/fapi/v1/fundingRate", Answer(recorded(one)))
    world.server.on("/dapi/v1/fundingRate", Answer(recorded(five)))

    single = await world.fetch(funding("binance", LINEAR), "2023-10-31", "2023-10-31T08:00")
    coin = await world.fetch(funding("binance", INVERSE), "2020-11-16", "2020-11-18")

    assert single.times.tolist() == [ms("2023-10-31")]
    assert coin.column("rate").tolist() == [float(row["fundingRate"]) for row in parsed(five)]


async def test_the_newer_form_with_a_mark_price_in_the_manuals_sample_is_read(world):
    name = "binance/docsample_funding_usdm_with_mark_price.json"
    world.server.on("/fapi/v1/fundingRate", Answer(recorded(name)))

    frame = await world.fetch(funding("binance", LINEAR), "2023-10-31", "2023-11-02")

    assert frame.column("rate").tolist() == [0.0001, 0.0001]


async def test_settlements_off_the_grid_are_another_series(world):
    """Made: the exchange settles every four hours, and was taken to settle every eight."""
    rows = [
        {"symbol": "BTCUSDT", "fundingTime": ms(t), "fundingRate": "0.0001"}
        for t in ("2024-01-01T00:00", "2024-01-01T04:00")
    ]
    world.server.on("/fapi/v1/fundingRate", Answer(rows))

    with pytest.raises(ProviderError, match="ask with the timeframe that it has"):
        await world.fetch(funding("binance", LINEAR, "8h"), "2024-01-01", "2024-01-02")

    frame = await world.fetch(funding("binance", LINEAR, "4h"), "2024-01-01", "2024-01-02")
    assert len(frame) == 2


# What Binance refuses


async def test_a_symbol_that_the_exchange_does_not_know_is_refused_once(world):
    world.server.on(
        "/api/v3/klines", Answer(recorded("binance/error_-1121_invalid_symbol.json"), status=400)
    )

    with pytest.raises(ProviderError, match="status 400: Invalid symbol") as caught:
        await world.fetch(bars("binance", SPOT, "1d"), "2019-01-01", "2020-01-01")

    assert world.server.count("/api/v3/klines") == 1
    assert caught.value.status == 400


async def test_a_symbol_that_ccxt_does_not_know_is_refused_with_its_name(world):
    with pytest.raises(ProviderError, match=r"BadSymbol.*NONE/USDT"):
        await world.fetch(bars("binance", "NONE/USDT", "1d"), "2019-01-01", "2020-01-01")


async def test_too_many_requests_at_binance_pass(world):
    """The recorded 429 has no Retry-After."""
    world.server.on(
        "/api/v3/klines",
        Answer(recorded("binance/error_429_-1003_too_many_requests.json"), status=429),
        Answer(recorded("binance/klines_spot_btcusdt_1d_2019.json")),
    )

    frame = await world.fetch(bars("binance", SPOT, "1d"), "2019-01-01", "2020-01-01")

    assert len(frame) == 365
    assert 1.0 in world.slept


async def test_an_answer_cut_short_is_asked_for_again_and_not_taken_for_an_empty_one(world):
    whole = recorded("binance/klines_spot_btcusdt_1d_2019.json")
    world.server.on("/api/v3/klines", Answer(whole[:5000]), Answer(whole, cut=5000), Answer(whole))

    frame = await world.fetch(bars("binance", SPOT, "1d"), "2019-01-01", "2020-01-01")

    assert len(frame) == 365
    assert world.server.count("/api/v3/klines") == 3


async def test_an_exchange_that_stays_broken_ends_in_one_error(world):
    world.server.on("/api/v3/klines", Answer(b"<html>bad gateway</html>", status=502))

    with pytest.raises(ProviderError, match=r"status 502.*\(attempt 3\)") as caught:
        await world.fetch(bars("binance", SPOT, "1d"), "2019-01-01", "2020-01-01", attempts=3)

    assert caught.value.provider == "binance"
    assert world.server.count("/api/v3/klines") == 3


async def test_an_exchange_that_says_nothing_is_given_up(world):
    world.server.on("/api/v3/klines", Answer(stall=True))

    with pytest.raises(ProviderError, match="RequestTimeout"):
        await world.fetch(
            bars("binance", SPOT, "1d"), "2019-01-01", "2020-01-01", attempts=2, request_s=0.2
        )

    assert world.server.count("/api/v3/klines") == 2


async def test_what_was_fetched_before_the_break_is_kept(world):
    """The second piece of a wish fails; the first is not asked for again."""
    whole = Answer(recorded("binance/klines_spot_btcusdt_1d_2019.json"))
    broken = Answer(b"", status=500)
    key = bars("binance", SPOT, "1d")
    world.server.on("/api/v3/klines", whole)
    await world.download(key, "2019-03-01", "2019-04-01")
    world.server.on("/api/v3/klines", whole, broken)
    with pytest.raises(ProviderError):
        await world.download(key, "2019-01-01", "2019-05-01", attempts=2)

    world.server.on("/api/v3/klines", whole)
    await world.download(key, "2019-01-01", "2019-05-01")

    starts = [int(query["startTime"]) for query in world.server.queries("/api/v3/klines")]
    first, last = ms("2019-01-01"), ms("2019-04-01")
    assert starts == [ms("2019-03-01"), first, last, last, last]


# Kraken


KRAKEN = [
    ("BTC/USDT", "ohlc_xbtusdt_1m.json", "XBTUSDT"),
    ("BTC/USD", "ohlc_xbtusd_1m_2017.json", "XXBTZUSD"),
]


@pytest.mark.parametrize(("symbol", "name", "pair"), KRAKEN)
async def test_kraken_answers_for_its_latest_bars_only(world, symbol, name, pair):
    body = parsed(f"kraken/{name}")["result"]
    rows = body[pair]
    world.server.on("/0/public/OHLC", Answer(recorded(f"kraken/{name}")))
    now = rows[-1][0] + 59  # Within the last, unfinished minute.
    world.now(str(np.datetime64(now, "s")))

    frame = await world.fetch(
        bars("kraken", symbol, "1m"),
        str(np.datetime64(rows[0][0] - 86_400, "s")),
        str(np.datetime64(now + 3600, "s")),
    )

    assert body["last"] == rows[-2][0]
    assert frame.spans == (Span(rows[0][0] * 1000, rows[-2][0] * 1000),)
    assert frame.times.tolist() == [row[0] * 1000 for row in rows[:-2]]
    assert frame.values[0].tolist() == [float(rows[0][i]) for i in (1, 2, 3, 4, 6)]
    assert world.server.count("/0/public/OHLC") == 1


async def test_a_minute_without_a_trade_is_a_bar_without_volume(world):
    rows = parsed("kraken/ohlc_xbtusdt_1m.json")["result"]["XBTUSDT"]
    world.server.on("/0/public/OHLC", Answer(recorded("kraken/ohlc_xbtusdt_1m.json")))

    frame = await world.fetch(
        bars("kraken", "BTC/USDT", "1m"), "2025-11-10T12:17", "2025-11-11T00:18"
    )

    assert len(frame) == len(rows)
    assert int((frame.column("volume_base") == 0).sum()) == 216


async def test_krakens_error_array_is_an_error_that_passes(world):
    world.server.on(
        "/0/public/OHLC",
        Answer(recorded("kraken/error_too_many_requests.json")),
        Answer(recorded("kraken/ohlc_xbtusdt_1m.json")),
    )

    frame = await world.fetch(
        bars("kraken", "BTC/USDT", "1m"), "2025-11-10T12:17", "2025-11-11T00:18"
    )

    assert len(frame) == 721
    assert world.server.count("/0/public/OHLC") == 2


async def test_kraken_spot_has_no_funding(world):
    with pytest.raises(ValidationError, match="needed ohlcv at one of"):
        await world.fetch(funding("kraken", "BTC/USD"), "2024-01-01", "2024-01-02")


async def test_kraken_futures_candles_are_read(world):
    world.server.on(
        "/api/charts/v1/trade/PF_XBTUSD/1h",
        Answer(recorded("kraken/futures_candles_trade_1h.json")),
    )

    frame = await world.fetch(
        bars("krakenfutures", "BTC/USD:USD", "1h"), "2024-11-16", "2024-11-16T03:00"
    )

    candles = parsed("kraken/futures_candles_trade_1h.json")["candles"]
    assert frame.column("close").tolist() == [float(each["close"]) for each in candles]


async def test_the_relative_rate_of_the_manuals_sample_of_kraken_futures_is_taken(world):
    name = "kraken/docsample_futures_historical_funding_rates.json"
    world.server.on("/derivatives/api/v3/historicalfundingrates", Answer(recorded(name)))
    world.server.on("/derivatives/api/v4/historicalfundingrates", Answer(recorded(name)))

    frame = await world.fetch(
        funding("krakenfutures", "BTC/USD:USD", "4h"), "2022-06-28", "2022-06-28T12:00"
    )

    assert frame.column("rate").tolist() == [
        each["relativeFundingRate"] for each in parsed(name)["rates"]
    ]


# OKX and Bybit


async def test_the_newest_first_rows_of_okx_are_put_in_order_without_the_unconfirmed_one(world):
    rows = parsed("okx/candles_btc_usdt_1dutc.json")["data"]
    world.server.on("/api/v5/market/", Answer(recorded("okx/candles_btc_usdt_1dutc.json")))
    world.now("2024-02-22T16:06:53")

    frame = await world.fetch(bars("okx", SPOT, "1d"), "2024-02-18", "2024-03-01")

    assert rows[0][8] == "0"
    assert frame.times.tolist() == [int(row[0]) for row in reversed(rows[1:])]
    assert frame.values[-1].tolist() == [float(each) for each in rows[1][1:6]]
    (query,) = world.server.queries("/api/v5/market/")
    assert query["bar"] == "1Dutc"
    assert int(query["before"]) == ms("2024-02-18") - 1
    assert int(query["after"]) == ms("2024-02-22") - 1


async def test_the_volume_of_a_swap_of_okx_is_in_coin_and_not_in_contracts(world):
    name = "okx/candles_btcusdt_swap_1m.json"
    world.server.on("/api/v5/market/", Answer(recorded(name)))

    frame = await world.fetch(bars("okx", LINEAR, "1m"), "2025-05-12T23:53", "2025-05-12T23:55")

    rows = parsed(name)["data"]
    assert frame.column("volume_base").tolist() == [float(row[6]) for row in reversed(rows)]


async def test_the_settled_rate_of_the_manuals_sample_of_okx_is_taken(world):
    name = "okx/docsample_funding_rate_history.json"
    world.server.on("/api/v5/public/funding-rate-history", Answer(recorded(name)))

    frame = await world.fetch(funding("okx", INVERSE), "2023-12-20", "2023-12-21")

    rows = {int(row["fundingTime"]): float(row["realizedRate"]) for row in parsed(name)["data"]}
    assert dict(zip(frame.times.tolist(), frame.column("rate").tolist(), strict=True)) == rows
    assert frame.spans[0].start == min(rows)  # It reaches back three months, whatever is asked.


async def test_an_error_inside_the_envelope_of_okx_is_an_error(world):
    """Made after the manual: no error of OKX was recorded."""
    busy = {"code": "50011", "msg": "Too Many Requests", "data": []}
    world.server.on(
        "/api/v5/market/", Answer(busy), Answer(recorded("okx/candles_btc_usdt_1dutc.json"))
    )

    frame = await world.fetch(bars("okx", SPOT, "1d"), "2024-02-18", "2024-02-22")

    assert len(frame) == 4
    world.server.on("/api/v5/market/", Answer({"code": "51001", "msg": "no such", "data": []}))
    with pytest.raises(ProviderError, match=r"BadSymbol.*51001"):
        await world.fetch(bars("okx", SPOT, "1d"), "2024-02-18", "2024-02-22")


async def test_bybit_is_read_newest_first_from_a_made_body(world):
    """Made: nothing of Bybit was recorded."""
    listed = [[str(ms(f"2024-01-0{d}")), "10", "12", "9", "11", "5", "55"] for d in (3, 2, 1)]
    body = {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": listed}}
    world.server.on("/v5/market/kline", Answer(body))
    rates = [
        {
            "symbol": "BTCUSDT",
            "fundingRate": "0.0001",
            "fundingRateTimestamp": str(ms("2024-01-01T08:00")),
        }
    ]
    world.server.on(
        "/v5/market/funding/history",
        Answer(body | {"result": {"category": "linear", "list": rates}}),
    )

    frame = await world.fetch(bars("bybit", LINEAR, "1d"), "2024-01-01", "2024-01-04")
    paid = await world.fetch(funding("bybit", LINEAR), "2024-01-01", "2024-01-02")

    assert frame.column("close").tolist() == [11.0, 11.0, 11.0]
    assert frame.times.tolist() == [ms(f"2024-01-0{d}") for d in (1, 2, 3)]
    assert paid.times.tolist() == [ms("2024-01-01T08:00")]


# All of them


async def test_a_kind_that_exchanges_do_not_have_is_refused_without_a_request(world):
    for key in (
        price("binance", SPOT),
        SeriesKey("okx", "x", SeriesKind.APY, "1d"),
        bars("binance", SPOT, "7m"),
    ):
        with pytest.raises(ValidationError, match="needed"):
            await world.fetch(key, "2024-01-01", "2024-01-02")

    assert world.server.asked == []


async def test_requests_keep_the_pace_that_ccxt_knows_of(world):
    """Kraken counts down by one a second, and by 1.2 for each question; the first is free."""
    world.server.on("/0/public/OHLC", Answer(recorded("kraken/ohlc_xbtusdt_1m.json")))
    request = SeriesRequest(
        bars("kraken", "BTC/USDT", "1m"), ms("2025-11-10T12:17"), ms("2025-11-11T00:18")
    )

    async with world.client("kraken") as client:
        for _ in range(3):
            await client.fetch(request)

        assert len(world.server.asked) == 4
        assert world.slept == pytest.approx([1.2, 1.2, 1.2])


async def test_a_settlement_counts_from_its_instant_and_not_from_the_next_one(world):
    name = "binance/funding_usdm_btcusdt_100.json"
    world.server.on("/fapi/v1/fundingRate", Answer(recorded(name)))
    world.now("2020-10-18T00:02")

    frame = await world.fetch(funding("binance", LINEAR), "2020-09-15", "2020-11-01")

    assert len(frame) == 100
    assert int(frame.times[-1]) == ms("2020-10-18")
