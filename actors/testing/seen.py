"""What a test can see of an arena: its day, its agents, and what is on record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar, overload

from actors.journal.chain import Entry
from actors.journal.codec import decode
from actors.simulator import SimDisk
from actors.testing.telling import tell
from arena.agents import Agent
from arena.events import EVENT_TYPES, Event
from arena.ids import AgentId
from arena.treasury import Treasury

E = TypeVar("E", bound=Event)


class Seen(ABC):
    """The part of the harness that changes nothing.

    Attributes:
        disk: Where the record is.
    """

    disk: SimDisk

    @property
    @abstractmethod
    def treasury(self) -> Treasury:
        """The treasury as of what is on record; read it, do not change it."""

    @property
    def day(self) -> int:
        """The last day that was settled; 0 before the first."""
        return self.treasury.tick

    @property
    def entries(self) -> list[Entry]:
        """What is on record."""
        return self.disk.rows.entries

    @overload
    def events(self, kind: type[E]) -> list[E]: ...

    @overload
    def events(self, kind: str | None = None) -> list[Event]: ...

    def events(self, kind: type[Any] | str | None = None) -> Sequence[Event]:
        """Return the events on record, oldest first.

        Args:
            kind: A class of `arena.events`, or its name; None is all of them.

        Raises:
            KeyError: There is no such event.
        """
        name = kind if isinstance(kind, str) or kind is None else kind.__name__
        if name is not None and name not in EVENT_TYPES:
            raise KeyError(f"no event is called {name!r}; there are {', '.join(EVENT_TYPES)}")
        return [
            decode(one.event_type, one.type_version, one.data, seq=one.seq)
            for one in self.entries
            if name in {None, one.event_type}
        ]

    def story(self, agent_id: str | None = None) -> str:
        """Return what happened, day by day, in words; of one agent if it is named."""
        return tell(self.events(), agent_id=agent_id)

    def agent(self, agent_id: str) -> Agent:
        """Return an agent, dead or alive, by its name or by that of a strategy only it has.

        Raises:
            KeyError: There is no such agent, or several have the strategy.
        """
        found = self.treasury.find(AgentId(agent_id))
        if found is not None:
            return found
        everyone = [*self.treasury.agents.values(), *self.treasury.dead.values()]
        named = [one for one in everyone if one.genome.strategy == agent_id]
        if len(named) != 1:
            names = ", ".join(f"{one.agent_id} ({one.genome.strategy})" for one in everyone)
            raise KeyError(f"{len(named)} agents are called {agent_id!r}; there are {names}")
        return named[0]
