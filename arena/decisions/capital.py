"""Capital that is asked for, given back, or given directly."""

from __future__ import annotations

from arena.agents import Agent
from arena.commands import AllocateCapital, RequestCapital, ReturnCapital
from arena.decisions.draft import Draft, refuses_agent
from arena.decisions.outflow import ORIGIN, withdraw
from arena.events import CapitalAllocated, CapitalRequested
from arena.execution import withdrawable
from arena.ids import AgentId
from arena.money import MONEY_MAX, Money
from arena.policies.policy import BPS
from arena.state import Treasury
from arena.words import Layer, Refusal


def request_capital(draft: Draft, command: RequestCapital) -> None:
    """Remember what an agent asks for until the cycle decides."""
    reason = _refuses(draft.treasury, command.agent_id, command.amount or None)
    if reason is not None:
        draft.refuse("RequestCapital", reason, agent_id=command.agent_id, amount=command.amount)
    else:
        draft.emit(CapitalRequested(agent_id=command.agent_id, amount=command.amount))


def return_capital(draft: Draft, command: ReturnCapital) -> None:
    """Give capital back to the agent's pool."""
    treasury = draft.treasury
    reason = _refuses(treasury, command.agent_id, command.amount)
    if reason is None:
        reason = _withholds(treasury, treasury.agents[command.agent_id], command.amount)
    if reason is not None:
        draft.refuse("ReturnCapital", reason, agent_id=command.agent_id, amount=command.amount)
        return
    layer = treasury.agents[command.agent_id].layer
    withdraw(
        draft,
        command.agent_id,
        layer,
        amount=command.amount,
        reason="voluntary",
        because=None,
    )


def _withholds(treasury: Treasury, agent: Agent, amount: int) -> Refusal | None:
    """Return why `amount` cannot be given back; in an emergency stop nothing is sold for it."""
    terms = treasury.experiment.terms
    if treasury.stop_mode and amount > withdrawable(
        agent.portfolio, marks=treasury.known(), terms=terms
    ):
        return Refusal.TRADING_HALTED
    return Refusal.BALANCE_INSUFFICIENT if amount > agent.equity else None


def allocate_capital(draft: Draft, command: AllocateCapital) -> None:
    """Move capital from the agent's pool to the agent: all of the amount, or a refusal."""
    treasury = draft.treasury
    reason = _refuses(treasury, command.agent_id, command.amount)
    if reason is None:
        reason = _exceeds(treasury, treasury.agents[command.agent_id], command.amount)
    if reason is not None:
        draft.refuse("AllocateCapital", reason, agent_id=command.agent_id, amount=command.amount)
        return
    draft.emit(
        CapitalAllocated(
            agent_id=command.agent_id,
            amount=command.amount,
            source=ORIGIN[treasury.agents[command.agent_id].layer],
            reason="direct",
        )
    )


def _refuses(treasury: Treasury, agent_id: AgentId, amount: Money | None) -> Refusal | None:
    """Return what is wrong with the agent or the amount, in the order of `Refusal`."""
    reason = refuses_agent(treasury, agent_id)
    if reason is not None:
        return reason
    if treasury.agents[agent_id].layer is Layer.SIMULATION:
        return Refusal.WRONG_LAYER
    if amount is not None and amount <= 0:
        return Refusal.AMOUNT_MUST_BE_POSITIVE
    return Refusal.AMOUNT_OUT_OF_RANGE if amount is not None and amount > MONEY_MAX else None


def _exceeds(treasury: Treasury, agent: Agent, amount: int) -> Refusal | None:
    """Return which bound `amount` more would break."""
    if treasury.halted:
        return Refusal.TRADING_HALTED
    room = room_of(treasury, agent)
    return next((reason for reason, most in room.items() if amount > most), None)


def room_of(treasury: Treasury, agent: Agent) -> dict[Refusal, int]:
    """Return how much more an agent can be given, micro-USD, by what refuses more than that."""
    limit = treasury.experiment.rules.allocation.per_agent_bp
    capital = treasury.layer_capital(agent.layer)
    return {
        Refusal.AGENT_LIMIT_EXCEEDED: capital * limit // BPS - agent.equity,
        Refusal.POOL_INSUFFICIENT: treasury.balance(ORIGIN[agent.layer]),
    }
