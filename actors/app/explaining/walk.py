"""A stored run, command by command: the state before each one, and the events that it caused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from actors.app.explaining.words import say
from actors.app.folding import apply_at
from actors.app.latest import newest_state
from actors.journal.chain import Entry
from actors.journal.pages import moments_of
from actors.journal.reader import JournalReader
from arena.events import (
    AgentDemoted,
    AgentFailed,
    AgentGraduated,
    AgentKilled,
    AgentQuarantined,
    CapitalAllocated,
    CapitalReturned,
    Event,
    EvolutionCycleComplete,
    OperatorActed,
    PositionsReduced,
    TickSettled,
)
from arena.experiment import read_experiment
from arena.ids import AgentId
from arena.policies import POLICIES, Policies
from arena.treasury import Treasury, apply

T = TypeVar("T", bound=Event)

_BEFORE_DEMOTION = (AgentFailed, AgentQuarantined, AgentKilled)
_BEFORE_DIVISION = (*_BEFORE_DEMOTION, AgentDemoted, AgentGraduated)
_KILLING = frozenset({"quarantine", "death"})
_LADDER = _KILLING | {"demotion", "graduation", "seat"}


@dataclass(slots=True)
class Caused:
    """One command's events, and the treasury that it was decided on.

    Attributes:
        before: The treasury before its first event; not to be changed.
        events: (entry, event), in order.
    """

    before: Treasury
    events: list[tuple[Entry, Event]] = field(default_factory=list)

    @property
    def cycle(self) -> EvolutionCycleComplete | None:
        """The end of the cycle that this command ran; None where it was something else."""
        event = self.events[-1][1]
        return event if isinstance(event, EvolutionCycleComplete) else None

    @property
    def first(self) -> int:
        """The number of its first event."""
        return self.events[0][0].seq

    @property
    def settles(self) -> bool:
        """Whether the command settled a tick."""
        return next(self.of(TickSettled), None) is not None

    def of(self, kind: type[T], agent_id: str | None = None) -> Iterator[tuple[int, T]]:
        """Yield (seq, event) of one kind, about one agent."""
        for entry, event in self.events:
            if isinstance(event, kind) and agent_id in {None, entry.agent_id}:
                yield entry.seq, event

    def words(self) -> tuple[str, ...]:
        """Return who had it done, and why, where that is on record."""
        return tuple(say(event) for _, event in self.of(OperatorActed))

    def until(self, seq: int) -> Treasury:
        """Return the treasury as it was right before the event `seq`."""
        treasury = self.before.copy()
        for entry, event in self.events:
            if entry.seq >= seq:
                break
            apply(treasury, event)
        return treasury

    def before_demotion(self) -> Treasury:
        """Return the treasury after a cycle's deaths."""
        return self.until(
            self._first(lambda event: not _belongs(event, _BEFORE_DEMOTION, _KILLING))
        )

    def before_division(self) -> Treasury:
        """Return the treasury after a cycle's graduations, as its capital was divided."""
        return self.until(self._first(lambda event: not _belongs(event, _BEFORE_DIVISION, _LADDER)))

    def _first(self, wanted: Callable[[Event], bool]) -> int:
        return next(entry.seq for entry, event in self.events if wanted(event))


def _belongs(event: Event, kinds: tuple[type[Event], ...], reasons: frozenset[str]) -> bool:
    if isinstance(event, CapitalAllocated | CapitalReturned | PositionsReduced):
        return event.reason in reasons
    return isinstance(event, kinds)


def walk(
    run: JournalReader, policies: Policies = POLICIES, *, about: AgentId | None = None
) -> Iterator[Caused]:
    """Yield the commands of `run` in their order.

    Args:
        run: What is on record.
        policies: Those that there are, for what divisions of capital were made of.
        about: Only those of an agent's life, and a few before it; None for all.

    Raises:
        EventSourcingError: An event cannot be read, or does not fit the ones before it.
    """
    first, last = (1, None) if about is None else _life(run, about)
    experiment = read_experiment(run.manifest(), policies=policies)
    treasury, head = newest_state(run, experiment, first - 1)
    caused: Caused | None = None
    for entry, event in run.events(head.seq):
        if caused is None or entry.command_id != caused.events[-1][0].command_id:
            if caused is not None:
                yield caused
                if last is not None and caused.events[-1][0].seq >= last:
                    return
            caused = Caused(treasury.copy())
        apply_at(treasury, entry.seq, event)
        caused.events.append((entry, event))
    if caused is not None:
        yield caused


def _life(run: JournalReader, agent_id: AgentId) -> tuple[int, int | None]:
    """Return the first and the last entry about an agent; no last one as long as it lives."""
    moments = moments_of(run, agent_id)
    if not moments:
        return 1, 0
    dead = any(kind == AgentKilled.__name__ for _, kind in moments)
    return moments[0][0], moments[-1][0] if dead else None
