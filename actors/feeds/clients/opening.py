"""From a provider's name to its client.  Its libraries are imported here, when it is called."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from actors.feeds.clients.pace import Pace, Patience, Sleep
from actors.feeds.clients.port import SeriesClient
from actors.feeds.problems import DataError, Problem
from actors.runtime.clock import Clock, WallClock
from arena.exceptions import ValidationError

EXCHANGES = ("binance", "bybit", "kraken", "krakenfutures", "okx")
PROVIDERS = (*EXCHANGES, "coingecko", "defillama")

PATIENCE = Patience()


def open_client(
    provider: str,
    *,
    clock: Clock | None = None,
    sleep: Sleep = asyncio.sleep,
    patience: Patience = PATIENCE,
    environment: Mapping[str, str] = os.environ,
    base_url: str | None = None,
) -> SeriesClient:
    """Return the client of `provider`; close it, or use it as a context manager.

    Args:
        provider: One of `PROVIDERS`.
        clock: Where the time is read; the machine's by default.
        sleep: How to wait.
        patience: How often a request is repeated, and for how long.
        environment: Where a key may stand; none is needed.
        base_url: Scheme and host in place of the provider's own: a mirror, a server of a test.

    Raises:
        ValidationError: There is no such provider.
    """
    if provider not in PROVIDERS:
        raise ValidationError("provider", found=provider, needed=f"one of {', '.join(PROVIDERS)}")
    clock = clock or WallClock()
    try:
        if provider in EXCHANGES:
            from actors.feeds.clients.exchanges import Exchange  # noqa: PLC0415 - takes a second

            # Tokens are seconds here: ccxt says how many a request costs.
            return Exchange(
                Pace(
                    provider, rate_per_s=1.0, burst=1.0, clock=clock, sleep=sleep, patience=patience
                ),
                base_url=base_url,
            )
        from actors.feeds.clients.coingecko import CoinGecko, choose_plan  # noqa: PLC0415 - httpx
        from actors.feeds.clients.defillama import KEY, DefiLlama  # noqa: PLC0415 - httpx
    except ModuleNotFoundError as error:
        needed = "pip install 'treasury-arena[data]'"
        raise DataError([Problem(provider, None, None, str(error), needed)]) from error
    if provider == "defillama":
        return DefiLlama(
            Pace(provider, rate_per_s=4.0, burst=8.0, clock=clock, sleep=sleep, patience=patience),
            base_url=base_url,
            key=environment.get(KEY),
        )
    plan = choose_plan(environment)
    return CoinGecko(
        Pace(
            provider,
            rate_per_s=plan.rate_per_s,
            burst=2.0,
            clock=clock,
            sleep=sleep,
            patience=patience,
        ),
        base_url=base_url or plan.base_url,
        headers=plan.headers,
    )
