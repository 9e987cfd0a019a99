"""Another interpreter: a process that is there for the gate, with a hash seed of its own.

What it is told and what it answers is one line of JSON each; code is imported there by its address,
and nothing is pickled.
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self, cast

import numpy as np

from actors.app.gate.playing import Settings
from actors.app.gate.sources import Address
from actors.app.gate.worlds import World
from arena.exceptions import ValidationError
from arena.execution import Terms
from arena.experiment import from_plain, plain
from arena.market import Market, Series

CHECK_MAX_S = 600.0
"""A check that takes longer is given up."""


@dataclass(frozen=True, slots=True)
class Request:
    """What another interpreter is asked to do.

    Attributes:
        task: `probe` for all checks, `tell` for the plain plays alone.
        address: Of the strategy.
        settings: A value for every parameter.
        worlds: Where; None where it makes the gate's own.
        seed: The root of what is drawn.
        step_budget_s: What one step may take, seconds.
        path: Where modules are looked for.
    """

    task: str
    address: Address
    settings: Settings
    worlds: tuple[World, ...] | None
    seed: int
    step_budget_s: float
    path: tuple[str, ...]

    def to_json(self) -> str:
        """Return it as JSON."""
        worlds = self.worlds
        return json.dumps(
            {
                "task": self.task,
                "address": asdict(self.address),
                "settings": dict(self.settings),
                "worlds": None if worlds is None else [_world_plain(each) for each in worlds],
                "seed": self.seed,
                "step_budget_s": self.step_budget_s,
                "path": list(self.path),
            }
        )

    @staticmethod
    def from_json(text: str) -> Request:
        """Return what `to_json` made it from."""
        data = json.loads(text)
        worlds = data["worlds"]
        return Request(
            data["task"],
            Address(**data["address"]),
            data["settings"],
            None if worlds is None else tuple(_world_of(each) for each in worlds),
            data["seed"],
            data["step_budget_s"],
            tuple(data["path"]),
        )


class Interpreter:
    """A process that works on one request after the other; it ends with its context."""

    def __init__(self, hash_seed: int) -> None:
        """Prepare a process whose `hash` has its own seed: sets are in another order there."""
        self._hash_seed = hash_seed

    def __enter__(self) -> Self:
        """Start it."""
        path = os.pathsep.join(each for each in sys.path if each)
        self._said = TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "actors.app.gate.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, "PYTHONHASHSEED": str(self._hash_seed), "PYTHONPATH": path},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def begin(self, request: Request) -> None:
        """Let it work on a request; its answer must be taken before the next one."""
        stdin = cast("IO[bytes]", self._process.stdin)
        try:
            stdin.write(request.to_json().encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            return  # The answer, which is none, says why.

    def answer(self, request: Request) -> dict[str, Any]:
        """Return what it answers to the request that it works on.

        Raises:
            ValidationError: It cannot import the strategy, or comes to no end.
        """
        stdout = cast("IO[bytes]", self._process.stdout)
        ready, _, _ = select.select([stdout], [], [], CHECK_MAX_S)
        if not ready:
            raise _no_answer(request, f"no answer in {CHECK_MAX_S:g} s")
        try:
            answer: dict[str, Any] = json.loads(stdout.readline())
        except ValueError:
            raise _no_answer(request, self._last_words()) from None
        if "error" in answer:
            raise _no_answer(request, answer["error"])
        return answer

    def _last_words(self) -> str:
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()
        return said.rpartition("\n")[2] or "its process ended"


def _no_answer(request: Request, found: str) -> ValidationError:
    name = f"{request.address.module}:{request.address.name}"
    needed = "a strategy that another process can import and play"
    return ValidationError("strategy", found=f"{name}: {found}", needed=needed)


def _world_plain(world: World) -> dict[str, Any]:
    market = world.market
    return {
        "name": world.name,
        "warmup": world.warmup,
        "terms": {**plain(world.terms), "instruments": plain(world.terms.instruments)},
        "opens_at": market.opens_at.tolist(),
        "series": plain(market.series),
        "values": base64.b64encode(market.values.astype("<f8").tobytes()).decode(),
        "periods_per_year": market.periods_per_year,
        "bar_s": market.bar_s,
    }


def _world_of(data: Mapping[str, Any]) -> World:
    series: Sequence[Series] = from_plain(tuple[Series, ...], data["series"])
    values = np.frombuffer(base64.b64decode(data["values"]), dtype="<f8")
    market = Market(
        opens_at=np.array(data["opens_at"], dtype=np.int64),
        series=tuple(series),
        values=values.reshape(-1, len(series)).copy(),
        periods_per_year=data["periods_per_year"],
        bar_s=data["bar_s"],
    )
    return World(data["name"], market, from_plain(Terms, data["terms"]), data["warmup"])
