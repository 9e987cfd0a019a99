"""What each request of an operator does to a running arena.

The rule: a change is one command, in which who asked and why stands beside what was asked; the
journal has all three or none.  Asked again under the same id, it is answered as it was before.
What holds already (a panic during a panic, a pause of a clock that stands) is no change, and writes
nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import structlog

from actors.app.arena import Arena
from actors.app.control.errors import Code, ControlError
from actors.app.control.requests import (
    AgentArgs,
    Args,
    DryRunArgs,
    Op,
    PanicArgs,
    Request,
    SpawnArgs,
)
from actors.app.daemon.rehearsal import rehearse_cycle
from actors.journal.codec import encode
from actors.journal.port import Journal, StorageError
from actors.messages.allocator import Answer, CommandConflictError
from actors.runtime import ActorFailed
from arena import commands as c
from arena.events import Event, EvolutionCycleComplete, EvolutionFailed
from arena.exceptions import ValidationError
from arena.ids import AgentId
from arena.words import ALL, Action, StopMode

log = structlog.wrap_logger(logging.getLogger(__name__))

A = TypeVar("A", bound=Args)
Verb = Callable[[Arena, Request], Awaitable[dict[str, Any]]]


async def carry_out(arena: Arena, request: Request, journal: Journal) -> dict[str, Any]:
    """Do what `request` asks for, and return what became of it.

    Args:
        arena: Between two ticks.
        request: A change.
        journal: The arena's.

    Raises:
        ControlError: It was refused, or came to nothing.
        StorageError: The disk refused when something of it was on record, or nobody knows what is.
        Exception: The arena broke over it; it left no trace, unless an actor ended of it.
    """
    try:
        known = await journal.recall([_id(request)])
        if arena.treasury.completed and not known:
            raise ControlError(Code.REFUSED, "the run is over", reason="completed")
        if _holds_already(arena, request) and not known:
            return _nothing(arena)
        result = await VERBS[request.op](arena, request)
    except CommandConflictError as error:
        raise ControlError(Code.COMMAND_CONFLICT, str(error)) from error
    except ValidationError as error:
        raise ControlError(Code.BAD_REQUEST, str(error)) from error
    except StorageError as error:
        if not error.definite or isinstance(error.__cause__, ActorFailed):
            raise
        raise ControlError(Code.STORAGE_FULL, str(error)) from error
    _log(request, result)
    return result


def _log(request: Request, result: Mapping[str, Any]) -> None:
    """Write down what was done, for whom, and why: the log is what an operator has open."""
    if result.get("dry_run") or result.get("duplicate"):
        return
    write = log.warning if request.op is Op.PANIC else log.info
    facts = {name: value for name, value in request.args if value}
    write("operator_acted", op=str(request.op), by=request.by, reason=request.reason, **facts)


def _holds_already(arena: Arena, request: Request) -> bool:
    """Return whether trading or the clock is stopped, or goes on, as is asked for."""
    treasury = arena.treasury
    match request.op:
        case Op.PANIC:
            sold = treasury.stop_mode == StopMode.WIND_DOWN
            return ALL in treasury.halted and (sold or not _args(request, PanicArgs).wind_down)
        case Op.RESET_PANIC:
            return not treasury.halted
        case Op.PAUSE:
            return treasury.paused
        case Op.RESUME:
            return not treasury.paused
        case _:
            return False


async def _pause(arena: Arena, request: Request) -> dict[str, Any]:
    return await _note(arena, request, Action.PAUSE)


async def _resume(arena: Arena, request: Request) -> dict[str, Any]:
    return await _note(arena, request, Action.RESUME)


async def _panic(arena: Arena, request: Request) -> dict[str, Any]:
    wind_down = _args(request, PanicArgs).wind_down
    mode = StopMode.WIND_DOWN if wind_down else StopMode.PAUSE
    command = c.HaltTrading(command_id=_id(request), reason=request.reason, mode=mode)
    result = await _act(arena, request, Action.PANIC, command)
    await arena.desk.tell_cancelled()
    return result


async def _reset_panic(arena: Arena, request: Request) -> dict[str, Any]:
    command = c.ResumeTrading(command_id=_id(request), reason=request.reason)
    return await _act(arena, request, Action.RESET_PANIC, command)


async def _spawn(arena: Arena, request: Request) -> dict[str, Any]:
    args = _args(request, SpawnArgs)
    if args.strategy not in arena.experiment.catalog:
        known = ", ".join(sorted(arena.experiment.catalog))
        raise ControlError(Code.NOT_FOUND, f"there is no strategy {args.strategy!r}, but {known}")
    await arena.pass_gate(args.strategy)
    command = c.SpawnAgent(
        command_id=_id(request), strategy=args.strategy, parameters=args.parameters
    )
    return await _act(arena, request, Action.SPAWN, command)


async def _kill(arena: Arena, request: Request) -> dict[str, Any]:
    command = c.KillAgent(command_id=_id(request), agent_id=_known(arena, request))
    return await _act(arena, request, Action.KILL, command)


async def _pause_agent(arena: Arena, request: Request) -> dict[str, Any]:
    command = c.PauseAgent(command_id=_id(request), agent_id=_known(arena, request))
    return await _act(arena, request, Action.PAUSE_AGENT, command)


async def _unpause_agent(arena: Arena, request: Request) -> dict[str, Any]:
    command = c.UnpauseAgent(command_id=_id(request), agent_id=_known(arena, request))
    return await _act(arena, request, Action.UNPAUSE_AGENT, command)


async def _evolve(arena: Arena, request: Request) -> dict[str, Any]:
    if _args(request, DryRunArgs).dry_run:
        return {"dry_run": True, **rehearse_cycle(arena.treasury)}
    noted = await _note(arena, request, Action.EVOLVE)
    return noted if noted["duplicate"] else {**noted, **await begin_cycle(arena)}


async def begin_cycle(arena: Arena) -> dict[str, Any]:
    """Run the cycle that an operator asked for, and return what came of it."""
    outcome = await arena.safe_run_evolution()
    if isinstance(outcome, EvolutionFailed):
        return {"cycle": outcome.cycle, "failed": {"step": outcome.step, "why": outcome.message}}
    return {"cycle": outcome.cycle, **_told(outcome)}


def _told(outcome: EvolutionCycleComplete) -> dict[str, Any]:
    return {"births": len(outcome.births), "deaths": len(outcome.deaths)}


VERBS: Mapping[Op, Verb] = {
    Op.PAUSE: _pause,
    Op.RESUME: _resume,
    Op.PANIC: _panic,
    Op.RESET_PANIC: _reset_panic,
    Op.SPAWN: _spawn,
    Op.KILL: _kill,
    Op.PAUSE_AGENT: _pause_agent,
    Op.UNPAUSE_AGENT: _unpause_agent,
    Op.EVOLVE: _evolve,
}
"""What is carried out between two ticks, by what is asked for."""


def _args(request: Request, kind: type[A]) -> A:
    """Return what `request` is told, which its parser has checked to be of this kind."""
    if not isinstance(request.args, kind):
        raise TypeError(f"{request.op} is told {kind.__name__}, not {request.args!r}")
    return request.args


def _id(request: Request) -> str:
    """Return the id of the command: no actor's own, of a tick to come for one, can be the same."""
    if request.id is None:
        raise TypeError(f"{request.op} has no id")
    return f"op/{request.id}"


def _known(arena: Arena, request: Request) -> AgentId:
    """Return the agent that is asked about.

    Raises:
        ControlError: There never was one of that name.
    """
    agent_id = AgentId(_args(request, AgentArgs).agent_id)
    if arena.treasury.find(agent_id) is None:
        raise ControlError(Code.NOT_FOUND, f"there is no agent {agent_id!r}")
    return agent_id


async def _note(arena: Arena, request: Request, action: Action) -> dict[str, Any]:
    return await _act(arena, request, action, None)


async def _act(
    arena: Arena, request: Request, action: Action, command: c.Command | None
) -> dict[str, Any]:
    """Have `command` decided on behalf of who asked, and return what it caused."""
    answer = await arena.send(
        c.OnBehalf(
            command_id=_id(request),
            by=request.by,
            reason=request.reason,
            action=action,
            command=command,
        )
    )
    if answer.refusal is not None:
        words = answer.detail or str(answer.refusal).replace("_", " ")
        raise ControlError(Code.REFUSED, words, reason=str(answer.refusal))
    return _receipt(answer)


def _receipt(answer: Answer) -> dict[str, Any]:
    first = answer.receipt.seq - len(answer.events) + 1
    return {
        "seq": answer.receipt.seq,
        "hash": answer.receipt.hash,
        "events": [_event(first + place, each) for place, each in enumerate(answer.events)],
        "duplicate": answer.duplicate,
    }


def _event(seq: int, event: Event) -> dict[str, Any]:
    return {"seq": seq, "type": type(event).__name__, "data": json.loads(encode(event))}


def _nothing(arena: Arena) -> dict[str, Any]:
    """Return the answer to what holds already."""
    head = arena.cast.allocator.head
    return {"seq": head.seq, "hash": head.hash, "events": [], "duplicate": False}
