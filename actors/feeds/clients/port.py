"""The port: what every client of a provider is, whatever the provider's own habits are."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from actors.feeds.store import Frame, SeriesKey, SeriesKind, Span
from arena.exceptions import ValidationError

SETTLE_MS = 60_000
"""A bar counts as finished this long after its close: late trades, late settlements."""


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """A wish for rows of one series.

    Attributes:
        key: The series, under the name that the provider gives it.
        start_ms: Milliseconds since 1970; rounded down to the open of a bar.
        end_ms: Exclusive; rounded down likewise.
    """

    key: SeriesKey
    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        """Round to whole bars.

        Raises:
            ValidationError: No bar is left.
        """
        step = self.key.step_ms
        object.__setattr__(self, "start_ms", self.start_ms // step * step)
        object.__setattr__(self, "end_ms", self.end_ms // step * step)
        if not 0 <= self.start_ms < self.end_ms:
            raise ValidationError(
                "request", found=f"{self.start_ms} to {self.end_ms}", needed="at least one bar"
            )

    def finished(self, now_ms: int) -> Span:
        """Return the part of the wish whose bars are finished; it may be empty.

        A settlement is finished at its instant, a bar at its close.

        Args:
            now_ms: When the provider was asked: what closed since then was open in its answer.
        """
        step = self.key.step_ms
        last = (now_ms - SETTLE_MS) // step * step
        if self.key.kind is SeriesKind.FUNDING:
            last += step
        return Span(self.start_ms, max(self.start_ms, min(self.end_ms, last)))


class SeriesClient(Protocol):
    """A provider of series."""

    @property
    def source(self) -> str:
        """The name of the provider, as in `SeriesKey.source`."""

    async def fetch(self, request: SeriesRequest) -> Frame:
        """Return the finished bars of `request`, and the spans that they answer for.

        There are no rows where the series has none in that time, and the spans are fewer than
        what was asked where the provider does not reach back so far.

        Raises:
            ProviderError: The provider refused, broke, or was not there for too long.
            ValidationError: The provider has no such kind of series or timeframe.
        """

    async def aclose(self) -> None:
        """Give back the connections."""

    async def __aenter__(self) -> Self:
        """Return the client."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""


class Closing:
    """The two methods that make a client with `aclose` a context manager."""

    async def aclose(self) -> None:
        """Give back the connections."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.aclose()
