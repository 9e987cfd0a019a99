"""`Arena`: the library's face.  One async context manager that runs a whole arena.

    async with Arena(experiment, market) as arena:
        await arena.backtest(30)
        print(arena.get_capital_allocation_breakdown())

Without a journal it keeps its history in memory.  Every verb goes through the allocator's mailbox;
a refusal raises the exception that carries its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from actors.agent import STEP_BUDGET_S
from actors.app.asking import first_of, reveal
from actors.app.bootstrap import Cast, Start, assemble
from actors.app.desk import Desk
from actors.app.packaged import config_file
from actors.app.snapshots import take_snapshot
from actors.journal.chain import Entry, timestamp
from actors.journal.codec import decode
from actors.journal.memory import MemoryJournal
from actors.journal.port import Journal
from actors.messages.allocator import API, CONTROL, Answer, Audit
from actors.messages.desk import API as DESK_API
from actors.messages.desk import DeskMessage
from actors.messages.market import Advance, CycleNow
from actors.runtime import ActorSystem, StepBudget, WallClock
from actors.venues import Courier, simulated
from arena import commands as c
from arena.commands import Command
from arena.events import (
    AgentKilled,
    AgentSpawned,
    CapitalConservationCheck,
    Event,
    EvolutionCycleComplete,
    EvolutionFailed,
)
from arena.exceptions import (
    AllocationError,
    CapitalConservationError,
    EvolutionError,
    GraduationError,
)
from arena.experiment import Experiment, manifest
from arena.ids import AgentId
from arena.market import Market
from arena.money import Money, parse_usd
from arena.strategies import BUILT_IN, Catalog
from arena.treasury import Treasury, capital_breakdown
from arena.words import Layer, Scalar

if TYPE_CHECKING:
    from actors.app.live import LiveSource, Pace

_PAGE = 1_000


class Arena:
    """A running arena.

    Attributes:
        experiment: What is run.
        run_id: Derived from what is run.
        desk: The trading engine's verbs.
    """

    def __init__(
        self,
        experiment: Experiment,
        market: Market,
        journal: Journal | None = None,
        *,
        start: Start | None = None,
        step_budget_s: float = STEP_BUDGET_S,
        courier: Courier | None = None,
    ) -> None:
        """Prepare a run; it begins with `async with`.

        Args:
            experiment: What is run.
            market: Warm-up and all the bars to settle.
            journal: A journal whose head is that of `start`; an empty one in memory by default.  It
                is closed with the arena.
            start: Where the run goes on; by default it begins, and the genesis of the journal is
                the experiment's manifest.
            step_budget_s: Seconds after which a step of a strategy is interrupted.
            courier: Carries orders to their venue; to the simulated one by default.
        """
        self.experiment = experiment
        self._start = start or Start.beginning(experiment)
        self.run_id = self._start.run_id
        self._market = market
        self._journal = journal or MemoryJournal(manifest(experiment))
        self._stack = AsyncExitStack()
        self._cast: Cast | None = None
        self._asked = 0
        self.budget = StepBudget(step_budget_s)
        self._courier = courier or simulated()
        self.desk = Desk(self._ask_desk, self.send, self._next, self._journal)

    async def __aenter__(self) -> Self:
        """Start the actors and, at the beginning of a run, give birth to the first generation.

        Where the gate is required, strategies that were not there yet are checked now.

        Raises:
            ValidationError: The journal is not where the run is to start, or the market has not the
                experiment's number of bars.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._journal.close)
            self._start.check_fits(await self._journal.head(), self._market)
            stack.enter_context(self.budget)
            system = await stack.enter_async_context(ActorSystem())
            self._cast = assemble(
                system, self._start, self._market, self._journal, self._courier, budget=self.budget
            )
            if self.treasury.seq == 0:
                await self.send(c.OpenArena(command_id="open"))
            await self.pass_gate()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *raised: Any) -> None:  # noqa: PYI036 - it is passed on
        """Stop the actors, then close the journal."""
        await self._stack.__aexit__(*raised)

    async def pass_gate(self, *also: str) -> None:
        """Have what was not at the gate yet checked, and put that on the record."""
        from actors.app.gate.running import pass_gate  # noqa: PLC0415  # pydantic, where it is used

        self.cast.overruns.extend(await pass_gate(self.treasury, self._market, self.send, also))

    @classmethod
    def from_config(
        cls, config: str | Path, *, overrides: Sequence[str] = (), catalog: Catalog = BUILT_IN
    ) -> Self:
        """Return the run that a config file describes, with its history in memory.

        Args:
            config: A TOML file, or the name of a packaged config.
            overrides: `table.key=value`, as for `arena run --set`; the later one wins.
            catalog: The strategies that the config can name, beside plugins.

        Raises:
            ConfigError: The config cannot be used.
            DataError: The market's files cannot be used.
        """
        from actors.app.markets import load_run  # noqa: PLC0415  # pydantic, only where it is used

        path = config_file(Path(config))
        experiment, market = load_run(path, overrides, catalog=catalog, now=WallClock().stamp())
        return cls(experiment, market)

    @property
    def cast(self) -> Cast:
        """The actors.

        Raises:
            RuntimeError: The arena is not open.
        """
        if self._cast is None:
            raise RuntimeError("the arena is not open: use `async with Arena(...) as arena`")
        return self._cast

    @property
    def treasury(self) -> Treasury:
        """The treasury as of the last batch that is on record; read it, do not change it."""
        return self.cast.allocator.treasury

    async def send(self, command: Command, *, lane: str = API) -> Answer:
        """Have one command decided and recorded, and return what became of it."""
        return await reveal(self.cast.ask_allocator, command, lane=lane)

    # The run

    async def backtest(
        self, ticks: int | None = None, *, on_tick: Callable[[int], None] | None = None
    ) -> int:
        """Settle `ticks` bars, or all there are; return the tick that was reached.

        Args:
            ticks: How many; None goes to the end of the market.
            on_tick: Called after each with its number.
        """
        done = 0
        while ticks is None or done < ticks:
            tick = await reveal(self.cast.ask_feed, Advance())
            if tick is None:
                break
            done += 1
            if on_tick is not None:
                on_tick(tick)
        return self.treasury.tick

    async def live_simulate(
        self,
        ticks: int | None = None,
        *,
        pace: Pace | None = None,
        source: LiveSource | None = None,
        on_tick: Callable[[int], None] | None = None,
    ) -> int:
        """Settle bars at a pace, as they come: by `backtest`, so with the same journal.

        Args:
            ticks: How many; None goes to the end of the market, if it has one.
            pace: Says when each is due; at once by default.
            source: Where more bars come from, if the market grows.
            on_tick: Called after each with its number.
        """
        from actors.app.live import follow  # noqa: PLC0415  # pydantic, only where it is used

        last = None if ticks is None else self.treasury.tick + ticks
        return await follow(self, last, pace=pace, source=source, on_tick=on_tick)

    async def save_snapshot(self) -> None:
        """Let a resumed run begin here; between ticks only.

        Raises:
            NotPlainError: An agent remembers something that JSON cannot hold.
            StorageError: The disk refused.
        """
        head, desk = self.cast.allocator.head, self.cast.desk
        snapshot = take_snapshot(self.treasury, head, self.cast.memories, desk.delayed)
        await self._journal.save_snapshot(snapshot)

    async def complete(self) -> None:
        """Audit the ledger a last time and put the end of the run on the record, once.

        Raises:
            CapitalConservationError: Money appeared or vanished.
        """
        if self.treasury.completed:
            return
        await self._audit("audit-complete")
        await self.send(c.CompleteRun(command_id="complete"), lane=CONTROL)

    # Agents and capital

    async def spawn_agent(self, strategy: str, **parameters: Scalar) -> AgentId:
        """Give birth to an agent in simulation and return its name.

        Raises:
            AllocationError: Refused: unknown strategy, parameters out of bounds, no room.
        """
        await self.pass_gate(strategy)
        command = c.SpawnAgent(
            command_id=self._next("spawn"), strategy=strategy, parameters=parameters
        )
        return first_of(self._accepted(await self.send(command)), AgentSpawned).agent_id

    async def mutate_agent(self, parent: AgentId) -> AgentId:
        """Give birth to a mutant of `parent` and return its name.

        Raises:
            AllocationError: Refused: unknown agent, a baseline, no room.
        """
        command = c.MutateAgent(command_id=self._next("mutate"), parent=parent)
        return first_of(self._accepted(await self.send(command)), AgentSpawned).agent_id

    async def allocate_capital(self, agent_id: AgentId, amount: str | int) -> Answer:
        """Move capital from the agent's pool to the agent; return the receipt.

        Args:
            agent_id: In proving or the arena.
            amount: Decimal text or whole dollars.

        Raises:
            AllocationError: Refused, and journalled as such; nothing was moved.
        """
        return await self.allocate_micro(agent_id, parse_usd(amount))

    async def allocate_micro(self, agent_id: AgentId, amount: Money) -> Answer:
        """Do as `allocate_capital`, with an amount in micro-USD."""
        command = c.AllocateCapital(
            command_id=self._next("allocate"), agent_id=agent_id, amount=amount
        )
        return self._accepted(await self.send(command), agent_id=agent_id, amount=amount)

    async def kill_underperformers(self) -> dict[AgentId, str]:
        """Apply the kill rules now; return who died -> of which rule."""
        answer = await self.send(c.KillUnderperformers(command_id=self._next("kill")))
        return {one.agent_id: one.rule for one in answer.events if isinstance(one, AgentKilled)}

    async def graduate_to_proving(self, agent_id: AgentId) -> None:
        """Give an agent of the simulation a seat in proving.

        Raises:
            GraduationError: It does not meet the requirements, or there is no room.
        """
        await self._graduate(agent_id, Layer.PROVING)

    async def graduate_to_arena(self, agent_id: AgentId) -> None:
        """Let an agent of proving into the arena.

        Raises:
            GraduationError: It does not meet the requirements, or there is no room.
        """
        await self._graduate(agent_id, Layer.ARENA)

    async def _graduate(self, agent_id: AgentId, layer: Layer) -> None:
        command = c.GraduateAgent(command_id=self._next("graduate"), agent_id=agent_id, layer=layer)
        answer = await self.send(command)
        if answer.refusal is not None:
            raise GraduationError(agent_id, f"{answer.refusal} ({answer.detail or 'no detail'})")

    async def run_evolution_cycle(self) -> EvolutionCycleComplete:
        """Run a cycle now, due or not.

        Raises:
            EvolutionError: A step broke; nothing of the cycle was written but that fact.
        """
        outcome = await self.safe_run_evolution()
        if isinstance(outcome, EvolutionFailed):
            raise EvolutionError(outcome.step, outcome.message)
        return outcome

    async def safe_run_evolution(self) -> EvolutionCycleComplete | EvolutionFailed:
        """Run a cycle now, and return what became of it, whatever that is."""
        answer = await reveal(self.cast.ask_manager, CycleNow(), lane="control")
        if answer is None:
            raise EvolutionError("open", "the manager ran no cycle")
        failed = [event for event in answer.events if isinstance(event, EvolutionFailed)]
        return failed[0] if failed else first_of(answer, EvolutionCycleComplete)

    # The record

    async def emit_event(self, kind: str, data: Mapping[str, Scalar] | None = None) -> Answer:
        """Put a fact of your own on the record, as `NoteRecorded`; return its receipt."""
        command = c.RecordNote(command_id=self._next("note"), kind=kind, data=data or {})
        return await self.send(command)

    async def verify_capital_conservation(self) -> CapitalConservationCheck:
        """Compare the treasury with the ledger's own rows, and put that on the record.

        Raises:
            CapitalConservationError: Money appeared or vanished.
        """
        return await self._audit(self._next("audit"))

    async def _audit(self, command_id: str) -> CapitalConservationCheck:
        answer = await reveal(self.cast.ask_allocator, Audit(command_id), lane=CONTROL)
        check = first_of(answer, CapitalConservationCheck)
        if check.real_sum or check.virtual_sum or not check.rows_agree:
            found = check.real_sum or check.virtual_sum
            raise CapitalConservationError("sum of all accounts", expected=0, found=found)
        return check

    async def replay_events(
        self,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        event_type: str | None = None,
    ) -> list[tuple[Entry, Event]]:
        """Return what is on record, oldest first.

        Args:
            start_time: Only from this instant on.
            end_time: Only before this instant.
            event_type: Only events of this type.
        """
        low = timestamp(start_time) if start_time else ""
        high = timestamp(end_time) if end_time else "~"
        found: list[tuple[Entry, Event]] = []
        after = 0
        while page := await self._journal.read(after, _PAGE):
            after = page[-1].seq
            found += [
                (entry, decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq))
                for entry in page
                if low <= entry.timestamp < high and event_type in (None, entry.event_type)
            ]
        return found

    def get_capital_allocation_breakdown(self) -> dict[str, int]:
        """Return where the real capital is, micro-USD, by name."""
        return capital_breakdown(self.treasury)

    async def _ask_desk(self, message: DeskMessage) -> Any:
        return await reveal(self.cast.ask_desk, message, lane=DESK_API)

    def _next(self, kind: str) -> str:
        self._asked += 1  # The `seq` keeps it apart from what an earlier process asked.
        return f"{kind}-{self.treasury.seq}-{self._asked}"

    def _accepted(
        self, answer: Answer, *, agent_id: AgentId | None = None, amount: int = 0
    ) -> Answer:
        if answer.refusal is not None:
            raise AllocationError(agent_id, amount, answer.refusal, answer.detail)
        return answer
