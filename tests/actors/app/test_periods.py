"""`--timerange`: the days between two dates, both of them settled, whatever the config says."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.app.periods import days_asked
from actors.app.settings import load_settings
from actors.journal.reader import open_run
from arena.exceptions import ValidationError
from tests.actors.app.conftest import SMALL

CSV = """
[run]
name = "files"
seed = 3
{days}
[market]
source = "csv"
{period}
warmup_days = 10
[[market.sources]]
path = "prices.csv"
time_column = "day"
time_zone = "UTC"
series = {{ "BTC.open" = "open", "BTC.close" = "close" }}
[[instruments]]
name = "BTC"
kind = "spot"
[population]
agents = 2
mix = {{ random = 1 }}
baselines = ["cash"]
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return the config of a market in a file: 2020-01-01 to 2020-03-30, all of them after 10."""
    first = date(2020, 1, 1)
    rows = [f"{first + timedelta(days=n)},{100 + n},{101 + n}" for n in range(90)]
    (tmp_path / "prices.csv").write_text("\n".join(["day,open,close", *rows]) + "\n")
    return write(tmp_path, period="start = 2020-01-11\nend = 2020-03-30")


def write(folder: Path, *, days: str = "", period: str = "") -> Path:
    path = folder / "files.toml"
    path.write_text(CSV.format(days=days, period=period))
    return path


def settled(folder: Path) -> tuple[str, str, int]:
    """Return the first and the last day that a run settled, and how many it did."""
    with open_run(folder) as run:
        stamps = [each.timestamp[:10] for each in run.entries(event_type="TickSettled")]
    return stamps[0], stamps[-1], len(stamps)


def test_both_ends_are_settled(arena, small, tmp_path):
    answer = arena(
        "run", small, "--timerange", "20200105-20200110", "--out", tmp_path / "run", "--json"
    )

    assert answer.data["ticks"] == 6
    assert answer.data["market"]["first_bar"] == "2020-01-05"
    # A bar closes when its day is over.
    assert settled(tmp_path / "run") == ("2020-01-06", "2020-01-11", 6)


@pytest.mark.parametrize(
    ("timerange", "first", "days"),
    [
        ("20200201-20200210", "2020-02-01", 10),
        ("20200301-", "2020-03-01", 30),
        ("-20200120", "2020-01-11", 10),
        ("20200330-20200330", "2020-03-30", 1),
    ],
)
def test_files_are_read_for_the_days_that_are_asked(arena, files, tmp_path, timerange, first, days):
    data = arena("run", files, "--timerange", timerange, "--out", tmp_path / "r", "--json").data

    assert (data["market"]["first_bar"], data["ticks"]) == (first, days)


def test_a_config_without_days_takes_those_of_the_command_line(arena, files, tmp_path):
    bare = write(tmp_path)

    data = arena("run", bare, "--timerange", "20200201-20200203", "--out", tmp_path / "r", "--json")

    assert data.data["ticks"] == 3


def test_the_range_wins_over_the_config_and_over_set(arena, small, tmp_path):
    words = ("--set", "run.days=30", "--set", "market.start=2020-05-01")

    data = arena(
        "run", small, *words, "--timerange", "20200105-20200107", "--out", tmp_path, "--json"
    ).data

    assert (data["market"]["first_bar"], data["ticks"]) == ("2020-01-05", 3)


def test_it_is_the_run_of_a_config_that_says_so(arena, small, tmp_path):
    one = arena(
        "run", small, "--timerange", "20200105-20200110", "--out", tmp_path / "1", "--json"
    ).data
    same = arena(
        *("run", small, "--set", "market.start=2020-01-05", "--set", "run.days=6"),
        *("--out", tmp_path / "2", "--json"),
    ).data

    assert (one["run_id"], one["head"]) == (same["run_id"], same["head"])


def test_a_run_of_a_range_is_replayed_from_what_it_stored(arena, files, tmp_path):
    arena("run", files, "--timerange", "20200201-20200214", "--out", tmp_path / "run")

    answer = arena("replay", tmp_path / "run", "--re-execute", "--json")

    assert answer.code == 0, answer.err
    assert answer.data["match"] is True


@pytest.mark.parametrize(
    ("timerange", "needed"),
    [
        ("2020", "YYYYMMDD-YYYYMMDD"),
        ("-", "YYYYMMDD-YYYYMMDD"),
        ("2020-01-01", "YYYYMMDD-YYYYMMDD"),
        ("20200101-2020010", "YYYYMMDD-YYYYMMDD"),
        ("20200101-20200230", "days that exist: 20200230 is none"),
        ("20200301-20200201", "a last day (2020-02-01) that is not before the first (2020-03-01)"),
        ("19990101-20200201", "days from 2000-01-01 to 2100-01-01"),
        ("-20191231", "a last day (2019-12-31) that is not before the first (2020-01-01)"),
    ],
)
def test_a_range_that_is_none_is_refused(arena, small, tmp_path, timerange, needed):
    answer = arena("run", small, "--timerange", timerange, "--out", tmp_path / "none")

    assert answer.code == 2
    assert answer.err.startswith(f"arena: --timerange: found '{timerange}', needed ")
    assert needed in answer.err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("period", "timerange", "needed"),
    [
        ("", "-20200301", "a first day: the config has no market.start"),
        ("start = 2020-01-11", "20200301-", "a last day: the config has neither market.end nor"),
    ],
)
def test_an_end_that_nobody_gave_is_missed(arena, files, tmp_path, period, timerange, needed):
    answer = arena("run", write(tmp_path, period=period), "--timerange", timerange)

    assert answer.code == 2
    assert needed in answer.err


def test_days_beyond_the_files_are_refused_with_what_is_there(arena, files, tmp_path):
    answer = arena("run", files, "--timerange", "20190101-20190201", "--out", tmp_path / "none")

    assert answer.code == 4
    assert "found 'rows from 2020-01-01 to 2020-03-30'" in answer.err
    assert "needed rows from 2018-12-22 to 2019-02-01" in answer.err


def test_a_config_that_cannot_be_used_is_still_refused(arena, tmp_path):
    path = tmp_path / "odd.toml"
    path.write_text("run = 3\n[market]\nstart = 7\nend = 'x'\n")

    answer = arena("run", path, "--timerange", "20200101-20200201")

    assert answer.code == 2
    assert "run" in answer.err


days = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@given(days, days)
def test_the_settings_have_the_days_that_were_asked(one, other):
    config = Path(__file__).parents[3] / "config" / "quickstart.toml"
    first, last = sorted((one, other))

    chosen = days_asked(config, (), f"{first:%Y%m%d}-{last:%Y%m%d}")

    span = (last - first).days + 1
    if span <= 36_525:
        period = load_settings(config, chosen).period
        assert (period.start, period.end, period.days) == (first, last, span)


def test_an_open_end_is_that_of_a_run_without_the_option(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)

    assert days_asked(path, (), "20200105-")[1:] == ("market.end=2020-02-09", "run.days=36")
    with pytest.raises(ValidationError, match="a last day"):
        days_asked(path, ("run.days=4",), "20200105-")
