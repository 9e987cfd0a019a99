"""DefiLlama: the nearest price is not the one asked for, and an unknown token is no error."""

from __future__ import annotations

import csv
import logging

import numpy as np
import pytest

from actors.feeds import DataError
from actors.feeds.clients import ProviderError
from actors.feeds.clients.defillama import DefiLlama
from actors.feeds.store import SeriesKey, SeriesKind
from arena.exceptions import ValidationError
from tests.actors.feeds.clients.conftest import bars, ms, price
from tests.actors.feeds.clients.loopback import DATA, Answer, Query, parsed, recorded

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.skipif(not DATA.exists(), reason=f"the recordings are not here: {DATA}"),
]

DAY = 86_400_000

MATIC = "coingecko:matic-network"


def llama(world, **environment: str) -> DefiLlama:
    client = world.client("defillama", environment=environment)
    assert isinstance(client, DefiLlama)
    return client


# Prices


@pytest.mark.parametrize(
    ("name", "asked", "token", "away"),
    [
        (
            "prices_historical_1604437979_binancecoin.json",
            1604437979,
            "coingecko:binancecoin",
            -290,
        ),
        ("prices_historical_1724451200_matic-network.json", 1724451200, MATIC, -922),
        ("prices_historical_1726451200_matic-network.json", 1726451200, MATIC, -126),
        ("pro_prices_historical_1597024800_dai.json", 1597024800, "coingecko:dai", 125),
    ],
)
async def test_the_nearest_stored_price_says_when_it_was(world, name, asked, token, away):
    world.server.on(f"/prices/historical/{asked}/{token}", Answer(recorded(f"defillama/{name}")))

    async with llama(world) as client:
        found = await client.at(asked, token)

    said = parsed(f"defillama/{name}")["coins"][token]
    assert found[token].at_s - asked == away
    assert (found[token].price, found[token].confidence) == (said["price"], said.get("confidence"))


async def test_prices_of_now_keep_the_letters_of_an_address(world):
    token = "bsc:0x55d398326f99059fF775485246999027B3197955"  # noqa: S105 - an address
    world.server.on(
        "/prices/current/bsc", Answer(recorded("defillama/prices_current_bsc_token.json"))
    )
    world.server.on(
        "/prices/current/coingecko",
        Answer(recorded("defillama/prices_current_bitcoin_ethereum.json")),
    )

    async with llama(world) as client:
        one = await client.current(token)
        two = await client.current("coingecko:bitcoin", "coingecko:ethereum")

    assert one[token].price == 0.998786
    assert two["coingecko:ethereum"].price == 1631.5124365600311
    assert world.server.asked[1] == "/prices/current/coingecko:bitcoin,coingecko:ethereum"


async def test_an_unknown_token_is_an_empty_answer_with_status_200(world):
    empty = Answer(recorded("defillama/prices_current_unknown_token_empty.json"))
    world.server.on("/prices/", empty)
    unknown = "arbitrum:0xd88F38F930b7952f2DB2432Cb002E7abbF3dD869"

    async with llama(world) as client:
        assert await client.current(unknown) == {}
    with pytest.raises(DataError, match="found 'no row', needed a time in which the provider has"):
        await world.download(price("defillama", unknown), "2025-01-01", "2025-01-03")

    assert world.store.list() == ()


async def test_a_series_of_prices_is_the_close_of_each_bar_or_a_gap(world):
    """The recorded price is of 21:57:58; every hour is answered with it."""
    body = recorded("defillama/prices_historical_1724451200_matic-network.json")
    world.server.on("/prices/historical/", Answer(body))

    frame = await world.fetch(
        price("defillama", MATIC, "1h"), "2024-08-23T20:00", "2024-08-23T23:00"
    )

    closes = [ms(f"2024-08-23T{hour}:00") // 1000 for hour in (21, 22, 23)]
    assert world.server.asked == [f"/prices/historical/{at_s}/{MATIC}" for at_s in closes]
    assert frame.times.tolist() == [ms("2024-08-23T21:00")]
    assert frame.column("price").tolist() == [0.540342]


async def test_so_many_requests_are_refused_before_the_first(world):
    with pytest.raises(ValidationError, match="at most 400: each one is a request"):
        await world.fetch(price("defillama", MATIC, "1h"), "2024-01-01", "2024-02-01")

    assert world.server.asked == []


# Yields


async def test_pools_are_read_with_their_rates_as_fractions_and_their_nulls(world):
    """Recorded, but cut upstream to five pools; no whole answer exists."""
    world.server.on("/pools", Answer(recorded("defillama/pools_5_stablecoin.json")))

    async with llama(world) as client:
        pools = await client.pools()

    raw = parsed("defillama/pools_5_stablecoin.json")["data"]
    assert [pool.pool for pool in pools] == [each["pool"] for each in raw]
    assert pools[0].apy == pytest.approx(0.0931466)
    assert (pools[0].project, pools[0].chain) == ("ethena-usde", "Ethereum")
    assert pools[0].tvl_usd == 5698745714.0


async def test_the_rows_of_an_older_list_are_read_too(world):
    """A body made of the derived table of 102 pools; values real, shape of the manual."""
    with (DATA / "defillama" / "derived_pools_rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    numbers = ("tvlUsd", "apy", "apyBase", "apyReward")
    made = [
        row | {name: float(row[name]) if row[name] else None for name in numbers} for row in rows
    ]
    world.server.on("/pools", Answer({"status": "success", "data": made}))

    async with llama(world) as client:
        pools = await client.pools()

    assert [(pool.project, pool.tvl_usd) for pool in pools] == [
        (row["project"], float(row["tvlUsd"])) for row in rows
    ]


async def test_a_pool_whose_yield_is_null_has_none(world):
    """Made: one pool of the recording, with its rate taken away."""
    body = parsed("defillama/pools_5_stablecoin.json")
    body["data"][0]["apy"] = None
    world.server.on("/pools", Answer(body))

    async with llama(world) as client:
        assert (await client.pools())[0].apy is None


def chart(pool: str) -> tuple[list[dict[str, str]], Answer]:
    """Return the points of `pool` in the derived table, and a body made of them.

    NOT a recording: no body of `/chart/<pool>` was found.  The values are real; the shape is that
    of the manual, and what the table lost (`il7d`, `apyBase7d`) is null.
    """
    with (DATA / "defillama" / "derived_chart_points.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["pool"] == pool]
    data = [
        {
            "timestamp": row["timestamp"],
            "tvlUsd": int(float(row["tvlUsd"])),
            "apy": float(row["apy"]),
            "apyBase": float(row["apyBase"]) if row["apyBase"] else None,
            "apyReward": float(row["apyReward"]) if row["apyReward"] else None,
            "il7d": None,
            "apyBase7d": None,
        }
        for row in rows
    ]
    return rows, Answer({"status": "success", "data": data})


def pools_of_the_table() -> list[str]:
    if not DATA.exists():
        return []
    with (DATA / "defillama" / "derived_chart_points.csv").open() as file:
        return sorted({row["pool"] for row in csv.DictReader(file)})


@pytest.mark.parametrize("pool", pools_of_the_table())
async def test_a_chart_made_of_the_derived_table_becomes_a_day_a_bar(world, pool):
    rows, answer = chart(pool)
    world.server.on(f"/chart/{pool}", answer)
    world.now("2025-10-06T07:30")
    key = SeriesKey("defillama", pool, SeriesKind.APY, "1d")

    frame = await world.download(key, "2022-01-01", "2025-12-01")

    days = {row["timestamp"][:10]: float(row["apy"]) / 100 for row in rows}
    days.pop("2025-10-06", None)  # The day of the request is not over.
    found = {
        str(np.datetime64(int(time), "ms"))[:10]: value
        for time, value in zip(frame.times.tolist(), frame.column("apy").tolist(), strict=True)
    }
    assert found == days
    assert frame.unit == "1/year"
    assert frame.columns == ("apy", "apy_base", "apy_reward", "tvl_usd")
    assert np.isnan(frame.column("apy_reward")).any() == any(
        not row["apyReward"] for row in rows if row["timestamp"][:10] in found
    )


async def test_missing_days_of_a_chart_are_gaps_and_are_not_asked_for_again(world):
    counts = {}
    for pool in pools_of_the_table():
        _, answer = chart(pool)
        world.server.on(f"/chart/{pool}", answer)
        world.now("2025-10-06T07:30")
        key = SeriesKey("defillama", pool, SeriesKind.APY, "1d")
        frame = await world.download(key, "2022-01-01", "2025-10-01")
        await world.download(key, "2022-01-01", "2025-10-01")
        counts[pool] = len(frame.gaps(DAY))
        assert world.server.count(f"/chart/{pool}") == 1

    assert sum(count > 0 for count in counts.values()) == 2


@pytest.mark.parametrize("stamp", ["yesterday", "2025-10-05T23:00:00", 1759705200])
async def test_a_stamp_that_is_no_instant_is_named(world, stamp):
    point = {"timestamp": stamp, "tvlUsd": 1, "apy": 1.0}
    world.server.on("/chart/x", Answer({"status": "success", "data": [point]}))

    with pytest.raises(ProviderError, match="ISO 8601 stamp"):
        await world.fetch(
            SeriesKey("defillama", "x", SeriesKind.APY, "1d"), "2025-10-01", "2025-10-06"
        )


async def test_what_defillama_does_not_have_is_refused_without_a_request(world):
    for key in (bars("defillama", "x", "1d"), SeriesKey("defillama", "x", SeriesKind.APY, "1h")):
        with pytest.raises(ValidationError, match="needed price, or apy at 1d"):
            await world.fetch(key, "2025-10-01", "2025-10-06")

    assert world.server.asked == []


# A key is a part of the path


async def test_a_key_in_the_path_is_sent_and_never_told(world, caplog):
    world.server.on(
        "/very-secret/coins/prices/historical/1597024800/coingecko:dai",
        Answer(recorded("defillama/pro_prices_historical_1597024800_dai.json")),
    )
    caplog.set_level(logging.DEBUG)

    async with llama(world, DEFILLAMA_API_KEY="very-secret") as client:
        found = await client.at(1597024800, "coingecko:dai")
        with pytest.raises(ProviderError, match="/coins/prices/current/x") as caught:
            await client.current("x")

    assert found["coingecko:dai"].price == 1.0182482830027697
    assert "very-secret" not in str(caught.value) + caplog.text


async def test_several_series_of_one_provider_keep_one_pace(world):
    def quote(path: str, _query: Query) -> Answer:
        _, at_s, token = path.rsplit("/", 2)
        return Answer({"coins": {token: {"price": 1.0, "timestamp": int(at_s)}}})

    world.server.on("/prices/historical/", quote)

    frame = await world.fetch(price("defillama", MATIC), "2024-01-01", "2024-02-01")

    assert len(frame) == 31
    assert int(frame.times[0]) == ms("2024-01-01")
    assert sum(world.slept) == pytest.approx((31 - 8) / 4, abs=0.5)
