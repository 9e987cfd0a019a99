"""The bars of a live run, recorded beside its database before anything is done with them.

A live market is never read twice: what has been settled was settled on the numbers in this file,
whatever its source says by now.  It has one JSON object a line: the first says what the columns are
and of which run, each one after it is a bar, and each has the hash of all lines up to itself.

A bar is in the file, and on the disk, before it is settled.  So a last line that is none was being
written when the power went, nobody has seen it, and it is dropped; any other one is damage.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from actors.journal.placing import sync
from arena.exceptions import EventSourcingError
from arena.market import Market, Provenance, Series

VERSION = 1

_SEAL = len(',"hash":""}\n') + 64
"""Bytes with which each line ends: the hash of everything before them, and of the lines before."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars, and what they are made of.

    Attributes:
        market: All of them, those to warm up first.
        absent: For each bar the numbers of the sources that had no row of it.
    """

    market: Market
    absent: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is in a recording.

    Attributes:
        run_id: Whose bars they are.
        bars: All of them.
        hash: Of the last line.
        size: Bytes of what counts; a line that was cut off comes after them.
    """

    run_id: str
    bars: Bars
    hash: str
    size: int


def bars_path(database: Path) -> Path:
    """Return where the bars of the live run in `database` are."""
    return database.with_suffix(".bars.jsonl")


def begin_bars(database: Path, run_id: str, bars: Bars) -> None:
    """Record what a run begins with: to be done before its database is there.

    Bars without a database are of a run that never began; they are replaced.

    Args:
        database: Where it will be; its folder exists.
        run_id: Of the run.
        bars: All that are known.

    Raises:
        OSError: The disk refused.
    """
    head = _seal(_header(run_id, bars.market), "")
    lines = [head, *_rows(bars, 0, head["hash"])]
    _place(bars_path(database), b"".join(map(_bytes, lines)))


def read_bars(database: Path) -> Recorded:
    """Return the bars that were recorded of the run in `database`.

    Raises:
        EventSourcingError: There are none, or they are damaged.
        OSError: The disk refused.
    """
    path = bars_path(database)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise EventSourcingError(f"the bars of this live run are missing: {str(path)!r}") from None
    lines, size, known = [], 0, ""
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        facts = _unseal(line, known)
        if facts is None:
            _check_last(path, number, is_last=size + len(line) == len(content))
            break
        lines.append(facts)
        size, known = size + len(line), facts["hash"]
    try:
        return Recorded(lines[0]["run_id"], _bars(lines[0], lines[1:]), known, size)
    except LookupError as error:
        raise EventSourcingError(f"{str(path)!r} is damaged: it has no first line") from error


def copy_bars(source: Path, target: Path) -> None:
    """Copy the bars of the run in the database `source` to where those of `target` are, if any.

    Raises:
        EventSourcingError: They are damaged.
        OSError: The disk refused.
    """
    if not bars_path(source).exists():
        return
    size = read_bars(source).size
    _place(bars_path(target), bars_path(source).read_bytes()[:size])


@contextmanager
def copied_bars(source: Path, building: Path, target: Path) -> Iterator[None]:
    """Have a copy of the bars of `source`, if any, beside `building`, and then beside `target`.

    Raises:
        EventSourcingError: They are damaged.
        OSError: The disk refused.
    """
    copy_bars(source, building)
    try:
        yield
        if bars_path(building).exists():
            bars_path(building).replace(bars_path(target))
            sync(target.parent)
    finally:
        bars_path(building).unlink(missing_ok=True)


class BarRecorder:
    """The bars of one live run, for its writer.

    Attributes:
        database: The run.
        bars: What is on the disk.
    """

    def __init__(self, database: Path, run_id: str) -> None:
        """Read what is there, and drop a last line that was cut off.

        Raises:
            EventSourcingError: There are no bars, or they are damaged or another run's.
            OSError: The disk refused.
        """
        found = read_bars(database)
        if found.run_id != run_id:
            path = str(bars_path(database))
            raise EventSourcingError(f"{path!r} has the bars of {found.run_id!r}, not {run_id!r}")
        self.database = database
        self.bars = found.bars
        self._path, self._hash, self._size = bars_path(database), found.hash, found.size

    def append(self, bars: Bars) -> None:
        """Record those of `bars` that are not recorded yet; they are on the disk afterwards.

        They are synced one by one: a power cut damages no more than the last line.

        Args:
            bars: Begin as `self.bars` do.

        Raises:
            OSError: The disk refused; `self.bars` are what they were.
        """
        handle = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        known, size = self._hash, self._size
        try:
            os.ftruncate(handle, size)
            for line in _rows(bars, len(self.bars.market), known):
                known, size = line["hash"], _write(handle, _bytes(line), size)
        finally:
            os.close(handle)
        self.bars, self._hash, self._size = bars, known, size


def _write(handle: int, content: bytes, place: int) -> int:
    """Have the disk take `content` at `place`, and return where it ends."""
    end = place + len(content)
    while place < end:
        place += os.pwrite(handle, content[place - end :], place)
    os.fsync(handle)
    return end


def _header(run_id: str, market: Market) -> dict[str, Any]:
    return {
        "version": VERSION,
        "run_id": run_id,
        "bar_s": market.bar_s,
        "periods_per_year": market.periods_per_year,
        "series": [
            [each.name, each.unit, each.provenance.value, each.origin] for each in market.series
        ],
    }


def _rows(bars: Bars, first: int, known: str) -> Iterator[dict[str, Any]]:
    """Yield the sealed lines of the bars from `first` on; floats are exact in JSON, NaN is null."""
    for row in range(first, len(bars.market)):
        line = _seal(
            {
                "opens_at": int(bars.market.opens_at[row]),
                "values": [
                    None if math.isnan(each) else each for each in bars.market.values[row].tolist()
                ],
                "absent": bars.absent[row],
            },
            known,
        )
        known = line["hash"]
        yield line


def _seal(facts: dict[str, Any], known: str) -> dict[str, Any]:
    return facts | {"hash": sha256(known.encode() + _bytes(facts)).hexdigest()}


def _unseal(line: bytes, known: str) -> dict[str, Any] | None:
    """Return what `line` says, if it is to the byte what was written after the hash `known`."""
    own = sha256(known.encode() + line[:-_SEAL] + b"}\n").hexdigest()
    if line[-_SEAL:] != f',"hash":"{own}"}}\n'.encode():
        return None
    facts: dict[str, Any] = json.loads(line)
    return facts


def _bytes(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _check_last(path: Path, number: int, *, is_last: bool) -> None:
    if not is_last or number == 1:  # The first lines were on the disk before they had a name.
        raise EventSourcingError(f"{str(path)!r} line {number} is not what was recorded")


def _bars(header: dict[str, Any], rows: list[dict[str, Any]]) -> Bars:
    if header["version"] > VERSION:
        raise EventSourcingError("the bars were recorded by a newer version of arena: upgrade")
    series = tuple(
        Series(name, unit, Provenance(provenance), origin)
        for name, unit, provenance, origin in header["series"]
    )
    values = [[math.nan if each is None else each for each in row["values"]] for row in rows]
    market = Market(
        opens_at=np.array([row["opens_at"] for row in rows], dtype=np.int64),
        series=series,
        values=np.array(values, dtype=np.float64).reshape(len(rows), len(series)),
        periods_per_year=header["periods_per_year"],
        bar_s=header["bar_s"],
    )
    return Bars(market, tuple(tuple(row["absent"]) for row in rows))


def _place(path: Path, content: bytes) -> None:
    """Put a whole file at `path`, or leave what is there."""
    building = path.with_name(f".{path.name}.tmp")
    handle = os.open(building, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
    building.replace(path)
    sync(path.parent)
