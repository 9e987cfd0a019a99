"""What is wrong with a config, said so that it can be mended: place, key, found, needed.

Reading does not stop at the first problem: one `ConfigError` lists them all, a line each.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from arena.exceptions import ValidationError

PROBLEMS_SHOWN = 50
_SHOWN_MAX = 80


class Fault(Enum):
    """Stands for what was found where no value can."""

    MISSING = "missing, needed"
    UNKNOWN = "unknown key,"
    SYNTAX = "not TOML:"


class Said(str):
    """A description of what was found, shown without quotes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        key: The dotted path of the key; empty where the file as a whole is at fault.
        found: What stood there: a value, a description of it, or a fault.
        needed: What would have been accepted.
        place: The file, or the `--set` from which the value came.
    """

    key: str
    found: object
    needed: str
    place: str = ""

    def __str__(self) -> str:
        """Return the problem on one line."""
        where = ": ".join(part for part in (self.place, self.key) if part)
        if isinstance(self.found, Fault):
            return f"{where}: {self.found.value} {self.needed}"
        return f"{where}: found {show(self.found)}, needed {self.needed}"


class ConfigError(ValidationError):
    """A config cannot be used as it is.

    Attributes:
        problems: All that was found, in the order of the file's tables.
        field: Key of the first problem, as are the next two.
        found: See `Problem.found`.
        needed: See `Problem.needed`.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(first.key, found=None, needed=first.needed)
        self.found = first.found
        self.args = ("\n".join(self._sentences()),)

    def _sentences(self) -> list[str]:
        sentences = [str(problem) for problem in self.problems[:PROBLEMS_SHOWN]]
        if len(self.problems) > PROBLEMS_SHOWN:
            sentences.append(f"(and {len(self.problems) - PROBLEMS_SHOWN} more)")
        return sentences


def show(value: object) -> str:
    """Return `value` as a message quotes it: short, on one line, control characters escaped."""
    try:
        text = escape(value if isinstance(value, Said) else _write(value))
    except ValueError:  # Python writes no whole number of more than 4,300 digits.
        return "a whole number of thousands of digits"
    except RecursionError:
        return "tables inside tables without end"
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."


def _write(value: object) -> str:
    """Return a value as a config writes it, where that differs from Python."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value}" if isinstance(value, date) else repr(value)


def escape(text: str) -> str:
    """Return `text` in which nothing can move the cursor or reverse the writing."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'total'?`, or the words that are known where none is near."""
    words = [*known]
    near = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(words) or 'none'}"


def join(path: Iterable[str | int]) -> str:
    """Return a path as people write it: `rules.kill[0].op`; odd keys stand in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + _key(part)
    return text


def _key(part: str) -> str:
    bare = part.isascii() and part.replace("-", "").replace("_", "").isalnum()
    return part if bare else show(part)
