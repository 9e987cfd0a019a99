"""The system: the actors of one run, from first to last.

The rule: who starts first stops last.  Leaving the system stops its actors and groups in reverse
order, each after it has handled what waits.  An actor that does not end in time is
cancelled, unless it is the first: what it has in hand must come to its end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import structlog

from actors.runtime.actor import Actor
from actors.runtime.dead_letters import DeadLetters
from actors.runtime.deadlines import Deadlines
from actors.runtime.group import Group
from actors.runtime.mailbox import Mailbox
from actors.runtime.ref import Ref
from actors.runtime.table import ActorRow, row_of
from actors.runtime.tasks import Exit, ExitReason, spawn, wait_ended

M = TypeVar("M")
R = TypeVar("R")

_Resident: TypeAlias = tuple[Actor[Any, Any], asyncio.Task[Exit]]

STOP_WITHIN_S = 10.0
"""How long an actor may take to handle what waits when the system stops."""

HURRIED_S = 0.1
"""The same, once somebody has lost patience."""

log = structlog.wrap_logger(logging.getLogger(__name__))


class ActorSystem:
    """Starts actors, and leaves no task behind.

    An actor that ends by itself is not restarted: whoever waits for it is told, and what its state
    is worth is not known.

    Attributes:
        dead_letters: The messages that its actors did not handle.
    """

    def __init__(self) -> None:
        self.dead_letters = DeadLetters()
        self._deadlines: Deadlines | None = None
        self._residents: list[_Resident | Group[Any, Any]] = []

    async def __aenter__(self) -> Self:
        """Begin on the running loop."""
        self._deadlines = Deadlines()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop everyone, in reverse order.

        Being cancelled meanwhile costs the actors their time, not their end: the system still
        leaves no task behind, and is cancelled after that.
        """
        interrupted: asyncio.CancelledError | None = None
        within_s = STOP_WITHIN_S
        while self._residents:
            try:
                await self._stop_youngest(within_s)
            except asyncio.CancelledError as cancelled:
                interrupted, within_s = cancelled, HURRIED_S
        if interrupted is not None:
            raise interrupted

    async def _stop_youngest(self, within_s: float) -> None:
        """Stop the actor or group that came last."""
        youngest = self._residents[-1]
        if isinstance(youngest, Group):
            await youngest.stop_all(within_s=within_s)
        else:
            actor, task = youngest
            actor.stop()
            if not await wait_ended(task, None if len(self._residents) == 1 else within_s):
                log.warning("actor_cancelled", actor=actor.name, after_s=within_s)
                task.cancel()
                await wait_ended(task)
        self._residents.pop()

    def start(self, actor: Actor[M, R]) -> Ref[M, R]:
        """Run `actor` in a task of its own and return its address.

        Raises:
            ValueError: An actor of that name was started before.
        """
        residents = (one for one in self._residents if not isinstance(one, Group))
        if any(actor.name == other.name for other, _ in residents):
            raise ValueError(f"an actor named {actor.name!r} was started already")

        def ended(exited: Exit) -> None:
            actor.abandon(exited.error)
            self._served.discard(actor)
            if exited.reason is not ExitReason.RETURNED:
                log.error(
                    "actor_ended",
                    actor=exited.name,
                    reason=str(exited.reason),
                    error=repr(exited.error),
                )

        actor.dead_letters = self.dead_letters
        self._served.add(actor)
        self._residents.append((actor, spawn(actor.name, actor.run, on_exit=ended)))
        return Ref(actor.mailbox, self._served)

    def table(self) -> list[ActorRow]:
        """Return a row for each actor, groups included, in the order in which they were started."""
        rows: list[ActorRow] = []
        for one in self._residents:
            if isinstance(one, Group):
                rows += one.table()
            else:
                actor, task = one
                rows.append(row_of(actor, ended=task.done()))
        return rows

    def mailboxes(self) -> Iterator[Mailbox[Any]]:
        """Yield the mailbox of each actor, groups included."""
        for one in self._residents:
            if isinstance(one, Group):
                yield from one.mailboxes()
            else:
                yield one[0].mailbox

    def group(self, *, on_exit: Callable[[Exit], None]) -> Group[Any, Any]:
        """Return an empty group; see `Group`."""
        group: Group[Any, Any] = Group(
            self._served, dead_letters=self.dead_letters, on_exit=on_exit
        )
        self._residents.append(group)
        return group

    @property
    def _served(self) -> Deadlines:
        if self._deadlines is None:
            raise RuntimeError("the system has not begun: use `async with ActorSystem() as system`")
        return self._deadlines
