"""Following a market: settle what there is at a pace, and look for more where it may come.

Every bar is settled as a backtest settles it; only when that happens, and where the bar comes from,
is another matter.  So the same bars give the same journal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from actors.app.asking import reveal
from actors.app.live.pace import Pace
from actors.app.live.source import LiveSource
from actors.messages.market import Extend, FeedMessage
from actors.runtime import Ref, WallClock
from arena.experiment import Experiment
from arena.market import Market
from arena.treasury import Treasury


class Hearing(Protocol):
    """The cast of a run, as far as it is needed here."""

    @property
    def ask_feed(self) -> Ref[FeedMessage, int | None]:
        """Where time is asked for."""


class Followed(Protocol):
    """An arena, as far as it is needed here."""

    experiment: Experiment

    @property
    def cast(self) -> Hearing:
        """The actors."""

    @property
    def treasury(self) -> Treasury:
        """The treasury as of the last batch that is on record."""

    async def backtest(self, ticks: int, *, on_tick: Callable[[int], None] | None) -> int:
        """Settle bars, and return the tick that was reached."""


async def extend(feed: Ref[FeedMessage, int | None], market: Market) -> None:
    """Tell the feed of a run that its market has grown; between two ticks.

    Raises:
        ValidationError: It is not the same market with more bars.
    """
    await reveal(feed, Extend(market))


async def follow(
    arena: Followed,
    last: int | None,
    *,
    pace: Pace | None = None,
    source: LiveSource | None = None,
    on_tick: Callable[[int], None] | None = None,
) -> int:
    """Settle bar after bar until the last one, or until there is none and none can come.

    Returns:
        The tick that was reached.

    Args:
        arena: Is open.
        last: The tick to end with; None for the end of the market, if it has one.
        pace: Says when the next bar is due; at once by default.
        source: Where new bars come from; None where all are known.
        on_tick: Called after each tick with its number.
    """
    pace = pace or Pace(WallClock())
    while arena.treasury.tick != last and not arena.experiment.market.ends_at(arena.treasury.tick):
        await pace.wait()
        before = arena.treasury.tick
        if await arena.backtest(1, on_tick=on_tick) > before:
            pace.mark()
            continue
        if source is None:
            break
        pace.skip()
        market = await source.poll()
        if market is None:
            await pace.clock.sleep(source.poll_s)
        else:
            await extend(arena.cast.ask_feed, market)
    return arena.treasury.tick
