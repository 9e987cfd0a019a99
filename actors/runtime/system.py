"""The system: the actors of one run, from first to last.

The rule: who starts first stops last.  Leaving the system stops its groups, then its actors in
reverse order, each after it has handled what waits.  An actor that does not end in time is
cancelled, unless it is the first: what it has in hand must come to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from actors.runtime.actor import Actor
from actors.runtime.deadlines import Deadlines
from actors.runtime.group import Group
from actors.runtime.ref import Ref
from actors.runtime.tasks import Exit, ExitReason, spawn, wait_ended

M = TypeVar("M")
R = TypeVar("R")

STOP_WITHIN_S = 10.0
"""How long an actor may take to handle what waits when the system stops."""

log = structlog.get_logger()


class ActorSystem:
    """Starts actors, and leaves no task behind.

    An actor that ends by itself is not restarted: whoever waits for it is told, and what its state
    is worth is not known.
    """

    def __init__(self) -> None:
        self._deadlines: Deadlines | None = None
        self._groups: list[Group[Any, Any]] = []
        self._running: list[tuple[Actor[Any, Any], asyncio.Task[Exit]]] = []

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
        """Stop everyone, in reverse order."""
        for group in reversed(self._groups):
            await group.stop_all(within_s=STOP_WITHIN_S)
        first = self._running[0][0] if self._running else None
        for actor, task in reversed(self._running):
            actor.stop()
            if not await wait_ended(task, None if actor is first else STOP_WITHIN_S):
                log.warning("actor_cancelled", actor=actor.name, after_s=STOP_WITHIN_S)
                task.cancel()
                await wait_ended(task)

    def start(self, actor: Actor[M, R]) -> Ref[M, R]:
        """Run `actor` in a task of its own and return its address."""

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

        self._served.add(actor)
        self._running.append((actor, spawn(actor.name, actor.run, on_exit=ended)))
        return Ref(actor.mailbox, self._served)

    def group(self, *, on_exit: Callable[[Exit], None]) -> Group[Any, Any]:
        """Return an empty group; see `Group`."""
        group: Group[Any, Any] = Group(self._served, on_exit=on_exit)
        self._groups.append(group)
        return group

    @property
    def _served(self) -> Deadlines:
        if self._deadlines is None:
            raise RuntimeError("the system has not begun: use `async with ActorSystem() as system`")
        return self._deadlines
