"""How fast we ask, and how often again: a token bucket for each host, and retries that back off.

What passes is asked again: 429, 5xx, timeouts, lost connections, answers cut short.  What was
refused is not.  Time is injected: a test neither sleeps nor waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_exponential_jitter,
)

from actors.feeds.clients.answers import answered_at
from actors.feeds.clients.errors import ProviderError, TransientError
from actors.runtime.clock import Clock

CLOCKS_AGREE_S = 5.0
"""Two clocks that differ by less agree: a `Date` has whole seconds, and an answer travels."""

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a provider is waited for.

    Attributes:
        attempts: Of one request, in all.
        first_s: Pause after the first attempt; it doubles from then on.
        pause_max_s: The longest pause that we choose.
        jitter_s: Up to so much is added to a pause by chance, so that clients spread.
        request_s: Deadline of one attempt, from connecting to the last byte.
        total_s: No attempt begins later than this after the first; a longer `Retry-After` ends
            the request at once.
    """

    attempts: int = 6
    first_s: float = 1.0
    pause_max_s: float = 60.0
    jitter_s: float = 1.0
    request_s: float = 30.0
    total_s: float = 300.0


class Bucket:
    """Tokens that come at a steady rate; who takes more than there are waits for them.

    A taker's tokens are gone before it waits, so takers that come together wait one after
    another; that needs no lock.
    """

    def __init__(self, rate_per_s: float, burst: float, clock: Clock, sleep: Sleep) -> None:
        """Start full.

        Args:
            rate_per_s: Tokens that come in a second.
            burst: Tokens that it holds.
            clock: Where the time is read.
            sleep: How to wait.
        """
        self._rate, self._burst = rate_per_s, burst
        self._clock, self._sleep = clock, sleep
        self._tokens, self._at = burst, clock.monotonic_s()

    async def take(self, cost: float = 1.0) -> None:
        """Wait until `cost` tokens are there, and take them."""
        now = self._clock.monotonic_s()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - cost
        self._at = now
        if self._tokens < 0:
            await self._sleep(-self._tokens / self._rate)


class Pace:
    """The manners of one client: its buckets, its patience, its time."""

    def __init__(
        self,
        provider: str,
        *,
        rate_per_s: float,
        burst: float,
        clock: Clock,
        sleep: Sleep,
        patience: Patience,
    ) -> None:
        """Ask nobody yet.

        Args:
            provider: Who is asked, for messages.
            rate_per_s: Requests to one host in a second, on average.
            burst: Requests to one host at once.
            clock: Where the time is read.
            sleep: How to wait.
            patience: How often, and for how long.
        """
        self.provider = provider
        self.patience = patience
        self.clock = clock
        self.sleep = sleep
        self._new_bucket = partial(Bucket, rate_per_s, burst, clock, sleep)
        self._buckets: dict[str, Bucket] = {}
        self._ahead_s = 0.0

    @property
    def now_ms(self) -> int:
        """Milliseconds since 1970: ours, or the provider's where its clock is behind ours.

        A clock that runs ahead would take a bar for finished that is not.
        """
        return int((self.clock.stamp().timestamp() - self._ahead_s) * 1000)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Compare clocks: `headers` are those of an answer that was just received."""
        theirs = answered_at(headers)
        if theirs is not None:
            ahead_s = (self.clock.stamp() - theirs).total_seconds()
            self._ahead_s = ahead_s if ahead_s > CLOCKS_AGREE_S else 0.0

    async def take(self, host: str, cost: float = 1.0) -> None:
        """Wait until `host` may be asked."""
        if host not in self._buckets:
            self._buckets[host] = self._new_bucket()
        await self._buckets[host].take(cost)

    async def persist(self, place: str, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call` returns, called again while it raises `TransientError`.

        Args:
            place: What is asked, for the message; it holds no secret.
            call: One attempt.

        Raises:
            ProviderError: It did not pass in time.
        """
        started = self.clock.monotonic_s()

        async def attempt() -> T:  # tenacity awaits what is declared async, and nothing else.
            return await call()

        def is_enough(state: RetryCallState) -> bool:
            waited = self.clock.monotonic_s() - started
            too_late = waited + state.upcoming_sleep > self.patience.total_s
            return too_late or state.attempt_number >= self.patience.attempts

        retrying = AsyncRetrying(
            sleep=self.sleep,
            wait=self._pause,
            retry=retry_if_exception_type(TransientError),
            stop=is_enough,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except TransientError as error:
            attempts = retrying.statistics["attempt_number"]
            wait = "later" if error.retry_after_s is None else f"in {error.retry_after_s:.0f} s"
            raise ProviderError(
                self.provider,
                place,
                found=f"{error.found} (attempt {attempts})",
                needed=f"an answer within {self.patience.total_s:.0f} s; try again {wait}",
                status=error.status,
            ) from error

    def _pause(self, state: RetryCallState) -> float:
        """Return the seconds until the next attempt: ours, or more where more was asked for."""
        patience = self.patience
        ours = wait_exponential_jitter(
            initial=patience.first_s, max=patience.pause_max_s, jitter=patience.jitter_s
        )(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, TransientError) else None
        return max(ours, asked or 0.0)
