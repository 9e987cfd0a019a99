"""What can go wrong between actors, sorted by what the sender then knows about its message.

`MailboxFull` and `ActorStopped`: it was not handled and never will be, which is `definite`.
`ActorFailed`: it was in hand, so its outcome is unknown.  `AskTimeout` may be either.
"""

from __future__ import annotations


class ActorError(Exception):
    """The root of the family: catch this to catch them all.

    Attributes:
        definite: Whether the message was not handled and never will be.
    """

    definite = False


class MailboxFull(ActorError):  # noqa: N818 - named after the state it reports, as `queue.Full` is
    """The lane was at its bound, and the message was not accepted.

    Attributes:
        name: Whose mailbox it is.
        lane: The lane that was full.
        waiting: How many messages waited in it.
        capacity: How many it may hold.
    """

    definite = True

    def __init__(self, name: str, lane: str, *, waiting: int, capacity: int) -> None:
        super().__init__(
            f"{name!r} has {waiting} messages waiting in lane {lane!r}, which holds {capacity}, "
            "and accepts no more"
        )
        self.name = name
        self.lane = lane
        self.waiting = waiting
        self.capacity = capacity


class ActorStopped(ActorError):  # noqa: N818 - named after the state it reports
    """The actor has stopped, or is stopping, and the message was not handled.

    Attributes:
        name: Which actor.
    """

    definite = True

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} has stopped and did not handle this message")
        self.name = name


class ActorFailed(ActorError):  # noqa: N818 - named after the state it reports
    """The actor ended with the message in hand: nobody knows how far it came.

    Attributes:
        name: Which actor.
        error: What it ended of, which is also the `__cause__`; None where it simply ended.
    """

    def __init__(self, name: str, error: BaseException | None) -> None:
        super().__init__(f"{name!r} ended with this message in hand: {error!r}")
        self.name = name
        self.error = error
        self.__cause__ = error


class AskTimeout(ActorError):  # noqa: N818 - named after the state it reports
    """The deadline of an ask passed before its answer came.

    Attributes:
        name: Who was asked.
        taken: False where the message still waited: it will never be handled.  True where the
            actor had begun with it: its outcome is unknown.
    """

    def __init__(self, name: str, *, taken: bool) -> None:
        outcome = "had begun: the outcome is unknown" if taken else "will not handle this message"
        super().__init__(f"{name!r} did not answer before the deadline, and {outcome}")
        self.name = name
        self.taken = taken
        self.definite = not taken
