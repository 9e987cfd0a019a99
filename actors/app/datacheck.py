"""The data-quality gate over a config's market, or over one file: all that is wrong, at once.

A config is read as a run would read it, gaps and all; then every series is looked at as it stands
in its file.  A file without a config is only looked at, and its gaps are notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from actors.app.markets import build_market, read_sources
from actors.app.settings import load_settings
from actors.feeds import CsvSource, DataError, Problem
from actors.feeds.describe import describe
from actors.feeds.gate import Gate
from actors.feeds.samples import Samples, read_samples
from arena.exceptions import ValidationError

GAPS_SHOWN = 5


@dataclass(slots=True)
class Report:
    """What the gate found.

    Attributes:
        series: Names of the target columns that were looked at.
        rows: How many rows they have together.
        compared: Names of those that a second source has too.
        problems: What is wrong, without repetition.
        notes: What a reader should know.
    """

    series: list[str] = field(default_factory=list)
    rows: int = 0
    compared: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, problems: Iterator[Problem] | Sequence[Problem]) -> None:
        """Remember what was not known yet."""
        self.problems += [each for each in problems if each not in self.problems]


def look_at(
    path: Path, against: Path | None, *, gate: Gate, reading: Mapping[str, Any], now: datetime
) -> Report:
    """Return what is wrong with the data of a config, or with a file.

    Args:
        path: A `.toml` config, or a CSV or Parquet file.
        against: Another one, with a second source of some of the same columns.
        gate: What is still believed.
        reading: How a file is read, as for `describe`.
        now: The current time, with an offset.

    Raises:
        ConfigError: A config cannot be used.
        ValidationError: A config reads no file, or the two have no column in common.
    """
    report = Report()
    if path.suffix == ".toml":
        try:
            report.notes += build_market(load_settings(path), path.parent, now=now).notes
        except DataError as error:
            report.add(error.problems)
    found = [*_read(path, reading, report, now)]
    for samples in found:
        report.series += samples.source.series
        report.rows += len(samples.times)
        report.add(gate.check(samples))
        if path.suffix != ".toml":
            report.notes += _gaps(samples)
    if against is not None:
        _compare(found, [*_read(against, reading, report, now)], gate, report)
    return report


def _sources(path: Path, reading: Mapping[str, Any]) -> list[CsvSource]:
    if path.suffix != ".toml":
        return describe(path, **reading)
    sources = read_sources(load_settings(path), path.parent)
    if not sources:
        raise ValidationError("config", found=str(path), needed="one whose market is read")
    return sources


def _read(
    path: Path, reading: Mapping[str, Any], report: Report, now: datetime
) -> Iterator[Samples]:
    try:
        sources = _sources(path, reading)
    except DataError as error:
        report.add(error.problems)
        return
    for source in sources:
        try:
            yield read_samples(source, not_after=now + timedelta(days=1))
        except DataError as error:
            report.add(error.problems)


def _compare(
    found: Sequence[Samples], others: Sequence[Samples], gate: Gate, report: Report
) -> None:
    for samples in found:
        for other in others:
            common = [name for name in samples.source.series if name in other.source.series]
            report.compared += common
            if common:
                report.add(gate.compare(samples, other))
    if found and others and not report.compared:
        needed = f"at least one of {', '.join(report.series)}"
        names = [name for other in others for name in other.source.series]
        raise ValidationError("--against", found=names, needed=needed)


def _gaps(samples: Samples) -> Iterator[str]:
    """Yield a note on where rows are further apart than elsewhere."""
    usual = samples.step_s
    wide = np.flatnonzero(np.diff(samples.times) > usual)
    if len(wide):
        lines = ", ".join(str(samples.sheet.lines[row + 1]) for row in wide[:GAPS_SHOWN])
        more = f" and {len(wide) - GAPS_SHOWN} more" if len(wide) > GAPS_SHOWN else ""
        yield f"{len(wide)} gaps: more than {usual} s before line {lines}{more}"
