"""Small CSV files, and the shortest way to read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from actors.feeds import CsvSource, DataError, Table, read_csv

Write: TypeAlias = Callable[..., Path]
Read: TypeAlias = Callable[..., Table]
Refuse: TypeAlias = Callable[..., DataError]

BAR = {f"BTC.{name}": name for name in ("open", "high", "low", "close")} | {"BTC.volume": "volume"}
HEADER = "date,open,high,low,close,volume"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write lines to `name` and return its path; bytes are written as they are."""

    def write(*lines: str, name: str = "prices.csv", raw: bytes | None = None) -> Path:
        path = tmp_path / name
        path.write_bytes("".join(f"{line}\n" for line in lines).encode() if raw is None else raw)
        return path

    return write


@pytest.fixture
def read() -> Read:
    """Read one source from `start` to `end`; by default daily BTC bars of January 2020."""

    def read(path: Path, *, start: str = "2020-01-01", end: str = "2020-01-03", **a: Any) -> Table:
        source = CsvSource(
            **{"path": path, "series": BAR, "time_column": "date", "time_zone": "UTC"} | a
        )
        days = {"start": date.fromisoformat(start), "end": date.fromisoformat(end)}
        (table,) = read_csv([source], **days, not_after=datetime(2024, 1, 1, tzinfo=UTC))
        return table

    return read


@pytest.fixture
def refuse(read: Read) -> Refuse:
    """Read one source and return the error with which it was refused."""

    def refuse(path: Path, **arguments: Any) -> DataError:
        with pytest.raises(DataError) as caught:
            read(path, **arguments)
        return caught.value

    return refuse


@pytest.fixture
def bars(write: Write) -> Callable[..., Path]:
    """Write three good bars, with the lines given by number replaced; None leaves a line out."""

    def bars(changed: dict[int, str | None] | None = None) -> Path:
        lines: dict[int, str | None] = {
            1: HEADER,
            2: "2020-01-01,10,12,9,11,1000",
            3: "2020-01-02,11,13,10,12,2000",
            4: "2020-01-03,12,14,11,13,3000",
        }
        lines |= changed or {}
        return write(*(line for _, line in sorted(lines.items()) if line is not None))

    return bars
