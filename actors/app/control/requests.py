"""What can be asked of a daemon, and the form of its answer.

The rule: a request is checked whole, before anything of it is done.  Whatever is in it that is not
known, of another type or out of its range makes it a `bad_request`, which says where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from actors.app.control.errors import ControlError
from actors.app.control.wire import REPLY_MAX, bad_request, load

PROBLEMS_MAX = 3
"""How many of a request's problems its answer names."""

REASON_MAX = 500
"""Characters of a reason."""

DRAIN_MAX_S = 3600
"""Seconds that a stop may wait at most."""


class Op(StrEnum):
    """What can be asked for."""

    STATUS = "status"
    ACTORS = "actors"
    HEALTH = "health"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    RELOAD = "reload"
    PANIC = "panic"
    RESET_PANIC = "reset-panic"
    EVOLVE = "evolve"
    SPAWN = "spawn"
    KILL = "kill"
    PAUSE_AGENT = "pause-agent"
    UNPAUSE_AGENT = "unpause-agent"

    @property
    def changes(self) -> bool:
        """Whether it changes something, and so needs an id and somebody who answers for it."""
        return self not in {Op.STATUS, Op.ACTORS, Op.HEALTH}


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("found a character that cannot be printed")
    return text


Name: TypeAlias = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_-]{0,62}$")]
ParameterName: TypeAlias = Annotated[
    str, StringConstraints(pattern="^[A-Za-z_][A-Za-z0-9_]{0,62}$")
]
ParameterText: TypeAlias = Annotated[
    str, StringConstraints(max_length=256), AfterValidator(_printable)
]
By: TypeAlias = Annotated[str, StringConstraints(max_length=64), AfterValidator(_printable)]
Reason: TypeAlias = Annotated[
    str, StringConstraints(max_length=REASON_MAX), AfterValidator(_printable)
]
CommandId: TypeAlias = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9._:-]{1,64}$")]


class Args(BaseModel):
    """What an `op` is told; this is that of those which are told nothing."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class StopArgs(Args):
    """How to stop.

    Attributes:
        drain_s: Seconds that what is under way may take; None is the config's `daemon.drain_s`.
    """

    drain_s: Annotated[float, Field(ge=0, le=DRAIN_MAX_S)] | None = None


class DryRunArgs(Args):
    """How to reload, or to evolve.

    Attributes:
        dry_run: Only say what would be done.
    """

    dry_run: bool = False


class PanicArgs(Args):
    """How to stop trading.

    Attributes:
        wind_down: Sell everything as well.
    """

    wind_down: bool = False


class SpawnArgs(Args):
    """Whom to give birth to.

    Attributes:
        strategy: Its strategy.
        parameters: Those that are not the strategy's defaults.
    """

    strategy: Name
    parameters: Annotated[
        dict[ParameterName, bool | int | float | ParameterText | None], Field(max_length=64)
    ] = {}


class AgentArgs(Args):
    """Whom to kill, to pause, or to let go on.

    Attributes:
        agent_id: Who.
    """

    agent_id: Name


ARGS: Mapping[Op, type[Args]] = {
    Op.STOP: StopArgs,
    Op.RELOAD: DryRunArgs,
    Op.EVOLVE: DryRunArgs,
    Op.PANIC: PanicArgs,
    Op.SPAWN: SpawnArgs,
    Op.KILL: AgentArgs,
    Op.PAUSE_AGENT: AgentArgs,
    Op.UNPAUSE_AGENT: AgentArgs,
}
"""What each `op` is told; one that does not stand here is told nothing."""


class Request(BaseModel):
    """Something that somebody asks for.

    Attributes:
        op: What.
        id: The key under which a change is done once, however often it is asked for.
        by: Who answers for it, such as `cli:ada`.
        reason: Why, for the record.
        args: What the `op` is told: see `ARGS`.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    op: Op
    id: CommandId | None = None
    by: By = ""
    reason: Reason = ""
    args: Args = Args()


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: a result, or why there is none.

    Attributes:
        result: What came of it, as plain JSON.
        error: Why nothing did; then there is no result.
    """

    result: Mapping[str, Any] | None = None
    error: ControlError | None = None

    def line(self) -> bytes:
        """Return it as it is sent.

        Raises:
            ValueError: No JSON can say it, or it is too long.
            TypeError: It holds something else than plain data.
        """
        said: dict[str, Any]
        if self.error is None:
            said = {"ok": True, "result": dict(self.result or {})}
        else:
            said = {"ok": False, "error": problem_of(self.error)}
        line = json.dumps(said, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        if len(line) > REPLY_MAX:
            raise ValueError(f"a reply of {len(line)} bytes; at most {REPLY_MAX} can be sent")
        return line


def problem_of(error: ControlError) -> dict[str, Any]:
    """Return `code`, `message` and `status` of an error, and the `reason` of a refusal."""
    said = {"code": str(error.code), "message": error.message, "status": error.status}
    return said if error.reason is None else said | {"reason": error.reason}


def parse_request(line: bytes) -> Request:
    """Return the request that a line holds.

    Raises:
        ControlError: `bad_request`: it holds none that can be carried out.
    """
    said = load(line)
    if not isinstance(said, dict):
        raise bad_request("a request is an object")
    word = said.get("op")
    if not isinstance(word, str) or word not in [*Op]:
        raise bad_request(f"op: needed is one of {', '.join(Op)}")
    op = Op(word)
    try:
        args = ARGS.get(op, Args).model_validate(said.get("args", {}))
    except ValidationError as error:
        raise bad_request(_said(error, "args")) from None
    try:
        request = Request.model_validate(said | {"op": op, "args": args})
    except ValidationError as error:
        raise bad_request(_said(error)) from None
    _check_answerable(request)
    return request


def _check_answerable(request: Request) -> None:
    """Check that a change has an id, and somebody who answers for it."""
    if request.op.changes:
        for name in ("id", "by"):
            if not getattr(request, name):
                raise bad_request(f"{name}: {request.op} changes something, and needs one")


def _said(error: ValidationError, *places: str) -> str:
    """Return what is wrong, and where; what a stranger wrote is quoted as a place only."""
    return "; ".join(_problems(error, places))


def _problems(error: ValidationError, places: tuple[str, ...]) -> Iterator[str]:
    for each in error.errors(include_url=False, include_input=False)[:PROBLEMS_MAX]:
        place = ".".join(str(part)[:64] for part in (*places, *each["loc"]))
        said = each["msg"].removeprefix("Value error, ")
        message = "unknown key" if each["type"] == "extra_forbidden" else said
        yield f"{ascii(place)[1:-1] or 'the request'}: {message}"
