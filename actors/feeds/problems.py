"""What is wrong with a data file, said so that it can be mended: place, found, needed.

Reading does not stop at the first problem.  `Problems` gathers up to `PROBLEMS_MAX` of them, and
then one `DataError` lists them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from arena.exceptions import ValidationError

PROBLEMS_MAX = 20
SHOWN_MAX = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: The file, as the source names it.
        line: Line in that file, the header being line 1; None where the file as a whole is at
            fault.
        column: The file's column; None where the row or the file as a whole is at fault.
        found: What stood there.
        needed: What would have been accepted, and what to do where that is not obvious.
    """

    file: str
    line: int | None
    column: str | None
    found: object
    needed: str

    @property
    def place(self) -> str:
        """Return `file:line, column 'name'`, as far as they are known."""
        line = "" if self.line is None else f":{self.line}"
        column = "" if self.column is None else f", column {self.column!r}"
        return f"{self.file}{line}{column}"

    def __str__(self) -> str:
        """Return the problem on one line; control characters in what was found are escaped."""
        shown = repr(self.found)
        if len(shown) > SHOWN_MAX:
            shown = f"{shown[:SHOWN_MAX]}..."
        return f"{self.place}: found {shown}, needed {self.needed}"


class DataError(ValidationError):
    """A data file cannot be used as it is.

    Attributes:
        problems: All that was found, by file and line; at most `PROBLEMS_MAX`.
        file: Of the first problem, as are the next four.
        line: See `Problem.line`.
        column: See `Problem.column`.
        found: See `Problem.found`.
        needed: See `Problem.needed`.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda each: (each.file, each.line or 0)))
        first = self.problems[0]
        super().__init__(first.place, found=first.found, needed=first.needed)
        self.file, self.line, self.column = first.file, first.line, first.column
        self.args = ("\n".join(self._sentences()),)

    def _sentences(self) -> list[str]:
        sentences = [str(problem) for problem in self.problems]
        if len(sentences) >= PROBLEMS_MAX:
            sentences.append(f"(reading stopped after {PROBLEMS_MAX} problems)")
        return sentences


class Problems:
    """Gathers problems, and raises them together."""

    def __init__(self) -> None:
        self._all: list[Problem] = []

    def __len__(self) -> int:
        """Return how many were found so far."""
        return len(self._all)

    def add(self, problem: Problem) -> None:
        """Remember `problem`, once: two sources may read the same broken line.

        Raises:
            DataError: There are now `PROBLEMS_MAX`; reading on would tell nothing new.
        """
        if problem in self._all:
            return
        self._all.append(problem)
        if self.full:
            raise DataError(self._all)

    def extend(self, error: DataError) -> None:
        """Remember the problems of `error`.

        Raises:
            DataError: There are now `PROBLEMS_MAX`.
        """
        for problem in error.problems:
            self.add(problem)

    @property
    def full(self) -> bool:
        """Whether reading on would tell nothing new."""
        return len(self._all) >= PROBLEMS_MAX

    def settle(self) -> None:
        """Return if nothing was found.

        Raises:
            DataError: Something was; it lists everything.
        """
        if self._all:
            raise DataError(self._all)
