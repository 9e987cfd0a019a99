"""Stopping and resuming all trading, its limits, and the proof that no money was made or lost."""

from __future__ import annotations

from collections.abc import Mapping

from arena.commands import (
    CheckConservation,
    ConfigureProtocol,
    HaltTrading,
    ResumeTrading,
    SetPositionLimit,
    SubmitTrade,
)
from arena.decisions.draft import Draft
from arena.decisions.outflow import flatten
from arena.events import (
    CapitalConservationCheck,
    PositionLimitSet,
    ProtocolConfigured,
    TradeSubmitted,
    TradingHalted,
    TradingResumed,
)
from arena.ledger import POPULATION, agent_account
from arena.money import MONEY_MAX
from arena.orders import OrderRefusal, RefusedOrder
from arena.words import ALL, Book, Layer, Refusal, StopMode

BPS = 10_000


def submit_trade(draft: Draft, command: SubmitTrade) -> None:
    """Let an order wait: whether it can be executed is decided at the next open."""
    order = command.order
    draft.emit(
        TradeSubmitted(
            order_id=order.order_id,
            agent_id=order.agent_id,
            instrument=order.instrument,
            quantity=order.quantity,
            tick=draft.treasury.tick,
        )
    )


def halt_trading(draft: Draft, command: HaltTrading) -> None:
    """Stop all trading, and what is pending with it; asking twice changes nothing and is refused.

    A wind-down sells what is held, with the stop as its cause; who has paused can still wind down.
    """
    treasury, mode = draft.treasury, command.mode
    if ALL in treasury.halted and not (
        mode is StopMode.WIND_DOWN and treasury.stop_mode != StopMode.WIND_DOWN
    ):
        draft.refuse("HaltTrading", Refusal.TRADING_HALTED)
        return
    cancelled = tuple(
        RefusedOrder(
            order_id=order.order_id,
            agent_id=order.agent_id,
            instrument=order.instrument,
            quantity=order.quantity,
            reason=OrderRefusal.TRADING_HALTED,
        )
        for order in treasury.pending.values()
    )
    halted = draft.emit(
        TradingHalted(
            scope=ALL, reason=command.reason, tick=treasury.tick, mode=mode, cancelled=cancelled
        )
    )
    if mode is StopMode.WIND_DOWN:
        for agent in [*treasury.living()]:
            flatten(draft, agent.agent_id, reason="halt", because=halted)


def resume_trading(draft: Draft, command: ResumeTrading) -> None:
    """Resume all that is halted."""
    halted = sorted(draft.treasury.halted)
    if not halted:
        draft.refuse("ResumeTrading", Refusal.NOT_HALTED)
    for scope in halted:
        draft.emit(TradingResumed(scope=scope, reason=command.reason, tick=draft.treasury.tick))


def configure_protocol(draft: Draft, command: ConfigureProtocol) -> None:
    """Put another limit of a protocol on the record."""
    instruments = draft.treasury.experiment.terms.instruments.values()
    share = command.share_bp
    wrong = None
    if command.protocol not in {each.protocol for each in instruments}:
        wrong = f"no instrument is of the protocol {command.protocol!r}"
    elif share is not None and not 0 <= share <= BPS:
        wrong = f"share_bp is {share}, needed 0 to {BPS}"
    if wrong is not None:
        draft.refuse("ConfigureProtocol", Refusal.PARAMETERS_OUT_OF_BOUNDS, detail=wrong)
        return
    draft.emit(
        ProtocolConfigured(protocol=command.protocol, enabled=command.enabled, share_bp=share)
    )


def set_position_limit(draft: Draft, command: SetPositionLimit) -> None:
    """Put another limit of an instrument on the record."""
    most, wrong = command.most, None
    if command.instrument not in draft.treasury.experiment.terms.instruments:
        wrong = f"no instrument is called {command.instrument!r}"
    elif most is not None and not 0 <= most <= MONEY_MAX:
        wrong = f"most is {most} micro-USD, needed 0 to {MONEY_MAX}"
    if wrong is not None:
        draft.refuse("SetPositionLimit", Refusal.PARAMETERS_OUT_OF_BOUNDS, detail=wrong)
        return
    draft.emit(PositionLimitSet(instrument=command.instrument, most=most))


def check_conservation(draft: Draft, command: CheckConservation) -> None:
    """Put both sums, every account, and the comparison with the ledger's rows on the record."""
    treasury = draft.treasury
    real, virtual = treasury.books[Book.REAL], treasury.books[Book.VIRTUAL]
    held = {
        agent_account(agent.agent_id): agent.portfolio.equity(treasury.marks)
        for layer in (Layer.PROVING, Layer.ARENA)
        for agent in treasury.living(layer)
    }
    population = sum(
        agent.portfolio.equity(treasury.marks) for agent in treasury.living(Layer.SIMULATION)
    )
    agrees = (
        _nonzero(real) == _nonzero(command.real)
        and _nonzero(virtual) == _nonzero(command.virtual)
        and all(real.get(account, 0) == equity for account, equity in held.items())
        and virtual.get(POPULATION, 0) == population
    )
    draft.emit(
        CapitalConservationCheck(
            tick=treasury.tick,
            real=_nonzero(real),
            virtual=_nonzero(virtual),
            real_sum=sum(real.values()),
            virtual_sum=sum(virtual.values()),
            real_rows=_nonzero(command.real),
            virtual_rows=_nonzero(command.virtual),
            rows_agree=agrees,
        ),
        treasury.settled_seq,
    )


def _nonzero(balances: Mapping[str, int]) -> dict[str, int]:
    return {account: balances[account] for account in sorted(balances) if balances[account]}
