"""Asks: round trips through the runtime, beside the least that a queue and a future can cost.

    python -m benchmarks.asks [--askers 50 1000 10000] [--asks 30000] [--rounds 15] [--json]

N askers share the asks; each asks again when it is answered.  One actor answers one at a time from
its own state.  The bare design is an `asyncio.Queue` and a future for each ask: without a bound,
without a deadline, without a type.  Both are measured in this process in turn, in pairs; a ratio is
the median over the pairs, so what the machine does to both does not count.  Latencies are of rounds
of their own, in which the bare design's p50 and p99 are taken as well.  All of it is this process's
own time: what others take from the machine meanwhile is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from actors.runtime import Actor, ActorSystem

ASKERS = (50, 1_000, 10_000)
DEADLINE_S = 600.0

clock = time.process_time

Ask: TypeAlias = Callable[[int], Awaitable[int]]


class Till(Actor[int, int]):
    """Grants what is asked as long as there is some."""

    def __init__(self, askers: int) -> None:
        super().__init__("till", lanes={"control": 64, "agents": askers})
        self._pool = 10**15

    async def receive(self, message: int) -> int:
        """Grant `message`, or what is left."""
        granted = min(message, self._pool)
        self._pool -= granted
        return granted


async def drive(ask: Ask, askers: int, each: int, waits: list[float] | None) -> float:
    """Return the seconds that `askers` tasks with `each` asks take; note every wait in `waits`."""

    async def asker() -> None:
        for amount in range(each):
            await ask(amount)

    async def timed_asker(waits: list[float]) -> None:
        for amount in range(each):
            began = clock()
            await ask(amount)
            waits.append(clock() - began)

    began = clock()
    await asyncio.gather(*(asker() if waits is None else timed_asker(waits) for _ in range(askers)))
    return clock() - began


async def bare(askers: int, each: int, waits: list[float] | None) -> float:
    """Measure a queue and futures."""
    queue: asyncio.Queue[tuple[int, asyncio.Future[int]]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def serve() -> None:
        pool = 10**15
        while True:
            amount, reply = await queue.get()
            granted = min(amount, pool)
            pool -= granted
            reply.set_result(granted)

    def ask(amount: int) -> asyncio.Future[int]:
        reply: asyncio.Future[int] = loop.create_future()
        queue.put_nowait((amount, reply))
        return reply

    server = loop.create_task(serve())
    elapsed = await drive(ask, askers, each, waits)
    server.cancel()
    return elapsed


async def runtime(askers: int, each: int, waits: list[float] | None) -> float:
    """Measure the runtime: bounded, typed, with a deadline."""
    async with ActorSystem() as system:
        till = system.start(Till(askers))

        def ask(amount: int) -> asyncio.Future[int]:
            return till.ask(amount, DEADLINE_S)

        return await drive(ask, askers, each, waits)


def measure(askers: int, asks: int, rounds: int) -> dict[str, float]:
    """Return what `rounds` pairs and as many rounds of latencies say about so many askers."""
    each = max(asks // askers, 1)
    ratios, rates = [], []
    latencies: dict[str, list[tuple[float, float]]] = {"runtime": [], "bare": []}
    for turn in range(rounds):
        first, second = (bare, runtime) if turn % 2 else (runtime, bare)
        took = {one: asyncio.run(one(askers, each, None)) for one in (first, second)}
        ratios.append(took[bare] / took[runtime])
        rates.append(askers * each / took[runtime])
        for one in (first, second):
            waits: list[float] = []
            asyncio.run(one(askers, each, waits))
            latencies[one.__name__].append(_percentiles(waits))
    return {
        "askers": askers,
        "asks_per_s": round(statistics.median(rates)),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_low": round(min(ratios), 3),
        "ratio_high": round(max(ratios), 3),
        **{
            f"{name}_{which}": round(statistics.median(pair[place] for pair in pairs) * 1e3, 4)
            for name, pairs in latencies.items()
            for place, which in enumerate(("p50_ms", "p99_ms"))
        },
        "p99_to_p50": round(statistics.median(b / a for a, b in latencies["runtime"]), 2),
        "bare_p99_to_p50": round(statistics.median(b / a for a, b in latencies["bare"]), 2),
    }


def _percentiles(waits: list[float]) -> tuple[float, float]:
    waits.sort()
    return waits[len(waits) // 2], waits[len(waits) * 99 // 100]


def main() -> None:
    """Measure, and print a table or one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--asks", type=int, default=30_000)
    parser.add_argument("--askers", type=int, nargs="+", default=ASKERS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    gc.collect()
    gc.freeze()
    rows = [measure(askers, options.asks, options.rounds) for askers in options.askers]
    if options.json:
        print(json.dumps({"rounds": options.rounds, "asks": options.asks, "rows": rows}))
        return
    for row in rows:
        print("  ".join(f"{name} {value:,}" for name, value in row.items()))


if __name__ == "__main__":
    main()
