"""Asking an actor from outside: the answer and what is in it, or what really went wrong."""

from __future__ import annotations

from typing import TypeVar

from actors.messages.allocator import ASK_TIMEOUT_S, Answer
from actors.runtime import ActorFailed, Ref
from arena.events import Event

E = TypeVar("E", bound=Event)
M = TypeVar("M")
R = TypeVar("R")


async def reveal(ref: Ref[M, R], message: M, *, lane: str | None = None) -> R:
    """Ask, and raise what really went wrong where actors failed one after the other.

    Raises:
        ActorFailed: An actor was cancelled, or exited: that is not raised here as if this task had
            been told to, and its outcome is unknown like that of any actor that failed.
    """
    try:
        return await ref.ask(message, timeout_s=ASK_TIMEOUT_S, lane=lane)
    except ActorFailed as failed:
        error: BaseException | None = failed
        while isinstance(error, ActorFailed):
            error = error.error
        raise error if isinstance(error, Exception) else failed from failed


def first_of(answer: Answer, kind: type[E]) -> E:
    """Return the first event of one kind that a command caused; there is one."""
    return next(event for event in answer.events if isinstance(event, kind))
