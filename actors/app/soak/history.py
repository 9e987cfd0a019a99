"""What was sent and what came back, as the senders saw it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from itertools import count
from typing import Any

from actors.journal.codec import encode
from actors.journal.port import StorageError
from actors.messages.allocator import AllocatorMessage, Answer, Clocked, CommandConflictError
from actors.runtime import ActorFailed, ActorStopped, AskTimeout, MailboxFull


class LostError(Exception):
    """The power went: whoever waited for an answer does not know what became of the command."""


class Delivery:
    """One message on its way, and what became of it.

    Attributes:
        command_id: Of the command.
        body: What was asked, as text.
        poison: Whether it is something that cannot be decided.
        outcome: `waiting` until it has ended; see `Evidence.deliveries` for the others.
        answer: What an `ok` one was answered with.
        error: What another one was answered with.
        reply: Where the answer arrives; None where the message was not accepted.
        late_s: How long after its deadline it ended.
        still_queued: Set by whoever cancels the sender: whether nobody had taken the message.
    """

    __slots__ = (
        "_due_s", "_history", "_row", "answer", "body", "command_id", "durable", "ended", "error",
        "late_s", "outcome", "poison", "reply", "sent", "still_queued",
    )  # fmt: skip

    def __init__(self, history: History, command_id: str, body: str, *, poison: bool) -> None:
        self._history = history
        self.command_id = command_id
        self.body = body
        self.poison = poison
        self.sent = next(history.moments)
        self.ended: int | None = None
        self.durable = 0
        self.outcome = "waiting"
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.reply: asyncio.Future[Any] | None = None
        self.still_queued = False
        self.late_s = 0.0
        self._due_s = math.inf
        self._row: dict[str, Any] | None = None

    def follow(self, reply: asyncio.Future[Any], *, timeout_s: float) -> None:
        """Take note of the answer when it comes."""
        self.reply = reply
        self._due_s = reply.get_loop().time() + timeout_s
        reply.add_done_callback(self.settle)

    def refuse(self, error: Exception) -> None:
        """Take note that the message was not accepted."""
        self._end(outcome_of(error), error)

    def settle(self, reply: asyncio.Future[Any], *, lost: bool = False) -> None:
        """Take note of how `reply` ended; the first note counts."""
        if self.ended is not None:
            return
        if reply.cancelled():
            self._end("not_executed" if self.still_queued else "unknown", None)
            return
        error = reply.exception()
        value = error if error is not None else reply.result()
        if lost and not isinstance(value, LostError):
            self._end("unknown", None)
        elif isinstance(value, Answer):
            self.answer = value
            self._end("ok", None)
        else:
            self._end(outcome_of(value), value)

    def row(self) -> dict[str, Any]:
        """Return it as the oracle reads it."""
        if self._row is not None:
            return self._row
        row: dict[str, Any] = {
            "id": self.command_id,
            "body": self.body,
            "sent": self.sent,
            "ended": self.ended,
            "outcome": self.outcome,
            "durable": self.durable,
        }
        if self.answer is not None:
            receipt = self.answer.receipt
            row |= {"seq": receipt.seq, "hash": receipt.hash}
            row["refusal"] = None if self.answer.refusal is None else str(self.answer.refusal)
            row["events"] = tuple(encode(event) for event in self.answer.events)
        if self.ended is not None:
            self._row = row
        return row

    def _end(self, outcome: str, error: BaseException | None) -> None:
        if self.reply is not None:
            self.late_s = max(self.reply.get_loop().time() - self._due_s, 0.0)
        self.outcome, self.error = outcome, error
        self.ended, self.durable = next(self._history.moments), self._history.durable()


class History:
    """All deliveries of a seed, and the one order of their moments.

    Attributes:
        deliveries: In the order of sending.
        moments: Numbers the moments at which something was sent or came back.
        durable: Says what the last durable entry is.
    """

    def __init__(self, durable: Callable[[], int]) -> None:
        self.deliveries: list[Delivery] = []
        self.moments = count(1)
        self.durable = durable

    def begin(self, command_id: str, message: AllocatorMessage, *, poison: bool) -> Delivery:
        """Take note that `message` is about to be sent."""
        body = message.command if isinstance(message, Clocked) else message
        delivery = Delivery(self, command_id, repr(body), poison=poison)
        self.deliveries.append(delivery)
        return delivery

    def since(self, number: int) -> list[Delivery]:
        """Return all deliveries but the first so many."""
        return self.deliveries[number:]


def outcome_of(error: object) -> str:
    """Return what a sender may conclude from what it was answered with."""
    match error:
        case CommandConflictError():
            return "conflict"
        case StorageError():
            return "not_executed" if error.definite else "unknown"
        case AskTimeout():
            return "unknown" if error.taken else "not_executed"
        case MailboxFull() | ActorStopped():
            return "not_executed"
        case ActorFailed() | LostError():
            return "unknown"
        case _:
            return "failed"
