"""What somebody who runs the arena wants of one agent: its end, a pause, or the end of a pause.

Who is paused keeps what it holds and its place.  It does not trade, is not asked, cannot rise, and
no capital comes or goes; the venue still closes what its margin no longer carries, and rules still
end it or send it back.
"""

from __future__ import annotations

from arena.commands import KillAgent, PauseAgent, UnpauseAgent
from arena.decisions.deaths import OPERATOR, kill, measured
from arena.decisions.draft import Draft, refuses_agent
from arena.events import AgentPaused, AgentUnpaused
from arena.words import Refusal

_MAY_END = {None, Refusal.AGENT_IS_QUARANTINED, Refusal.AGENT_IS_PAUSED}


def operate(draft: Draft, command: KillAgent | PauseAgent | UnpauseAgent) -> None:
    """Do what somebody wants of one agent, or refuse it."""
    match command:
        case KillAgent():
            _kill(draft, command)
        case PauseAgent():
            _pause(draft, command)
        case UnpauseAgent():
            _unpause(draft, command)


def _kill(draft: Draft, command: KillAgent) -> None:
    """End an agent.  In an emergency stop nobody dies: what they hold could not be sold."""
    treasury, agent_id = draft.treasury, command.agent_id
    reason = refuses_agent(treasury, agent_id)
    if reason in _MAY_END:
        reason = Refusal.TRADING_HALTED if treasury.stop_mode else None
    if reason is not None:
        draft.refuse("KillAgent", reason, agent_id=agent_id)
        return
    agent = treasury.agents[agent_id]
    metrics = measured(treasury, [agent]).metrics(0, treasury.tick)
    kill(draft, agent, OPERATOR, metrics, because=None)


def _pause(draft: Draft, command: PauseAgent) -> None:
    """Pause an agent that trades."""
    reason = refuses_agent(draft.treasury, command.agent_id)
    if reason is not None:
        draft.refuse("PauseAgent", reason, agent_id=command.agent_id)
        return
    draft.emit(AgentPaused(agent_id=command.agent_id, tick=draft.treasury.tick))


def _unpause(draft: Draft, command: UnpauseAgent) -> None:
    """Let a paused agent go on."""
    reason = refuses_agent(draft.treasury, command.agent_id)
    if reason is not Refusal.AGENT_IS_PAUSED:
        why = reason or Refusal.AGENT_IS_NOT_PAUSED
        draft.refuse("UnpauseAgent", why, agent_id=command.agent_id)
        return
    draft.emit(AgentUnpaused(agent_id=command.agent_id, tick=draft.treasury.tick))
