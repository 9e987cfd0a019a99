"""A file is what its name says, complete and bounded, or it is refused before its numbers count."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta

import pytest

from actors.feeds import CsvSource, DataError, lines, read_csv
from arena.exceptions import ValidationError

TEXT = "date,x\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n"
X = {"series": {"x": "x"}}


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("plain.csv", TEXT.encode()),
        ("packed.csv.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("marked.csv", b"\xef\xbb\xbf" + TEXT.encode()),
        ("windows.csv", TEXT.replace("\n", "\r\n").encode()),
        ("unterminated.csv", TEXT.rstrip().encode()),
        ("blank.csv", TEXT.replace("\n", "\n\n").encode()),
        ("quoted.csv", TEXT.replace("x\n", '"x"\n').encode()),
        ("spaced.csv", TEXT.replace(",", ", ").encode()),
    ],
)
def test_the_same_table_is_read_from_every_honest_form_of_a_file(write, read, name, raw):
    table = read(write(name=name, raw=raw), **X)

    assert table.values[1:, 0].tolist() == [1, 2, 3]


DAYS = (date(2000, 1, 1) + timedelta(days=i) for i in range(8000))
PACKED = gzip.compress(b"date,x\n" + b"".join(f"{day},1\n".encode() for day in DAYS))


@pytest.mark.parametrize(
    ("name", "raw", "line", "needed"),
    [
        ("empty.csv", b"", None, "a header and rows"),
        ("header.csv", b"date,x\n", 1, "rows"),
        ("cut.csv.gz", PACKED[:-50], None, "a complete gzip file"),
        ("damaged.csv.gz", PACKED[:-8] + b"xxxxxxxx", None, "an intact gzip file"),
        ("unpacked.csv.gz", TEXT.encode(), None, "an intact gzip file"),
        ("packed.csv", PACKED, 1, "UTF-8"),
        ("latin.csv", TEXT.encode() + "2020-01-04,café".encode("latin-1"), 5, "UTF-8"),
        ("wide.csv", TEXT.encode("utf-16"), 1, "text in UTF-8"),
        ("quote.csv", TEXT.encode() + b'2020-01-04,"4\n', 5, "well-formed CSV"),
        ("endless.csv", b"date,x\n" + b"1" * (lines.LINE_BYTES_MAX + 1), 2, "bytes a line"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(write, refuse, name, raw, line, needed):
    path = write(name=name, raw=raw)

    error = refuse(path, **X)

    assert error.file == str(path)
    assert line is None or error.line == line
    assert needed in error.problems[-1].needed


def test_a_truncated_gzip_names_the_line_at_which_it_breaks_off(write, refuse):
    error = refuse(write(name="cut.csv.gz", raw=PACKED[:-50]), **X)

    assert 7000 < error.line <= 8001


def test_rows_and_bytes_are_bounded(write, refuse, monkeypatch):
    path = write(raw=TEXT.encode())

    monkeypatch.setattr(lines, "ROWS_MAX", 2)
    assert refuse(path, **X).needed == "at most 2 rows"
    monkeypatch.setattr(lines, "FILE_BYTES_MAX", 20)
    assert refuse(path, **X).needed == "at most 20 bytes"


def test_a_file_that_is_not_there_is_refused_without_a_line(tmp_path, refuse):
    missing, folder = refuse(tmp_path / "no.csv", **X), refuse(tmp_path, **X)

    assert (missing.line, missing.found) == (None, "no file there")
    assert (folder.line, folder.found) == (None, "Is a directory")


def test_a_missing_column_lists_the_header_and_offers_the_nearest(write, refuse):
    error = refuse(write("date,supply_apr,debt_apr", "2020-01-01,1,2"), series={"x": "suply_apr"})

    assert (error.line, error.column) == (1, "suply_apr")
    assert error.found == ["date", "supply_apr", "debt_apr"]
    assert error.needed == "the column 'suply_apr'; did you mean 'supply_apr'?"


def test_every_missing_column_is_named_at_once(write, refuse):
    error = refuse(write("day,y", "2020-01-01,1"), **X, where={"asset": "BTC"})

    assert [problem.column for problem in error.problems] == ["date", "asset", "x"]


def test_a_column_that_stands_twice_is_refused(write, refuse):
    assert refuse(write("date,x,x", "2020-01-01,1,2"), **X).needed == "the column 'x' once"


def test_another_separator_is_recognised(write, refuse):
    error = refuse(write("date;x", "2020-01-01;1"), **X)

    assert error.needed.endswith("in a file separated by commas")


def test_a_filter_keeps_the_rows_that_hold_its_text(write, read):
    path = write("date,asset,x", "2020-01-01,BTC,1", "2020-01-01,ETH,7", "2020-01-02,ETH,8")

    table = read(path, **X, where={"asset": "ETH"}, end="2020-01-02")

    assert table.values[1:, 0].tolist() == [7, 8]


def test_a_filter_that_matches_nothing_is_told_what_the_file_holds(write, refuse):
    error = refuse(write("date,asset,x", "2020-01-01,BTC,1"), **X, where={"asset": "btc"})

    assert (error.line, error.column, error.found) == (None, "asset", ["BTC"])
    assert error.needed == "rows with 'btc'"


def test_problems_of_all_files_are_told_at_once_and_tables_keep_the_order_of_sources(write):
    def source(name: str, column: str = "x") -> CsvSource:
        path = write(raw=TEXT.encode(), name=name)
        return CsvSource(
            path=path, series={f"{name}_{column}": "x"}, time_column="date", time_zone="UTC"
        )

    days = {"start": date(2020, 1, 1), "end": date(2020, 1, 3)}
    late, early = datetime(2024, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)
    sources = [source("a"), source("b"), source("a", "again")]

    tables = read_csv(sources, **days, not_after=late)
    with pytest.raises(DataError) as caught:
        read_csv(sources, **days, not_after=early)

    assert [table.series[0].name for table in tables] == ["a_x", "b_x", "a_again"]
    assert [problem.line for problem in caught.value.problems] == [4, 4]


def test_the_question_itself_must_make_sense():
    now = datetime(2024, 1, 1, tzinfo=UTC)

    with pytest.raises(ValidationError, match="end: found '2020-01-01'"):
        read_csv([], start=date(2020, 1, 2), end=date(2020, 1, 1), not_after=now)
    with pytest.raises(ValidationError, match="needed a time with an offset"):
        read_csv(
            [], start=date(2020, 1, 2), end=date(2020, 1, 3), not_after=now.replace(tzinfo=None)
        )
