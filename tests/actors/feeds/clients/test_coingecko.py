"""CoinGecko: samples become bars, the one that is "now" does not, and every error is understood."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import numpy as np
import pytest

from actors.feeds.clients import ProviderError
from actors.feeds.clients.coingecko import CoinGecko
from actors.feeds.store import Span
from arena.exceptions import ValidationError
from tests.actors.feeds.clients.conftest import World, bars, funding, ms, price
from tests.actors.feeds.clients.loopback import DATA, Answer, parsed, recorded

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(not DATA.exists(), reason=f"the recordings are not here: {DATA}"),
]

DAY = 86_400_000
HOUR = 3_600_000
RANGE = "/api/v3/coins/bitcoin/market_chart/range"
CANDLES = "/api/v3/coins/bitcoin/ohlc"
BITCOIN = price("coingecko", "bitcoin")
HOURLY = price("coingecko", "bitcoin", "1h")


def told(name: str) -> Answer:
    return Answer(recorded(f"coingecko/{name}"))


# Daily prices


async def test_a_price_stamped_midnight_is_the_close_of_the_day_before(world):
    name = "market_chart_bitcoin_usd_days90_daily.json"
    world.server.on(RANGE, told(name))
    world.now("2021-05-15T14:42:26")

    frame = await world.fetch(BITCOIN, "2021-02-14", "2021-06-01")

    points = parsed(f"coingecko/{name}")
    assert frame.times.tolist() == [time - DAY for time, _ in points["prices"][:-1]]
    assert frame.column("price").tolist() == [value for _, value in points["prices"][:-1]]
    assert frame.column("volume").tolist() == [v for _, v in points["total_volumes"][:-1]]
    assert (frame.unit, frame.provenance) == ("USD", "real")


async def test_the_point_that_is_now_is_no_bar(world):
    name = "market_chart_bitcoin_usd_days90_daily.json"
    world.server.on(RANGE, told(name))
    world.now("2021-05-15T14:42:26")

    frame = await world.fetch(BITCOIN, "2021-02-14", "2021-06-01")

    last, _ = parsed(f"coingecko/{name}")["prices"][-1]
    assert last % DAY != 0
    assert int(frame.times[-1]) == ms("2021-05-14")
    assert frame.spans == (Span(ms("2021-02-14"), ms("2021-05-15")),)


async def test_the_missing_day_of_2015_is_a_gap_and_is_not_asked_for_again(world):
    world.server.on(RANGE, told("market_chart_range_bitcoin_usd_2014.json"))

    frame = await world.download(BITCOIN, "2014-02-16", "2015-01-30")
    await world.download(BITCOIN, "2014-02-16", "2015-01-30")

    assert frame.gaps(DAY) == (Span(ms("2015-01-27"), ms("2015-01-28")),)
    assert world.server.count(RANGE) == 1
    (query,) = world.server.queries(RANGE)
    assert query == {
        "vs_currency": "usd",
        "from": str(ms("2014-02-16") // 1000),
        "to": str(ms("2015-01-30") // 1000),
    }


async def test_a_short_daily_wish_is_widened_until_the_answer_is_daily(world):
    world.server.on(RANGE, told("market_chart_range_bitcoin_usd_2014.json"))

    frame = await world.fetch(BITCOIN, "2014-12-01", "2014-12-11")

    (query,) = world.server.queries(RANGE)
    assert int(query["to"]) - int(query["from"]) == 91 * 86_400
    assert len(frame) == 10
    assert frame.spans == (Span(ms("2014-12-01"), ms("2014-12-11")),)


async def test_a_null_among_the_market_caps_is_not_known(world):
    """Made: nulls are known of, but none was recorded."""
    midnight = ms("2024-01-02")
    world.server.on(
        RANGE,
        Answer(
            {
                "prices": [[midnight, 5.0]],
                "market_caps": [[midnight, None]],
                "total_volumes": [],
            }
        ),
    )

    frame = await world.fetch(BITCOIN, "2024-01-01", "2024-01-02")

    assert np.isnan(frame.values[0]).tolist() == [False, True, True]


async def test_a_day_that_the_provider_has_not_closed_yet_is_asked_for_again(world):
    """The point of 00:00 comes minutes later: until then its day is no gap."""
    points = parsed("coingecko/market_chart_bitcoin_usd_days90_daily.json")
    early = {name: rows[:-2] for name, rows in points.items()}
    world.server.on(RANGE, Answer(early), Answer(points))
    world.now("2021-05-15T00:05")

    first = await world.download(BITCOIN, "2021-05-01", "2021-05-15")
    world.now("2021-05-15T14:42:26")
    second = await world.download(BITCOIN, "2021-05-01", "2021-05-15")

    assert int(first.times[-1]) == ms("2021-05-13")
    assert int(second.times[-1]) == ms("2021-05-14")
    assert world.server.count(RANGE) == 2


# Hourly prices


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("market_chart_bitcoin_usd_days30.json", "2021-05-15T14:42:23"),
        ("market_chart_bitcoin_usd_days1.json", "2021-05-15T14:42:25"),
        ("market_chart_bitcoin_usd_days1_2024.json", "2024-01-15T08:54:41"),
    ],
)
async def test_an_hour_closes_at_the_latest_sample_in_it(world, name, now):
    world.server.on(RANGE, told(name))
    world.now(now)
    points = sorted(parsed(f"coingecko/{name}")["prices"])
    start = datetime.fromtimestamp(points[0][0] // HOUR * HOUR / 1000, UTC)

    frame = await world.fetch(HOURLY, start.replace(tzinfo=None).isoformat(), now)

    assert frame.provenance == "resampled"
    latest = {}
    for time, value in points:
        latest[(time - 1) // HOUR * HOUR] = value
    this_hour = ms(now) // HOUR * HOUR
    latest = {time: value for time, value in latest.items() if time < this_hour}
    assert dict(zip(frame.times.tolist(), frame.column("price").tolist(), strict=True)) == latest


async def test_a_last_sample_that_is_older_than_the_one_before_it_makes_no_disorder(world):
    name = "market_chart_bitcoin_usd_days1.json"
    points = parsed(f"coingecko/{name}")["prices"]
    world.server.on(RANGE, told(name))
    world.now("2021-05-16")

    frame = await world.fetch(HOURLY, "2021-05-14T15:00", "2021-05-15T15:00")

    assert points[-1][0] - points[-2][0] == -955
    assert np.all(np.diff(frame.times) > 0)
    assert frame.column("price")[-1] == points[-2][1] == points[-1][1]


async def test_hours_are_asked_for_ninety_days_at_a_time(world):
    world.server.on(RANGE, told("market_chart_bitcoin_usd_days30.json"))

    await world.fetch(HOURLY, "2021-01-01", "2021-05-16")

    spans = [(int(q["to"]) - int(q["from"])) / 86_400 for q in world.server.queries(RANGE)]
    assert spans == [90.0, 45.0]


# Candles


async def test_candles_bear_their_close_and_are_put_on_their_open(world):
    body = parsed("coingecko/ohlc_bitcoin_usd_days7.json")
    world.server.on(CANDLES, told("ohlc_bitcoin_usd_days7.json"))
    world.now("2021-05-15T14:42:24")

    frame = await world.fetch(bars("coingecko", "bitcoin", "4h"), "2021-05-09", "2021-05-16")

    assert body[-1][0] == ms("2021-05-15T16:00")  # It is not finished, and closes in the future.
    assert int(frame.times[-1]) == ms("2021-05-15T08:00")
    assert int(frame.times[0]) == ms("2021-05-09")
    assert frame.columns == ("open", "high", "low", "close")
    assert frame.values[-1].tolist() == body[-2][1:]


@pytest.mark.parametrize(
    ("timeframe", "start", "days"),
    [
        ("4h", "2021-05-09", "7"),
        ("4h", "2021-05-05", "14"),
        ("4h", "2020-01-01", "30"),
        ("30m", "2021-05-15", "1"),
    ],
)
async def test_as_few_days_of_candles_are_asked_for_as_reach_back_far_enough(
    world, timeframe, start, days
):
    world.server.on(CANDLES, told("ohlc_bitcoin_usd_days7.json"))
    world.now("2021-05-15T14:42:24")

    frame = await world.fetch(bars("coingecko", "bitcoin", timeframe), start, "2021-05-16")

    assert [query["days"] for query in world.server.queries(CANDLES)] == [days]
    assert frame.spans[0].start == frame.times[0]


# Prices of now


async def current(world: World, *ids: str) -> dict[str, float]:
    async with world.client("coingecko") as client:
        assert isinstance(client, CoinGecko)
        return await client.current(*ids)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("simple_price_bitcoin_usd.json", 49253.0),
        ("simple_price_bitcoin_usd_precision2.json", 40107.57),
    ],
)
async def test_whole_and_broken_numbers_are_prices(world, name, expected):
    world.server.on("/api/v3/simple/price", told(name))

    assert await current(world, "bitcoin") == {"bitcoin": expected}


async def test_an_id_that_was_left_out_in_silence_is_left_out_here(world):
    """The recorded question had spaces around its ids, and two of three vanished."""
    world.server.on("/api/v3/simple/price", told("simple_price_ids_with_spaces.json"))

    found = await current(world, "bitcoin", " ethereum", " litecoin")

    assert found == {"bitcoin": 49357.0}
    assert world.server.queries("/api/v3/simple/price")[0]["ids"] == "bitcoin,ethereum,litecoin"


async def test_a_price_in_another_currency_is_not_taken_for_dollars(world):
    world.server.on("/api/v3/simple/price", told("simple_price_multi_eth.json"))

    with pytest.raises(ProviderError, match="needed the field 'usd'"):
        await current(world, "bitcoin", "dai", "binancecoin")


# Errors


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("error_422_market_chart_no_vs_currency.json", 422, "Missing parameter vs_currency"),
        ("error_422_simple_price_no_ids.json", 422, "Missing parameter ids"),
        ("error_401_10002_key_missing.json", 401, "API Key Missing"),
        ("error_401_10012_time_range.json", 401, "Your request exceeds the allowed time range"),
    ],
)
async def test_a_refusal_is_told_in_the_providers_words_and_not_repeated(world, name, status, said):
    world.server.on(RANGE, Answer(recorded(f"coingecko/{name}"), status=status))

    with pytest.raises(ProviderError, match=f"status {status}: {said}") as caught:
        await world.fetch(BITCOIN, "2014-02-16", "2015-01-30")

    assert (caught.value.provider, caught.value.status) == ("coingecko", status)
    assert world.server.count(RANGE) == 1
    assert world.slept == []


async def test_an_unknown_coin_is_a_refusal(world):
    """Made: no 404 was recorded."""
    with pytest.raises(ProviderError, match="status 404"):
        await world.fetch(price("coingecko", "no/such"), "2014-02-16", "2015-01-30")

    assert world.server.asked[0].startswith("/api/v3/coins/no%2Fsuch/market_chart/range?")


async def test_a_server_error_is_asked_again_even_where_the_question_was_bad(world):
    """The recorded 500 answered a request without parameters; nothing tells it from another."""
    world.server.on(
        CANDLES, Answer(recorded("coingecko/error_500_ohlc_no_parameters.json"), status=500)
    )
    world.now("2021-05-15T14:42:24")

    with pytest.raises(ProviderError, match=r"status 500: Internal Server Error \(attempt 4\)"):
        await world.fetch(
            bars("coingecko", "bitcoin", "4h"), "2021-05-09", "2021-05-15", attempts=4
        )

    assert world.server.count(CANDLES) == 4


LIMITED = "error_429_rate_limit.json"
FRONT = "error_429_cloudflare_1015.txt"


@pytest.mark.parametrize(
    ("name", "headers", "pause"),
    [
        (LIMITED, {"retry-after": "119"}, 119.0),
        (LIMITED, {}, 1.0),
        (FRONT, {"Content-Type": "text/plain"}, 1.0),
        (LIMITED, {"retry-after": "Thu, 01 Jan 2026 00:00:40 GMT"}, 40.0),
        (LIMITED, {"retry-after": "soon"}, 1.0),
    ],
)
async def test_after_429_the_pause_is_what_was_asked_for(world, name, headers, pause):
    limited = Answer(recorded(f"coingecko/{name}"), status=429, headers=headers)
    world.server.on(RANGE, limited, told("market_chart_range_bitcoin_usd_2014.json"))

    frame = await world.fetch(BITCOIN, "2014-02-16", "2015-01-30")

    assert len(frame) > 300
    assert world.slept == [pause]


async def test_a_pause_longer_than_our_patience_ends_it_at_once(world):
    limited = Answer(recorded(f"coingecko/{LIMITED}"), status=429, headers={"retry-after": "3600"})
    world.server.on(RANGE, limited)

    with pytest.raises(ProviderError, match="You've exceeded the Rate Limit") as caught:
        await world.fetch(BITCOIN, "2014-02-16", "2015-01-30")

    assert "try again in 3600 s" in str(caught.value)
    assert (world.server.count(RANGE), world.slept) == (1, [])


async def test_the_plain_text_of_the_front_server_is_quoted(world):
    world.server.on(RANGE, Answer(recorded(f"coingecko/{FRONT}"), status=429))

    with pytest.raises(ProviderError, match="status 429: error code: 1015"):
        await world.fetch(BITCOIN, "2014-02-16", "2015-01-30", attempts=2)


async def test_another_shape_of_answer_is_named(world):
    for body, needed in [
        ([], "a JSON object"),
        ({"prices": []}, "the field 'market_caps'"),
        ({"prices": [[1]], "market_caps": [], "total_volumes": []}, "a time in ms and 1 numbers"),
        ({"prices": {}, "market_caps": [], "total_volumes": []}, "a JSON array"),
    ]:
        world.server.on(RANGE, Answer(body))
        with pytest.raises(ProviderError, match=needed):
            await world.fetch(BITCOIN, "2014-02-16", "2015-01-30")


@pytest.mark.parametrize(
    "key", [price("coingecko", "x", "5m"), funding("coingecko", "x"), bars("coingecko", "x", "1d")]
)
async def test_what_coingecko_does_not_have_is_refused_without_a_request(world, key):
    with pytest.raises(ValidationError, match="price at 1d or 1h, or ohlcv at 30m or 4h"):
        await world.fetch(key, "2014-02-16", "2015-01-30")

    assert world.server.asked == []


# Keys


@pytest.mark.parametrize(
    ("variable", "header"),
    [("COINGECKO_API_KEY", "x-cg-demo-api-key"), ("COINGECKO_PRO_API_KEY", "x-cg-pro-api-key")],
)
async def test_a_key_is_sent_and_never_told(world, variable, header, caplog):
    world.server.on(RANGE, Answer(b"{}", status=403))
    caplog.set_level(logging.DEBUG)

    with pytest.raises(ProviderError) as caught:
        await world.fetch(
            BITCOIN, "2014-02-16", "2015-01-30", environment={variable: "very-secret"}
        )

    sent = {name.lower(): value for name, value in world.server.headers[0].items()}
    assert sent[header] == "very-secret"
    assert "very-secret" not in str(caught.value) + caplog.text


async def test_without_a_key_none_is_sent(world):
    world.server.on(RANGE, told("market_chart_range_bitcoin_usd_2014.json"))

    await world.fetch(BITCOIN, "2014-02-16", "2015-01-30")

    assert not [name for name in world.server.headers[0] if name.lower().startswith("x-cg")]
