"""A group: actors of one kind, supervised one for one.

The rule: whoever ends unasked is struck off and reported, and the others go on.  The group restarts
nobody: who owns it knows when, and with what.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from actors.runtime.actor import Actor
from actors.runtime.dead_letters import DeadLetters
from actors.runtime.deadlines import Deadlines
from actors.runtime.exceptions import ActorStopped
from actors.runtime.mailbox import Mailbox
from actors.runtime.ref import Ref
from actors.runtime.table import ActorRow, row_of
from actors.runtime.tasks import Exit, spawn, wait_ended

M = TypeVar("M")
R = TypeVar("R")


class Group(Generic[M, R]):
    """Actors by name, in the order in which they joined."""

    def __init__(
        self,
        deadlines: Deadlines,
        *,
        dead_letters: DeadLetters,
        on_exit: Callable[[Exit], None],
    ) -> None:
        """Start empty.

        Args:
            deadlines: What keeps the deadlines of asks on this loop.
            dead_letters: Where the messages go that a member does not handle.
            on_exit: Called, on the loop, when an actor ends that nobody stopped.
        """
        self._deadlines = deadlines
        self._dead_letters = dead_letters
        self._stopped = False
        self._on_exit = on_exit
        self._actors: dict[str, Actor[M, R]] = {}
        self._refs: dict[str, Ref[M, R]] = {}
        self._tasks: dict[Actor[M, R], asyncio.Task[Exit]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._actors

    def __len__(self) -> int:
        return len(self._actors)

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in the order in which they joined."""
        return tuple(self._actors)

    def table(self) -> list[ActorRow]:
        """Return a row for each member, in the order in which they joined."""
        return [row_of(actor) for actor in self._actors.values()]

    def mailboxes(self) -> Iterator[Mailbox[Any]]:
        """Yield each member's mailbox."""
        for actor in self._actors.values():
            yield actor.mailbox

    def add(self, actor: Actor[M, R]) -> None:
        """Start `actor` as a member.

        Raises:
            ValueError: A member has that name.
            ActorStopped: The group has been stopped.
        """
        if self._stopped:
            raise ActorStopped(actor.name)
        if actor.name in self._actors:
            raise ValueError(f"the group already has a member named {actor.name!r}")
        actor.dead_letters = self._dead_letters
        self._actors[actor.name] = actor
        self._deadlines.add(actor)
        self._refs[actor.name] = Ref(actor.mailbox, self._deadlines)

        def ended(exited: Exit) -> None:
            actor.abandon(exited.error)
            self._deadlines.discard(actor)
            del self._tasks[actor]
            if self._actors.get(actor.name) is actor:
                self._strike(actor.name)
                self._on_exit(exited)

        self._tasks[actor] = spawn(actor.name, actor.run, on_exit=ended)

    def tell(self, message: M, *, to: str | None = None) -> None:
        """Leave `message` with every member, or with one.

        Raises:
            KeyError: `to` is no member.
            MailboxFull: A lane is at its bound.
        """
        for ref in self._refs.values() if to is None else (self._refs[to],):
            ref.tell(message)

    def stop(self, name: str) -> None:
        """Let a member finish what waits and end; it is no member from now on.

        Raises:
            KeyError: There is no such member.
        """
        self._actors[name].stop()
        self._strike(name)

    async def stop_all(self, *, within_s: float) -> None:
        """Stop everyone; cancel who has not ended after `within_s` seconds, and wait for them."""
        self._stopped = True
        for name in self.names:
            self.stop(name)
        for task in tuple(self._tasks.values()):
            if not await wait_ended(task, within_s):
                task.cancel()
                await wait_ended(task)

    def _strike(self, name: str) -> None:
        del self._actors[name], self._refs[name]
