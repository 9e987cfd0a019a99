"""A live run that fetches its bars from a real HTTP server, by processes of their own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from actors.app.arena import Arena
from actors.app.live import Downloader, LiveSource, Pace
from actors.app.live import download as downloading
from actors.app.markets import build_experiment, build_market
from actors.app.settings import make_settings
from actors.feeds.clients import download, open_client
from actors.feeds.store import SeriesKey, SeriesKind, Store
from actors.journal.memory import MemoryJournal
from actors.runtime import ManualClock, WallClock
from arena.experiment import manifest
from tests.actors.feeds.clients.loopback import Answer, Loopback
from tests.app.live.growing import Coming, facts

DAYS = 7
BANK = "a-pool"


def tables(feed, first, days=None):
    source = {
        "store": f"defillama/{BANK}/apy/1d",
        "series": {"bank.apr": "apy"},
        "unit": "fraction",
    }
    return make_settings(
        {
            "run": {} if days is None else {"days": days},
            "market": {
                "source": "csv",
                "start": first + timedelta(days=2),
                "warmup_days": 2,
                "sources": [source],
            },
            "instruments": [{"name": "bank", "kind": "lending", "protocol": "bank"}],
            "population": {"agents": 3, "mix": {"defi-yield-farmer": 1}, "baselines": ["cash"]},
            "ladder": {"gate_required": False},
            "live": {"feed": feed},
        }
    )


def points(first, days):
    """Return what the pool pays at the close of each day."""
    closes = [datetime(first.year, first.month, first.day, 23, tzinfo=UTC)]
    closes = [closes[0] + timedelta(days=n - 1) for n in range(days + 1)]
    rates = [{"apy": 4.0 + n / 7, "apyBase": None, "apyReward": None} for n in range(days + 1)]
    return Answer(
        {
            "status": "success",
            "data": [
                {"timestamp": f"{close:%Y-%m-%dT%H:%M:%S.000Z}", "tvlUsd": 1e6, **rate}
                for close, rate in zip(closes, rates, strict=True)
            ],
        }
    )


def ms(day):
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Loopback() as server:
        yield server


def test_bars_are_fetched_as_they_come(server, tmp_path):
    today = WallClock().stamp()  # What is fetched in the end is what has closed by now.
    first = today.date() - timedelta(days=DAYS + 2)
    server.on(f"/chart/{BANK}", points(first, DAYS), points(first, DAYS + 2))
    chosen = tables("poll", first)

    async def live():
        key, start_ms = SeriesKey("defillama", BANK, SeriesKind.APY, "1d"), ms(first)
        async with open_client("defillama", base_url=server.url) as client:
            store = Store(tmp_path / "data")
            await download(client, store, key, start_ms, ms(today.date()), clock=WallClock())
        source = LiveSource(chosen, tmp_path, clock=ManualClock(today))
        loaded = await source.open()
        source.downloader = Downloader(chosen, tmp_path, base_url=server.url)
        source.begin(tmp_path / "run.db", "some-run")
        experiment = build_experiment(chosen, loaded)
        journal = MemoryJournal(manifest(experiment))
        async with Arena(experiment, loaded.market, journal) as arena:
            await arena.live_simulate(DAYS, pace=Pace(Coming(now=today)), source=source)
        source.close()
        assert source.reasons == ()
        return facts(journal.entries)

    async def backtest():
        replayed = tables("replay", first, DAYS)
        loaded = build_market(replayed, tmp_path, now=today)
        experiment = build_experiment(replayed, loaded)
        journal = MemoryJournal(manifest(experiment))
        async with Arena(experiment, loaded.market, journal) as arena:
            await arena.backtest()
        return facts(journal.entries)

    assert asyncio.run(live()) == asyncio.run(backtest())


def test_a_machine_that_starts_no_more_processes_is_said_too(monkeypatch, tmp_path):
    monkeypatch.setattr(downloading, "_ARENA", (str(tmp_path / "nowhere"),))
    downloader = Downloader(tables("poll", WallClock().stamp().date()), tmp_path)

    (said,) = asyncio.run(downloader.run())

    assert "no process can be started: No such file" in said


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo a word >&2; echo no such host >&2; exit 5", "not downloaded: no such host"),
        ("exit 5", "not downloaded: no reason given"),
        ("exec sleep 60", "not downloaded within 0 s"),
    ],
)
def test_what_cannot_be_fetched_is_said(monkeypatch, tmp_path, script, said):
    monkeypatch.setattr(downloading, "_ARENA", ("/bin/sh", "-c", script))
    if "sleep" in script:
        monkeypatch.setattr(downloading, "DOWNLOAD_S", 0.05)
    downloader = Downloader(tables("poll", WallClock().stamp().date()), tmp_path)

    assert asyncio.run(downloader.run()) == (f"defillama/{BANK}/apy/1d: {said}",)
