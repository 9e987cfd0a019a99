"""A CSV file as rows with line numbers, streamed, with a bound on everything.

Plain or gzip by its name, UTF-8 with or without a byte order mark, any line ending.  What cannot be
read as that stops the reading, with the line at which it was found.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import gzip
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, TypeAlias

from actors.feeds.problems import DataError, Problem

LINE_BYTES_MAX = 1 << 20
FILE_BYTES_MAX = 1 << 30
ROWS_MAX = 5_000_000

Rows: TypeAlias = Iterator[tuple[int, list[str]]]


def read_rows(path: str | os.PathLike[str]) -> Rows:
    """Yield (line, fields) for each row, the header first; blank lines are passed over.

    The line of a row whose quoted field spans lines is its last.

    Raises:
        DataError: The file cannot be opened, is not what its name says, or exceeds a bound.
    """
    name = os.fspath(path)
    reader = csv.reader(_lines(name), strict=True)
    try:
        for count, row in enumerate(reader):
            if count > ROWS_MAX:
                raise _broken(name, reader.line_num, "more rows", f"at most {ROWS_MAX} rows")
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise _broken(name, reader.line_num, str(error), "well-formed CSV") from None


def find_columns(name: str, header: Sequence[str], needed: Iterable[str]) -> dict[str, int]:
    """Return the position of each needed column.

    Args:
        name: The file, for messages.
        header: The fields of the header.
        needed: Names that must stand in it, once each.

    Raises:
        DataError: Some do not; the header is listed and the nearest name offered.
    """
    titles = [title.strip() for title in header]
    needed = tuple(dict.fromkeys(needed))
    problems = [
        Problem(name, 1, column, titles, _wanted(column, titles))
        for column in needed
        if titles.count(column) != 1
    ]
    if problems:
        raise DataError(problems)
    return {column: titles.index(column) for column in needed}


def _wanted(column: str, titles: list[str]) -> str:
    if column in titles:
        return f"the column {column!r} once"
    if len(titles) == 1 and any(mark in titles[0] for mark in ";\t|"):
        return f"the column {column!r}, in a file separated by commas"
    near = difflib.get_close_matches(column, titles, n=1)
    return f"the column {column!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _lines(name: str) -> Iterator[str]:
    """Yield decoded lines; whatever goes wrong names the line it happened on."""
    number = 0
    try:
        with _open(name) as file:
            for raw in _bounded(file, name):
                number += 1
                yield raw.decode("utf-8")
    except UnicodeDecodeError as error:
        found = error.object[error.start : error.start + 8]
        raise _broken(name, number, found, "UTF-8") from None
    except EOFError:
        raise _broken(
            name, number + 1, "the end of a cut-off file", "a complete gzip file"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _broken(name, number + 1, str(error), "an intact gzip file") from None
    except FileNotFoundError:
        raise _broken(name, None, "no file there", "a readable file") from None
    except OSError as error:
        raise _broken(name, None, error.strerror or str(error), "a readable file") from None


def _open(name: str) -> BinaryIO | gzip.GzipFile:
    return gzip.open(name, "rb") if name.endswith(".gz") else open(name, "rb")


def _bounded(file: BinaryIO | gzip.GzipFile, name: str) -> Iterator[bytes]:
    """Yield raw lines without the byte order mark."""
    total = number = 0
    while raw := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        total += len(raw)
        if len(raw) > LINE_BYTES_MAX:
            raise _broken(name, number, "a longer line", f"at most {LINE_BYTES_MAX} bytes a line")
        if total > FILE_BYTES_MAX:
            raise _broken(name, number, "a longer file", f"at most {FILE_BYTES_MAX} bytes")
        if b"\0" in raw:
            raise _broken(name, number, "a NUL byte", "text in UTF-8")
        yield raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw


def _broken(name: str, line: int | None, found: object, needed: str) -> DataError:
    return DataError([Problem(name, line, None, found, needed)])
