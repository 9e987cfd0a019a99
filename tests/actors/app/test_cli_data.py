"""What the store has and how it gets there: `import-data`, `list-data`, `synth-data`."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from actors.app.markets import build_market
from actors.app.settings import load_settings
from actors.feeds.store import SeriesKey, SeriesKind, Store
from arena.prices import simulate_market
from arena.seed import Seed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BARS = [
    f"2020-01-{day:02},A,{day + 10},{day + 12},{day + 9.5},{day + 11},100" for day in range(1, 11)
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bars(here):
    """A file with ten bars of one coin."""
    path = here / "bars.csv"
    path.write_text("\n".join(["date,coin,open,high,low,close,volume_usd", *BARS]) + "\n")
    return path


KEY = "mine/A/USD/ohlcv/1d"


def test_a_file_becomes_a_series_of_the_store(arena, bars, here):
    data = arena("import-data", bars, "--as", KEY, "--where", "coin=A", "--json").data

    frame = Store(here / "data").read(SeriesKey("mine", "A/USD", SeriesKind.OHLCV, "1d"))
    assert (data["series"], data["imported"], data["rows"]) == (KEY, 10, 10)
    assert (data["first"], data["last"]) == ("2020-01-01T00:00:00Z", "2020-01-10T00:00:00Z")
    assert data["columns"] == ["open", "high", "low", "close", "volume_usd"]
    assert data["sha256"] == frame.sha256
    assert frame.column("close").tolist() == [*range(12, 22)]
    assert frame.times.tolist() == [1_577_836_800_000 + 86_400_000 * n for n in range(10)]


def test_the_same_again_changes_nothing_and_other_numbers_are_refused(arena, bars):
    first = arena("import-data", bars, "--as", KEY, "--where", "coin=A", "--json").data
    again = arena("import-data", bars, "--as", KEY, "--where", "coin=A", "--json").data
    bars.write_text(bars.read_text().replace("01-05,A,15,17", "01-05,A,15,18"))

    refused = arena("import-data", bars, "--as", KEY, "--where", "coin=A")
    changed = arena(
        "import-data", bars, "--as", KEY, "--where", "coin=A", "--overwrite", "--json"
    ).data

    assert again["sha256"] == first["sha256"] != changed["sha256"]
    assert refused.code == 4
    assert "18.0 at 2020-01-05T00:00:00+00:00" in refused.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--as", "mine/A/bars/1d"], 2, "source/symbol/kind/timeframe"),
        (["--as", KEY, "--where", "coin"], 2, "'coin' is not NAME=VALUE"),
        (["--as", KEY, "--series", "a=b", "--series", "a=c"], 2, "'a' stands twice"),
        (["--as", KEY, "--series", "open=opne"], 4, "did you mean 'open'?"),
        (["--as", KEY], 4, "a finite number"),
        (["--as", KEY, "--where", "coin=B"], 4, "needed rows with 'B'"),
        (["--as", KEY, "--where", "coin=A", "--time-zone", "Atlantis"], 2, "time_zone"),
        (["--as", "mine/A/apy/1d", "--where", "coin=A"], 2, "a factor of 100"),
        (["--as", "mine/A/ohlcv/7d", "--where", "coin=A"], 4, "a whole multiple of 604800 s"),
    ],
)
def test_what_cannot_be_imported_is_said_with_its_exit_code(arena, bars, here, words, code, said):
    answer = arena("import-data", bars, *words)

    assert (answer.code, said in answer.err) == (code, True), answer.err
    assert not (here / "data").exists()


def test_a_bar_that_cannot_have_happened_is_not_imported(arena, bars):
    bars.write_text(bars.read_text().replace("01-05,A,15,17", "01-05,A,15,14"))

    answer = arena("import-data", bars, "--as", KEY, "--where", "coin=A", "--json")

    assert answer.code == 4
    assert "a high that is not below the low" in answer.data["error"]["message"]


def test_settlements_are_snapped_and_kept_as_fractions(arena, here):
    stamps = [1_577_865_600_007, 1_577_894_400_000, 1_577_923_200_031]
    lines = [f"{stamp},0.01" for stamp in stamps]
    (here / "funding.csv").write_text("\n".join(["time,percent", *lines]) + "\n")
    words = ["--series", "rate=percent", "--time-unit", "ms", "--unit", "percent/settlement"]

    answer = arena("import-data", "funding.csv", "--as", "binance/BTC/funding/8h", *words, "--json")

    frame = Store("data").read(SeriesKey("binance", "BTC", SeriesKind.FUNDING, "8h"))
    assert answer.data["unit"] == "ratio"
    assert frame.column("rate").tolist() == [0.0001] * 3
    assert (frame.times % 28_800_000).tolist() == [0, 0, 0]


def test_the_store_is_listed_with_its_gaps(arena, bars):
    lines = bars.read_text().splitlines(keepends=True)
    bars.write_text("".join(line for line in lines if "01-04" not in line and "01-05" not in line))
    arena("import-data", bars, "--as", KEY, "--where", "coin=A", "--provenance", "estimated")

    (row,) = arena("list-data", "--show-gaps", "--json").data["series"]
    shown = arena("list-data", "--show-gaps").out

    assert (row["series"], row["rows"], row["provenance"]) == (KEY, 8, "estimated")
    assert row["gaps"] == [{"first": "2020-01-04T00:00:00Z", "bars": 2}]
    assert f"{KEY}: gaps at 2020-01-04T00:00:00Z (2)" in shown


def test_an_empty_store_says_how_it_is_filled(arena, here):
    answer = arena("list-data", "--store", "nowhere")

    assert answer.code == 0
    assert answer.out == (
        "nowhere: no series; `arena download-data` and `arena import-data` add some\n"
    )


def test_a_file_of_the_store_that_was_damaged_is_named(arena, bars, here):
    arena("import-data", bars, "--as", KEY, "--where", "coin=A")
    path = here / "data" / "mine" / "A%2FUSD" / "ohlcv-1d.parquet"
    path.write_bytes(path.read_bytes()[:-100])

    answer = arena("list-data")

    assert answer.code == 4
    assert "ohlcv-1d.parquet" in answer.err


CONFIG = """
[market]
source = "csv"
start = 2020-01-02
end = {end}
warmup_days = 1
store = "mine"
[[market.sources]]
store = "{key}"
series = {{ "A.open" = "open", "A.high" = "high", "A.low" = "low", "A.close" = "close" }}
{more}
[[instruments]]
name = "A"
kind = "spot"
[population]
agents = 2
mix = {{ buy-and-hold = 1 }}
baselines = ["cash"]
"""


@pytest.fixture
def config(here):
    """Write a config that names a series of the store in `mine`."""

    def config(more: str = "", *, key: str = KEY, end: str = "2020-01-10"):
        path = here / "mine.toml"
        path.write_text(CONFIG.format(more=more, key=key, end=end))
        return path

    return config


def stored(arena, bars, provenance="real"):
    words = ["--as", KEY, "--where", "coin=A", "--store", "mine", "--provenance", provenance]
    assert arena("import-data", bars, *words).code == 0


def test_a_run_on_a_stored_series_has_its_hash_its_provenance_and_its_name(
    arena, bars, config, here
):
    stored(arena, bars, "estimated")

    result = arena("run", config(), "--out", "run", "--json")
    settings = load_settings(here / "mine.toml")

    assert result.code == 0, result.err
    assert result.data["ticks"] == 9
    manifest = json.loads(manifest_of(here / "run" / "run.db"))
    unit, provenance, origin, digest = manifest["market"]["series"]["A.close"]
    assert (unit, provenance, origin) == ("USD", "estimated", "mine A%2FUSD ohlcv 1d")
    assert settings.market.sources[0].store == KEY
    assert len(digest) == 64
    assert arena("replay", "run", "--re-execute").code == 0


def manifest_of(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT value FROM meta WHERE key = 'manifest'").fetchone()[0]


@pytest.mark.parametrize(
    ("wrong", "answered"),
    [
        (("", "mine/B/ohlcv/1d"), (4, "arena list-data")),
        (("", "mine/B/bars/1d"), (2, "market.sources[0].store: found 'mine/B/bars/1d'")),
        (('path = "x.csv"', KEY), (2, "market.sources[0].path: found 'x.csv', needed nothing")),
        (('time_zone = "UTC"', KEY), (2, "needed nothing: a series of the store has its own")),
        (("lag_bars = 1", KEY), (2, "market.sources[0].lag_bars")),
    ],
)
def test_a_stored_series_that_cannot_be_used_is_refused(arena, bars, config, wrong, answered):
    stored(arena, bars)
    more, key = wrong

    answer = arena("config", "validate", config(more, key=key))

    code, said = answered
    assert answer.code == code
    assert said in answer.err


def test_a_source_needs_a_file_or_a_series(arena, config, here):
    path = config()
    path.write_text(path.read_text().replace(f'store = "{KEY}"', ""))

    answer = arena("config", "validate", path)

    assert answer.code == 2
    assert "market.sources[0].path: found None, needed a text: a file, or store =" in answer.err


# Synthetic data


@pytest.mark.parametrize("name", ["made.csv", "made.parquet"])
def test_a_synthetic_market_is_written_as_it_is_and_reads_back(arena, here, name):
    data = arena("synth-data", "--days", 40, "--seed", 7, "--out", name, "--json").data
    market = simulate_market(40, Seed(7).child("market"))

    (here / "back.toml").write_text(
        f"""
[market]
source = "csv"
start = 2020-01-02
end = 2020-02-09
warmup_days = 1
[[market.sources]]
path = "{name}"
time_column = "date"
time_zone = "UTC"
series = {{ "BTC.open" = "BTC.open", "BTC.close" = "BTC.close", "aave.index" = "aave.index" }}
provenance = "synthetic"
[[instruments]]
name = "BTC"
kind = "spot"
[population]
agents = 2
mix = {{ buy-and-hold = 1 }}
baselines = ["cash"]
"""
    )
    path = here / "back.toml"
    back = build_market(load_settings(path), here, now=NOW).market

    assert {each["provenance"] for each in data["series"]} == {"synthetic"}
    assert [each["name"] for each in data["series"]][-3:] == [
        "pendle.apr", "pendle.index", "btc_mvrv",
    ]  # fmt: skip
    assert back.sha256("BTC.close") == market.sha256("BTC.close")
    grown = back.column("aave.close")[1:] / back.column("aave.open")[1:]
    assert np.allclose(grown, (market.column("aave.close") / market.column("aave.open"))[1:])


def test_it_is_the_market_of_a_run_with_that_seed(arena, here):
    arena("synth-data", "--days", 5, "--seed", 9, "--out", "made.parquet")
    (here / "run.toml").write_text("[run]\nseed = 9\ndays = 5\n[market]\nwarmup_days = 0\n")

    market = build_market(load_settings(here / "run.toml"), here, now=NOW).market

    written = pq.read_table(here / "made.parquet").column("ETH.close").to_numpy()
    assert written.tolist() == market.column("ETH.close").tolist()


def test_the_full_universe_has_its_columns_and_empty_cells_where_nothing_is_known(arena, here):
    data = arena(
        "synth-data", "--days", 30, "--out", "made.csv", "--universe", "full", "--json"
    ).data

    names = [each["name"] for each in data["series"]]
    header, first, *_ = (here / "made.csv").read_text().splitlines()
    assert {"BTC.funding", "ETH.iv", "ETH-USDC.tvl", "gas_gwei", "MOON-01.close"} <= {*names}
    assert header == ",".join(["date", *names])
    assert first.split(",")[0] == "2020-01-01"
    assert first.split(",")[names.index("btc_mvrv") + 1] == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--days", 5, "--out", "made.txt"], "ends in .csv, .parquet"),
        (["--days", 5, "--out", "made.csv", "--universe", "whole"], "unknown universe 'whole'"),
        (["--days", 0, "--out", "made.csv"], "--days"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(arena, here, words, said):
    answer = arena("synth-data", *words)

    assert answer.code == 2
    assert said in answer.err
    assert [*here.iterdir()] == []


def test_a_file_that_is_there_is_not_written_over(arena, here):
    (here / "made.csv").write_text("mine")

    answer = arena("synth-data", "--days", 5, "--out", "made.csv")

    assert answer.code == 2
    assert (here / "made.csv").read_text() == "mine"


# Looking at data


def test_a_synthetic_market_passes_its_own_gate(arena, here):
    arena("synth-data", "--days", 200, "--out", "made.csv")

    answer = arena("check-data", "made.csv", "--json")

    assert answer.code == 0, answer.out
    assert answer.data["problems"] == []
    assert (len(answer.data["series"]), answer.data["rows"]) == (22, 10 * 200 - 1)


def test_all_problems_of_a_file_come_at_once_with_exit_code_four(arena, bars):
    text = bars.read_text().replace("01-05,A,15,17,14.5,16", "01-05,A,50,70,45,60")
    bars.write_text(text)

    answer = arena("check-data", bars, "--where", "coin=A", "--json")
    shown = arena("check-data", bars, "--where", "coin=A")

    assert (answer.code, answer.data["ok"], shown.code) == (4, False, 4)
    assert answer.data["series"] == ["bars.open", "bars.high", "bars.low", "bars.close"]
    assert all("bars.csv:" in each["place"] for each in answer.data["problems"])
    assert shown.out.splitlines()[-1].startswith(f"{len(answer.data['problems'])} problems: 4 ser")


def test_gaps_of_a_lone_file_are_notes_and_of_a_config_what_its_policy_says(
    arena, bars, config
):  # fmt: skip
    lines = bars.read_text().splitlines(keepends=True)
    bars.write_text("".join(line for line in lines if "01-05" not in line))
    stored(arena, bars)

    lone = arena("check-data", bars, "--where", "coin=A", "--json")
    strict = arena("check-data", config(), "--json")
    held = arena("check-data", config('gaps = "hold:1"'), "--json")

    assert lone.data["notes"] == ["1 gaps: more than 86400 s before line 6"]
    assert (lone.code, strict.code, held.code) == (0, 4, 0)
    assert "1 missing (gaps = 'reject')" in strict.data["problems"][0]["message"]
    assert "1 bars held over gaps: 2020-01-05" in held.data["notes"][0]


@pytest.fixture
def walks(here):
    """Write the same random walk twice, once with every stamp a day late."""
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.03, 60)))
    for name, late in (("right.csv", 0), ("late.csv", 1)):
        days = (date(2020, 1, 1) + timedelta(n + late) for n in range(len(prices)))
        rows = [f"{day},{price:.4f}" for day, price in zip(days, prices, strict=True)]
        (here / name).write_text("\n".join(["date,BTC.close", *rows]) + "\n")


def test_a_second_source_tells_which_series_is_shifted(arena, walks):
    answer = arena("check-data", "late.csv", "--against", "right.csv", "--json")

    (problem,) = answer.data["problems"]
    assert (answer.code, answer.data["compared"]) == (4, ["BTC.close"])
    assert "moved by -86400 s" in problem["message"]
    assert arena("check-data", "right.csv", "--against", "right.csv").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["none.csv"], 4, "no file there"),
        (["quick.toml"], 2, "needed one whose market is read"),
        (["right.csv", "--against", "other.csv"], 2, "at least one of BTC.close"),
        (["bare.csv"], 4, "say which is which (--series)"),
        (["timeless.csv"], 4, "say which one it is (--time-column)"),
        (["right.csv", "--jump-max", "1"], 2, "--jump-max"),
        (["right.csv", "--series", "aave.apr=BTC.close"], 2, "unit of aave.apr"),
    ],
)
def test_what_cannot_be_looked_at_is_said(arena, walks, here, words, code, said):
    (here / "quick.toml").write_text("[run]\ndays = 5\n")
    (here / "other.csv").write_text("date,ETH.close\n2020-01-01,1\n")
    (here / "bare.csv").write_text("date,number\n2020-01-01,1\n")
    (here / "timeless.csv").write_text("when,close\n2020-01-01,1\n")

    answer = arena("check-data", *words)

    assert answer.code == code
    assert said in answer.out + answer.err


def test_held_bars_stand_on_record_and_a_run_without_them_is_carried_out_as_it_was(
    arena, bars, config, here, monkeypatch
):
    lines = bars.read_text().splitlines(keepends=True)
    bars.write_text("".join(line for line in lines if "01-05" not in line))
    stored(arena, bars)
    path = config('gaps = "hold:1"')

    assert arena("run", path, "--out", "now", "--quiet").code == 0
    with monkeypatch.context() as before:
        module = sys.modules["actors.feeds.assemble"]  # The package has a function of that name.
        before.setattr(module, "_add_held", lambda columns, table, given: None)
        assert arena("run", path, "--out", "then", "--quiet").code == 0

    now, then = (
        json.loads(manifest_of(here / run / "run.db"))["market"]["series"]
        for run in ("now", "then")
    )
    assert now.keys() - then.keys() == {"A.held"}
    assert now["A.held"][:2] == ["flag", "real"]
    for run in ("now", "then"):
        answer = arena("replay", run, "--re-execute", "--json")
        assert (answer.code, answer.data["match"]) == (0, True), answer.err


def test_a_run_goes_on_while_an_asset_is_halted_and_says_so(arena, bars, config, here):
    lines = bars.read_text().splitlines(keepends=True)
    gone = ("01-05", "01-06", "01-07")
    bars.write_text("".join(line for line in lines if not any(day in line for day in gone)))
    stored(arena, bars)

    data = arena(
        "run", config('gaps = "hold:1,halt"'), "--out", "run", "--set", "run.days=9", "--json"
    ).data

    assert (data["status"], data["ticks"]) == ("completed", 9)
    assert [note.partition(" (")[0].partition(": ")[2] for note in data["notes"]] == [
        "1 bars held over gaps: 2020-01-05",
        "2 bars missing: 2020-01-06 to 2020-01-07",
    ]
    settled = arena("events", "list", "run", "--type", "TickSettled", "--json").data["events"]
    said = {each["data"]["tick"]: each["data"] for each in settled}
    assert {tick for tick, each in said.items() if each.get("held")} == {4}
    assert arena("verify", "run").code == 0
