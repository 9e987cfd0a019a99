"""`ArenaHarness`: a whole arena in memory, to test with what you have written.

    async with ArenaHarness(strategies=[Breakout], market=trend("BTC")) as arena:
        await arena.run(30)
        assert arena.agent("g000-001").trades

Everything is the product's own (actors, allocator, desk, rules, resuming) but the clock and the
disk, which are simulated: nothing waits for real time, and no file is written.  The test says what
goes wrong, and when.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from types import TracebackType
from typing import Any, Self, TypeVar

from actors.app.arena import Arena
from actors.app.soak.scenarios import quiet
from actors.runtime import ActorError
from actors.simulator import NO_FAULTS, DiskFaults, Moment, SimDisk
from actors.testing.faults import Fault, Troubles, troubled
from actors.testing.life import Life
from actors.testing.markets import DailyMarket, synthetic
from actors.testing.seen import Seen
from actors.testing.spec import Spec, experiment_of
from actors.testing.stage import Stage, set_stage
from actors.testing.telling import name_of, summary
from actors.venues import Venue
from arena.exceptions import ArenaError
from arena.experiment import Experiment, manifest
from arena.ids import AgentId
from arena.policies import Policy
from arena.strategies import Strategy
from arena.treasury import Treasury
from arena.words import Scalar

T = TypeVar("T")


class NeverError(AssertionError):
    """What a test waited for did not come; the message says how things stood."""


class DownError(RuntimeError):
    """The arena is not up: it was not opened, or has crashed."""


class ArenaHarness(Seen):
    """An arena under test.

    Attributes:
        spec: What it is made of.
        experiment: What is run.
        disk: What outlives a crash.
    """

    def __init__(  # noqa: PLR0913  # everything that an arena is made of, each with a default
        self,
        *,
        strategies: Sequence[type[Strategy]] = (),
        policy: str | Policy | None = None,
        market: DailyMarket | None = None,
        agents: int = 4,
        seed: int = 7,
        config: Mapping[str, Mapping[str, Any]] | None = None,
        overrides: Sequence[str] = (),
        open_gates: bool = False,
        faults: Sequence[Fault] = (),
        disk: DiskFaults = NO_FAULTS,
        venue: Venue | None = None,
        schedule: int | str | None = None,
    ) -> None:
        """Prepare an arena; it begins with `async with`.

        Args:
            strategies: Classes, which are the population in equal parts; by default that of an
                empty config.
            policy: A function, or the name of one; by default that of an empty config.
            market: What a builder of `actors.testing` returned; by default `synthetic()`.
            agents: How many are born first: g000-001, g000-002, ...
            seed: Of the run.
            config: Tables of a config: `{"evolution": {"cycle_days": 3}}`.
            overrides: `table.key=value`, as for `arena run --set`.
            open_gates: Whether everyone may rise to real capital.
            faults: What goes wrong with agents, such as `raises("g000-001", on=5)`.
            disk: How bad the disk is.
            venue: Where orders go; by default to a simulated one.  It outlives a crash.
            schedule: In which order tasks run.  None: that of the sweep where a sweep runs the
                test, and otherwise the one of asyncio.  A number: the one of that seed.  `stock`:
                the one of asyncio, whoever runs the test.

        Raises:
            ConfigError: The config or the overrides cannot be used.
            ValidationError: A strategy needs what the market has not.
        """
        self.spec = Spec(
            strategies=strategies,
            policy=policy,
            market=market or synthetic(),
            agents=agents,
            seed=seed,
            config=config or {},
            overrides=overrides,
            open_gates=open_gates,
            faults=faults,
            disk=disk,
            venue=venue,
        )
        self.experiment = experiment_of(self.spec)
        self._schedule = schedule
        self._troubles = Troubles(
            faults,
            warmup=self.spec.market.warmup,
            instrument=self.spec.market.instruments[0].name,
        )
        self._playable = self._with_troubles()
        self.disk = SimDisk(manifest(self.experiment))
        self._rng = random.Random(f"disk-{self.spec.seed}")  # noqa: S311 - it keeps no secret
        self._faults = self.spec.disk
        self._stage: Stage | None = None
        self._life: Life | None = None
        self._busy = 0

    async def __aenter__(self) -> Self:
        """Start the arena and give birth to the first generation."""
        self._stage = set_stage(self._schedule)
        try:
            await self._begin()
        except BaseException:
            stage, self._stage = self._stage, None
            await stage.strike()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop everyone, and see that nobody is left.

        Raises:
            SimulationError: A task was left behind, or an error that nobody looked at.
        """
        stage, self._stage = self._stage, None
        if stage is None:
            return
        life, self._life = self._life, None
        try:
            if life is not None:
                await stage.play(life.end)
        finally:
            try:
                await stage.strike()
            except RuntimeError:
                if error is None:
                    raise

    def twin(self, *, schedule: int | str = "stock") -> ArenaHarness:
        """Return the same arena once more, not begun yet, on a schedule of its own."""
        spec = {each.name: getattr(self.spec, each.name) for each in fields(self.spec)}
        return ArenaHarness(schedule=schedule, **spec)

    # Time

    async def tick(self) -> int:
        """Settle the next day and return its number."""
        return await self.run(1)

    async def run(self, days: int | None = None) -> int:
        """Settle `days` more days, or all that are left; return the day that was reached."""
        last = self.spec.market.days if days is None else self.day + days
        while self.day < min(last, self.spec.market.days):
            await self._play(self._settle_day)
        return self.day

    async def until(
        self, predicate: Callable[[ArenaHarness], object], *, days_max: int | None = None
    ) -> int:
        """Settle days until `predicate(arena)` is true, which may be at once; return the day.

        Args:
            predicate: Asked before the first day, and after each.
            days_max: How many days to wait; None waits to the end of the market.

        Raises:
            NeverError: It never was.
        """
        first, last = self.day, self.spec.market.days
        if days_max is not None:
            last = min(last, first + days_max)
        while not predicate(self):
            if self.day >= last:
                raise NeverError(
                    f"{name_of(predicate)} did not hold on any of the days {first} to {last}; on "
                    "the last one:"
                    f"\n{summary(self.treasury)}"
                )
            await self.run(1)
        return self.day

    async def complete(self) -> None:
        """Audit the ledger a last time, and put the end of the run on the record."""
        await self.do(lambda arena: arena.complete())

    @property
    def treasury(self) -> Treasury:
        """The treasury as of what is on record; read it, do not change it."""
        return self._up.arena.treasury

    # What a test does by hand

    async def spawn(self, strategy: str, **parameters: Scalar) -> AgentId:
        """Give birth to an agent in simulation and return its name.

        Args:
            strategy: Its name.
            **parameters: Its parameters; one that is left out has its default.

        Raises:
            AllocationError: Refused: unknown strategy, parameters out of bounds, no room.
        """
        return await self.do(lambda arena: arena.spawn_agent(strategy, **parameters))

    async def do(self, call: Callable[[Arena], Awaitable[T]]) -> T:
        """Return what `call(arena)` comes to, with the product's own `Arena`.

        agent = await harness.do(lambda arena: arena.spawn_agent("breakout"))
        """

        async def done() -> T:
            value = await call(self._up.arena)
            if self._busy == 1:  # Else another call is under way: no moment for a snapshot.
                await self._up.save(always=True)
            return value

        return await self._play(done)

    # What goes wrong

    def inject(self, fault: Fault) -> None:
        """Let `fault` happen, as if it had been named at the beginning."""
        self._troubles.plan(fault)

    def slow_disk(self, latency_s: float = 1.0) -> None:
        """Let each step of an append take up to so many seconds of virtual time from now on."""
        self._set_disk(DiskFaults(latency_s=latency_s))

    def fill_disk(self) -> None:
        """Let the disk be full from now on: nothing more is written, and it says so."""
        self._set_disk(DiskFaults(full=1.0))

    def mend_disk(self) -> None:
        """Let the disk be a good one from now on."""
        self._set_disk(NO_FAULTS)

    async def crash(self, at: Moment | None = None) -> None:
        """Lose everything but what is on the disk, as if the power had gone.

        Args:
            at: None crashes now.  Otherwise the next day begins, and the power goes as its first
                append passes that moment.
        """
        with quiet():
            if at is not None:
                self._up.cut_power_at(at)
                with suppress(ArenaError, ActorError):  # Whoever waited for the disk is told so.
                    await self._play(self._settle_day)
            self._up.journal.cut()
            life, self._life = self._up, None
            await self._on_stage.play(life.end)
        await self.disk.restart(self._rng)

    async def restart(self) -> None:
        """Resume from what is on record, after a crash or instead of one; see `Life`.

        Raises:
            DivergenceError: What is done again is not what is on record; its `seq` says where.
        """
        if self._life is not None:
            await self.crash()
        await self._begin()

    # Inside

    @property
    def _up(self) -> Life:
        if self._life is None:
            raise DownError("the arena is down: use `async with`, or `restart()` after a crash")
        return self._life

    @property
    def _on_stage(self) -> Stage:
        if self._stage is None:
            raise DownError("the arena is down: use `async with ArenaHarness(...) as arena`")
        return self._stage

    async def _play(self, call: Callable[[], Awaitable[T]]) -> T:
        self._busy += 1
        try:
            return await self._on_stage.play(call)
        finally:
            self._busy -= 1

    async def _settle_day(self) -> None:
        await self._up.arena.backtest(1)
        await self._up.save(always=False)

    async def _begin(self) -> None:
        async def begun() -> Life:
            return await Life.begin(
                self._playable,
                self.spec,
                self.disk,
                self._rng,
                faults=self._faults,
                opened=self._opened,
            )

        self._life = await self._on_stage.play(begun)

    def _opened(self, arena: Arena) -> None:
        self._troubles.allocator = arena.cast.ask_allocator

    def _set_disk(self, faults: DiskFaults) -> None:
        self._faults = faults
        if self._life is not None:
            self._life.journal.faults = faults

    def _with_troubles(self) -> Experiment:
        known = self.experiment.catalog
        catalog = {name: troubled(one, lambda: self._troubles) for name, one in known.items()}
        return replace(self.experiment, catalog=catalog)
