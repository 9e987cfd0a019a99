"""Where prices come from.

Real ones from CSV and Parquet files and from the store: describe each with a `CsvSource`,
`read_csv` them onto the days of the run, `assemble` the tables into a market.  `merge` joins it
with another on the same bars, and `badge` says whether what is shown is real, synthetic or mixed.
`gate` looks for what data cannot be.
"""

from actors.feeds.align import Table
from actors.feeds.assemble import assemble, badge, merge
from actors.feeds.csv_files import read_csv
from actors.feeds.problems import DataError, Problem
from actors.feeds.source import CsvSource

__all__ = ["CsvSource", "DataError", "Problem", "Table", "assemble", "badge", "merge", "read_csv"]
