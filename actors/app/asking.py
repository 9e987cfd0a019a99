"""Asking an actor from outside: the answer and what is in it, or what really went wrong."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from actors.journal.port import StorageError
from actors.messages.allocator import ASK_TIMEOUT_S, Answer
from actors.runtime import ActorError, ActorFailed, Outcome, Ref
from actors.runtime import outcome_of as of_ask
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


def outcome_of(ended: Answer | BaseException) -> Outcome:
    """Return what became of a command whose ask ended so: with an answer, or by raising.

    What is unknown is resolved by sending the same command again, under the same id.
    """
    if isinstance(ended, Answer):
        return Outcome.ACCEPTED if ended.refusal is None else Outcome.REFUSED
    if isinstance(ended, StorageError):
        return Outcome.NOT_EXECUTED if ended.definite else Outcome.UNKNOWN
    if isinstance(ended, (ActorError, asyncio.CancelledError)):
        return of_ask(ended)
    if isinstance(ended.__cause__, ActorFailed):
        return Outcome.UNKNOWN
    return Outcome.NOT_EXECUTED  # It could not be decided: one that breaks leaves no trace.


def first_of(answer: Answer, kind: type[E]) -> E:
    """Return the first event of one kind that a command caused; there is one."""
    return next(event for event in answer.events if isinstance(event, kind))
