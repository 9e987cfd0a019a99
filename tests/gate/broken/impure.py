"""Strategies that know more than they are handed, or leave something behind."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from arena.market import MarketView
from arena.strategies import HOLD, BookView, Decision, Memory, Strategy


class ReadsTheClock(Strategy):
    """Holds more in the evening than in the morning."""

    name = "reads-the-clock"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        hour = datetime.now(UTC).hour  # noqa: TID251  # that is what is wrong with it
        return {"BTC": 0.5} if hour >= 12 else {"BTC": 0.4}


_now = time.time  # noqa: TID251  # that is what is wrong with it


class ReadsTheClockByAnotherName(Strategy):
    """Has taken the clock along under another name, and makes nothing of it."""

    name = "reads-the-clock-by-another-name"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5} if _now() > 0 else {}


class UsesGlobalRandom(Strategy):
    """Throws the dice that everybody throws."""

    name = "uses-global-random"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": random.uniform(0.0, 0.9)}


class UsesNumpysRandom(Strategy):
    """Throws numpy's."""

    name = "uses-numpys-random"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": float(np.random.random()) * 0.9}


class DrawsFromNowhere(Strategy):
    """Makes a generator of its own, without a seed."""

    name = "draws-from-nowhere"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": float(np.random.default_rng().random()) * 0.9}


class DrawsAnId(Strategy):
    """Names its days."""

    name = "draws-an-id"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        memory["day"] = str(uuid.uuid4())  # noqa: TID251  # that is what is wrong with it
        return HOLD


class ReadsAFile(Strategy):
    """Reads what to do in a file."""

    name = "reads-a-file"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5} if Path(__file__).read_text(encoding="utf-8") else {}


class ReadsTheEnvironment(Strategy):
    """Asks the environment."""

    name = "reads-the-environment"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        return {"BTC": 0.5} if os.environ.get("HOME") else {}


class OpensASocket(Strategy):
    """Would like to call home."""

    name = "opens-a-socket"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        with socket.socket():
            return {"BTC": 0.5}


class StartsAThread(Strategy):
    """Thinks in another thread."""

    name = "starts-a-thread"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        thread = threading.Thread(target=len, args=("",))
        thread.start()
        thread.join()
        return {"BTC": 0.5}


class Prints(Strategy):
    """Says what it thinks: into the answer of whoever runs it."""

    name = "prints"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        print(market.now)  # noqa: T201  # that is what is wrong with it
        return HOLD


class WritesIntoTheMarket(Strategy):
    """Makes the past better than it was."""

    name = "writes-into-the-market"
    family = "broken"

    def decide(self, market: MarketView, book: BookView, memory: Memory) -> Decision:
        base = market.history("BTC.close").base
        assert base is not None
        base.flags.writeable = True
        base[market.columns["BTC.close"], 0] = 1.0
        base.flags.writeable = False
        return HOLD
