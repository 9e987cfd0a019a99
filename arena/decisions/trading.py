"""Stopping and resuming all trading, and the proof that no money was made or lost."""

from __future__ import annotations

from collections.abc import Mapping

from arena.commands import CheckConservation, HaltTrading, ResumeTrading
from arena.decisions.draft import Draft
from arena.events import CapitalConservationCheck, TradingHalted, TradingResumed
from arena.ledger import POPULATION, agent_account
from arena.words import Book, Layer, Refusal

ALL = "all"


def halt_trading(draft: Draft, command: HaltTrading) -> None:
    """Stop all trading; asking twice changes nothing and is refused."""
    if ALL in draft.treasury.halted:
        draft.refuse("HaltTrading", Refusal.TRADING_HALTED)
        return
    draft.emit(TradingHalted(scope=ALL, reason=command.reason, tick=draft.treasury.tick))


def resume_trading(draft: Draft, command: ResumeTrading) -> None:
    """Resume all that is halted."""
    halted = sorted(draft.treasury.halted)
    if not halted:
        draft.refuse("ResumeTrading", Refusal.NOT_HALTED)
    for scope in halted:
        draft.emit(TradingResumed(scope=scope, reason=command.reason, tick=draft.treasury.tick))


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
