"""A small life, in which every type of event happens once and the books stay in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actors.journal.chain import Head, genesis_hash, link
from actors.journal.port import Batch, CommandRow
from arena.events import (
    AgentDemoted,
    AgentFailed,
    AgentGraduated,
    AgentKilled,
    AgentMutated,
    AgentPaused,
    AgentQuarantined,
    AgentSpawned,
    AgentUnpaused,
    AllocationError,
    ArenaOpened,
    CapitalAllocated,
    CapitalConservationCheck,
    CapitalRequested,
    CapitalReturned,
    Event,
    EvolutionCycleComplete,
    EvolutionFailed,
    NoteRecorded,
    OpeningsPaused,
    OpeningsResumed,
    OperatorActed,
    PositionLimitSet,
    PositionsReduced,
    ProtocolConfigured,
    Rank,
    RunCompleted,
    RunForked,
    Settlement,
    StrategyChecked,
    TickSettled,
    TradeSubmitted,
    TradingHalted,
    TradingResumed,
)
from arena.ids import AgentId, RunId
from arena.money import Money
from arena.orders import Fill, OrderRefusal, RefusedOrder
from arena.words import Action, Book, Layer, Refusal, StopMode, Tier

RUN = RunId("7f9c24e8-3f0a-5d62-9a51-0f8f7f5d2c11")
MANIFEST = '{"seed":1}'
GENESIS = Head(0, genesis_hash(MANIFEST))
TIME = "2020-04-11T00:00:00.000000Z"
META = {"host": "here"}

ADA, BOB = AgentId("g000-001"), AgentId("g000-002")


def a_fill(agent: AgentId, tick: int, quantity: float = 0.5) -> Fill:
    """Return a fill of somebody's first order of a day."""
    return Fill(
        order_id=f"{tick}-{agent}-1",
        agent_id=agent,
        instrument="btc",
        quantity=quantity,
        price=6_867.25,
        fee=Money(3_000),
        slippage=Money(200),
        gas=Money(10),
    )


def an_allocation(amount: int = 5_000, agent: AgentId = ADA) -> CapitalAllocated:
    """Return an entry into the arena with `amount` micro-USD."""
    return CapitalAllocated(
        agent_id=agent, amount=Money(amount), source="pool:arena", reason="entry"
    )


OPENED = ArenaOpened(
    name="small", reserve=Money(10**9), proving=Money(10**9), arena=Money(5 * 10**12)
)

LIFE: tuple[Event, ...] = (
    OPENED,
    AgentSpawned(
        agent_id=ADA,
        strategy="tactical-trader",
        family="trend",
        parameters={"window": 20, "speed": 0.1, "label": "a", "short": False, "stop": None},
        generation=0,
        parents=(),
        virtual_capital=Money(10**10),
    ),
    AgentSpawned(
        agent_id=BOB,
        strategy="cash",
        family="baseline",
        parameters={},
        generation=1,
        parents=(ADA,),
        virtual_capital=Money(10**10),
        baseline=True,
    ),
    AgentMutated(agent_id=BOB, parent=ADA, changes={"window": (20, 24), "speed": (0.1, 1.0)}),
    CapitalRequested(agent_id=ADA, amount=None),
    CapitalAllocated(agent_id=ADA, amount=Money(10**9), source="pool:arena", reason="entry"),
    TickSettled(
        tick=1,
        prices={"btc": (6_867.25, 6_900.0)},
        fills=(a_fill(ADA, 1), a_fill(BOB, 1)),
        refused=(
            RefusedOrder(
                order_id="1-g000-002-2",
                agent_id=BOB,
                instrument="eth",
                quantity=-3.0,
                reason=OrderRefusal.POSITION_INSUFFICIENT,
            ),
        ),
        real=Settlement(
            agents=(ADA,),
            pnl=(Money(12_345),),
            costs=(Money(3_210),),
            nav=(1.000012345,),
            fitness=(None,),
        ),
        virtual=Settlement(
            agents=(BOB,),
            pnl=(Money(-2 * 10**10),),
            costs=(Money(3_210),),
            nav=(0.0,),
            fitness=(-1.5,),
            bad_debt=((BOB, Money(10**10)),),
        ),
        fund_nav=1.000012345,
    ),
    PositionsReduced(
        agent_id=ADA, book=Book.REAL, fills=(a_fill(ADA, 2, -0.5),), reason="reduction", nav=1.0
    ),
    CapitalReturned(
        agent_id=ADA, amount=Money(400), book=Book.REAL, target="pool:arena", reason="reduction"
    ),
    CapitalReturned(
        agent_id=BOB, amount=Money(10**9), book=Book.VIRTUAL, target="bank", reason="death"
    ),
    AgentGraduated(
        agent_id=ADA,
        from_layer=Layer.SIMULATION,
        to_layer=Layer.PROVING,
        rule="seat",
        metrics={"sharpe": 1.75, "age": 30.0, "win_rate": None},
    ),
    AgentDemoted(
        agent_id=ADA,
        from_layer=Layer.PROVING,
        to_layer=Layer.SIMULATION,
        rule="stay",
        metrics={},
        virtual_capital=Money(10**10),
    ),
    AgentKilled(
        agent_id=BOB,
        layer=Layer.SIMULATION,
        rule="drawdown",
        metrics={"drawdown": -0.51},
        thresholds=(("drawdown", "<", -0.5),),
    ),
    AgentFailed(agent_id=BOB, tick=1, kind="raised", message='ValueError: "ä \n 漢"'),
    AgentQuarantined(agent_id=BOB, tick=1, failures=3),
    EvolutionCycleComplete(
        cycle=1,
        tick=7,
        ranks=(
            Rank(
                agent_id=ADA,
                layer=Layer.ARENA,
                tier=Tier.ELITE,
                fitness=2.5,
                terms={"sharpe": 0.7, "return": 1.8},
                balance=Money(5),
                target=None,
                limits=("per_agent",),
            ),
        ),
        deaths=((BOB, "drawdown"),),
        demotions=(ADA,),
        graduations=((ADA, Layer.PROVING),),
        waiting=(BOB,),
        births=((BOB, "cash", (ADA,)),),
    ),
    EvolutionFailed(cycle=2, tick=14, step="birth", message="no parents"),
    CapitalConservationCheck(
        tick=7,
        real={"reserve": 5, "market": -5},
        virtual={},
        real_sum=0,
        virtual_sum=0,
        real_rows={"reserve": 5, "endowment": -5},
        virtual_rows={},
        rows_agree=True,
    ),
    AllocationError(
        agent_id=None, command="AllocateCapital", amount=Money(-1), reason=Refusal.UNKNOWN_AGENT
    ),
    OpeningsPaused(scope="arena", tick=8, drawdown=-0.22),
    OpeningsResumed(scope="arena", tick=9, drawdown=-0.19),
    TradingHalted(scope="arena", reason="drawdown", tick=9, drawdown=-0.31),
    TradingResumed(scope="arena", reason="by hand", tick=10),
    PositionLimitSet(instrument="btc", most=Money(5 * 10**9)),
    ProtocolConfigured(protocol="aave", enabled=False, share_bp=1_000),
    TradeSubmitted(order_id="by-hand", agent_id=ADA, instrument="btc", quantity=0.25, tick=10),
    TradingHalted(
        scope="all",
        reason="a drill",
        tick=10,
        mode=StopMode.PAUSE,
        cancelled=(
            RefusedOrder(
                order_id="by-hand",
                agent_id=ADA,
                instrument="btc",
                quantity=0.25,
                reason=OrderRefusal.TRADING_HALTED,
            ),
        ),
    ),
    StrategyChecked(
        strategy="mine",
        passed=False,
        checks={"crash": True, "purity": False, "memory": None},
        source_hash="c" * 64,
    ),
    OperatorActed(action=Action.PAUSE_AGENT, by="ada", reason="a look at it, für später"),
    AgentPaused(agent_id=ADA, tick=10),
    AgentUnpaused(agent_id=ADA, tick=10),
    NoteRecorded(kind="memo", data={"n": 1, "x": 1.0, "yes": True, "no": None, "text": "t"}),
    RunForked(
        parent_seq=32,
        parent_hash="f" * 64,
        tick=10,
        changes={"costs.fee_bps": 12.5, "rules.kill": "[]", "risk.halt_days": "never"},
        manifest=MANIFEST.replace("1", "2"),
    ),
    RunCompleted(ticks=10, cycles=1),
)


def a_batch(head: Head, events: Iterable[Event], state: Mapping[str, str] | None = None) -> Batch:
    """Return the batch that records `events` after `head`, each the answer to a command."""
    events = tuple(events)
    entries, commands = [], []
    for event in events:
        cause = head.seq or None
        entry = link(head, RUN, event, timestamp=TIME, command_id=f"c-{head.seq}", caused_by=cause)
        entries.append(entry)
        commands.append(CommandRow(f"c-{head.seq}", "b" * 64, entry.seq, entry.seq))
        head = Head(entry.seq, entry.hash)
    return Batch(tuple(entries), events, state or {}, tuple(commands))
