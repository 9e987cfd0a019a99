"""What goes wrong between us and a provider: what passes, and what does not."""

from __future__ import annotations

from actors.feeds.problems import DataError, Problem


class ProviderError(DataError):
    """A provider did not give what was asked for, and asking again now would not help.

    Attributes:
        provider: Who was asked.
        status: Of the HTTP answer; None where there was none, or where it said 200.
    """

    def __init__(
        self, provider: str, place: str, *, found: str, needed: str, status: int | None = None
    ) -> None:
        super().__init__([Problem(f"{provider}: {place}", None, None, found, needed)])
        self.provider = provider
        self.status = status


class TransientError(Exception):
    """Something that may be gone by the next attempt; it never leaves the clients.

    Attributes:
        found: What happened.
        status: Of the HTTP answer, where there was one.
        retry_after_s: How long the provider asked to be left alone; None where it did not say.
    """

    def __init__(
        self, found: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(found)
        self.found = found
        self.status = status
        self.retry_after_s = retry_after_s
