"""How a command ends: the exit codes, which are stable."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """The exit codes of `arena`.

    Attributes:
        meaning: One sentence; also the text of `docs/reference/cli.md`.
    """

    meaning: str

    OK = 0, "The command did what was asked."
    FAILED = 1, "The run failed, a daemon refused, or arena has a bug; the message says which."
    USAGE = 2, "The command line or the config cannot be used; nothing was done."
    INVARIANT = 3, "A verification found something, or money appeared or vanished."
    DATA = 4, "A file cannot be used: no run is there, or the market's data is unusable."
    LOCKED = 5, "Somebody else holds what the command needs, or no daemon takes it."
    GATE = 6, "A gate was not passed."
    TIMED_OUT = 7, "Something did not answer in time."
    STORAGE = 74, "The disk refused; what was reported as written before is safe."
    INTERRUPTED = 130, "A signal ended the command; what the journal holds stays valid."
    PIPE_CLOSED = 141, "Whoever read the output went away, as `head` does."

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a member of `code, meaning`."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member
