"""`arena download-data` against a real HTTP server: fetched once, kept, and named in a config."""

from __future__ import annotations

import pytest

from actors.app.markets import build_market
from actors.app.settings import load_settings
from tests.actors.app.test_cli_data import NOW
from tests.actors.feeds.clients.loopback import DATA, Answer, Loopback, parsed, recorded
from tests.actors.feeds.clients.markets import have_markets

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"the recordings are not here: {DATA}")

YEAR = "binance/klines_spot_btcusdt_1d_2019.json"
KLINES = "/api/v3/klines"
DAYS = ["--timerange", "20190101-20191231"]


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Loopback() as server:
        have_markets(server)
        server.on(KLINES, Answer(recorded(YEAR)))
        yield server


@pytest.fixture
def download(arena, server, tmp_path, monkeypatch):
    """Ask the server for daily bars of BTC at Binance, or what else the words say."""
    monkeypatch.chdir(tmp_path)

    def download(*words, source="binance", symbol="BTC/USDT"):
        given = ["--source", source, "--symbol", symbol, "--base-url", server.url]
        return arena("download-data", *given, *words)

    return download


def test_what_was_fetched_once_is_not_asked_for_again(arena, download, server):
    first = download(*DAYS, "--json").data
    asked = server.count(KLINES)
    again = download(*DAYS, "--json").data

    (listed,) = arena("list-data", "--json").data["series"]
    assert first == again
    assert server.count(KLINES) == asked
    assert (first["series"], first["rows"]) == ("binance/BTC/USDT/ohlcv/1d", 365)
    assert (first["first"], first["last"]) == ("2019-01-01T00:00:00Z", "2019-12-31T00:00:00Z")
    assert first["gaps"] == []
    assert listed == {
        name: value for name, value in first.items() if name not in {"gaps", "store"}
    }  # fmt: skip


def test_a_config_names_what_was_fetched(download, tmp_path):
    download(*DAYS)
    path = tmp_path / "fetched.toml"
    path.write_text(
        """
[market]
source = "csv"
start = 2019-01-02
end = 2019-12-31
warmup_days = 1
[[market.sources]]
store = "binance/BTC/USDT/ohlcv/1d"
units = { "BTC.volume" = "base/day" }
[market.sources.series]
"BTC.open" = "open"
"BTC.high" = "high"
"BTC.low" = "low"
"BTC.close" = "close"
"BTC.volume" = "volume_base"
[[instruments]]
name = "BTC"
kind = "spot"
[population]
agents = 2
mix = { buy-and-hold = 1 }
baselines = ["cash"]
"""
    )

    market = build_market(load_settings(path), tmp_path, now=NOW).market

    rows = parsed(YEAR)
    assert market.column("BTC.close").tolist() == [float(row[4]) for row in rows]
    assert market.column("BTC.volume").tolist() == [float(r[5]) * float(r[4]) for r in rows]
    assert {s.provenance.value for s in market.series} == {"real", "estimated"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--timerange", "2019"], 2, "YYYYMMDD-YYYYMMDD"),
        (["--timerange", "-20191231"], 2, "a first day"),
        (["--timerange", "20191231-20190101"], 2, "a last day not before the first"),
        ([*DAYS, "--timeframe", "1y"], 2, "minutes, hours or days"),
        ([*DAYS, "--kind", "bars"], 2, "--kind"),
        (["--timerange", "20300101-20300201"], 2, "request"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(download, server, words, code, said):
    answer = download(*words)

    assert (answer.code, said in answer.err) == (code, True), answer.err
    assert server.count(KLINES) == 0


def test_a_provider_that_nobody_knows_is_answered_with_those_there_are(download):
    answer = download(*DAYS, source="atlantis")

    assert answer.code == 2
    assert "one of binance, bybit" in answer.err


def test_a_provider_that_refuses_ends_the_command_with_exit_code_four(download, server, tmp_path):
    server.on(KLINES, Answer({"code": -1121, "msg": "Invalid symbol."}, status=400))

    answer = download(*DAYS, "--json")

    assert answer.code == 4
    assert "Invalid symbol" in answer.data["error"]["message"]
    assert not [*tmp_path.rglob("*.parquet")]
