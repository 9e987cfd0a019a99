"""A CSV file that grows while an arena runs on it, and the clock by which it does."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from math import sin
from pathlib import Path
from typing import Any

from actors.app.markets import build_experiment, build_market
from actors.app.settings import Settings, make_settings
from actors.journal.chain import Entry
from actors.runtime import ManualClock
from arena.experiment import Experiment
from arena.market import Market

FIRST = date(2024, 1, 1)
WARMUP = 8
DAYS = 22
POLL_S = 60.0
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
HEADER = "day,coin,open,high,low,close,rate\n"

TOML = """
[run]
name = "grown"
seed = 5
[market]
source = "csv"
start = 2024-01-09
warmup_days = 8
[[market.sources]]
path = "prices.csv"
where = { coin = "ONE" }
time_column = "day"
time_zone = "UTC"
unit = "percent"
series = { "ONE.open" = "open", "ONE.high" = "high", "ONE.low" = "low", "ONE.close" = "close", "bank.apr" = "rate" }
[[market.sources]]
path = "prices.csv"
where = { coin = "TWO" }
gaps = "hold:2,halt"
time_column = "day"
time_zone = "UTC"
series = { "TWO.open" = "open", "TWO.high" = "high", "TWO.low" = "low", "TWO.close" = "close" }
[[instruments]]
name = "ONE"
kind = "spot"
[[instruments]]
name = "TWO"
kind = "spot"
[[instruments]]
name = "bank"
kind = "lending"
protocol = "bank"
[population]
agents = 5
mix = { defi-yield-farmer = 1, random = 1 }
baselines = ["cash", "buy-and-hold"]
[evolution]
cycle_days = 3
[ladder]
gate_required = false
[live]
feed = "poll"
poll_s = 60
"""  # noqa: E501 - TOML has its tables on one line


def row(n: int, coin: str) -> str:
    """Return the row of day `n` of ONE or TWO; the days begin at 0."""
    base, wave = {"ONE": (100, 3), "TWO": (20, 5)}[coin]
    opened = base * (1 + 0.2 * sin(n / wave))
    closed = base * (1 + 0.2 * sin((n + 1) / wave))
    high, low = max(opened, closed) * 1.01, min(opened, closed) * 0.99
    numbers = (opened, high, low, closed, 4 + 2 * sin(n / 20))
    return ",".join([str(day(n)), coin, *(f"{number:.6f}" for number in numbers)]) + "\n"


def day(n: int) -> date:
    """Return day `n`."""
    return FIRST + timedelta(days=n)


def rows(days: Iterable[int], without: Iterable[tuple[int, str]] = ()) -> str:
    """Return the rows of both coins on `days`, but for some of them."""
    gone = {*without}
    return "".join(row(n, coin) for n in days for coin in ("ONE", "TWO") if (n, coin) not in gone)


class Folder:
    """A folder with a config and the prices that it names."""

    def __init__(self, path: Path, days: int = WARMUP) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.prices = path / "prices.csv"
        self.config = path / "grown.toml"
        self.config.write_text(TOML)
        self.write(rows(range(days)))

    def write(self, text: str) -> None:
        """Let the file hold these rows, and nothing else."""
        self.prices.write_text(HEADER + text)

    def add(self, text: str) -> None:
        """Let more come."""
        with self.prices.open("a") as file:
            file.write(text)


class Coming(ManualClock):
    """A clock on which waiting takes no time; one thing happens in each wait for another look."""

    def __init__(self, happenings: Iterable[Callable[[], None]] = (), now: datetime = NOW) -> None:
        super().__init__(now)
        self.happenings = [*happenings]

    async def sleep(self, seconds: float) -> None:
        """Let the next thing happen."""
        await super().sleep(seconds)
        if seconds == POLL_S:
            assert self.happenings, "it waits for more bars, and none will come"
            self.happenings.pop(0)()


def settings(**tables: dict[str, Any]) -> Settings:
    """Return the settings of `TOML`, some tables over them."""
    data = tomllib.loads(TOML)
    for name, table in tables.items():
        data[name] = {**data.get(name, {}), **table}
    return make_settings(data)


def backtest_of(folder: Path, days: int) -> tuple[Experiment, Market]:
    """Return the backtest of the first `days` to settle of what is in `folder`."""
    chosen = settings(run={"days": days}, live={"feed": "replay"})
    loaded = build_market(chosen, folder, now=NOW)
    return build_experiment(chosen, loaded), loaded.market


def facts(entries: Iterable[Entry]) -> list[tuple[object, ...]]:
    """Return what of a history does not depend on its manifest."""
    return [
        (e.seq, e.event_type, e.agent_id, e.timestamp, e.data, e.command_id, e.caused_by)
        for e in entries
    ]
