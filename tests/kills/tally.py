"""The tally: what a proof counted, and what it found wrong."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Tally:
    """The figures of one part.

    Attributes:
        part: Its name.
        size: Runs, rounds or seeds.
        kills: How often a process was killed, signalled or refused.
        acked: What was known to be on the disk at each kill.
        lost: How much of that was gone.
        duplicates: How much of it was there twice.
        problems: Whatever else was wrong, in words.
        notes: Further figures, by name.
    """

    part: str
    size: int = 0
    kills: int = 0
    acked: int = 0
    lost: int = 0
    duplicates: int = 0
    problems: list[str] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)

    def found(self, problem: str) -> None:
        """Take note of something wrong."""
        self.problems.append(problem)

    def note(self, name: str, figure: float) -> None:
        """Take note of a figure; of several, the largest."""
        self.notes[name] = round(max(figure, self.notes.get(name, figure)), 3)

    @property
    def good(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.lost or self.duplicates or self.problems)
