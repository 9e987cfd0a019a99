"""What the writer says of itself, asked for on behalf of everybody.

The rule: however many want to know, the writer is asked once, and again no sooner than `FRESH_S`
later.  Where it is in the middle of a tick, who reads gets what it said last, after `QUICK_S`;
where that is too old, nobody waits for longer than `PATIENCE_S`, and does without.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Protocol

from actors.app.control.errors import ControlError, NoAnswerError
from actors.runtime import Exit, spawn

FRESH_S = 0.5
PATIENCE_S = 1.0
QUICK_S = 0.02
STALE_S = 10.0
"""How old an answer may be that is given for one which does not come at once."""

NOTED_S = 3.0
"""How old it may be without a word about it."""

NOBODY = "no daemon serves this run"


class Asks(Protocol):
    """Somebody who asks the writer; `actors.app.control.client.AsyncControlClient` is one."""

    async def ask(self, op: str) -> dict[str, Any]:
        """Ask for `op` and return its result; raise `ControlError` where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """What the writer said.

    Attributes:
        result: Its answer; None where there is none.
        note: Why there is none, or how old it is; None where there is a new one.
        at: When, in seconds of the loop's clock.
    """

    result: dict[str, Any] | None
    note: str | None
    at: float


class Writer:
    """Asks the writer what changes nothing."""

    def __init__(self, control: Asks | None) -> None:
        """Ask by way of `control`; None where nobody writes."""
        self._control = control
        self._known: dict[str, Said] = {}
        self._asking: dict[str, asyncio.Future[Said]] = {}

    @property
    def present(self) -> bool:
        """Whether there is somebody to ask."""
        return self._control is not None

    async def ask(self, op: str) -> Said:
        """Return what the writer answers to `op`; that may be up to `STALE_S` old."""
        now = asyncio.get_running_loop().time()
        if self._control is None:
            return Said(None, NOBODY, now)
        known = self._known.get(op)
        if known is not None and now - known.at < FRESH_S:
            return known
        if op not in self._asking:
            self._begin(op, self._control)
        usable = known if known is not None and now - known.at < STALE_S and known.result else None
        try:
            async with asyncio.timeout(PATIENCE_S if usable is None else QUICK_S):
                return await asyncio.shield(self._asking[op])
        except TimeoutError:
            if usable is not None:
                return _dated(usable, asyncio.get_running_loop().time() - usable.at)
            return Said(None, f"the daemon did not answer within {PATIENCE_S:g} s", now)

    def _begin(self, op: str, control: Asks) -> None:
        """Ask in a task of its own, which goes on although whoever wanted to know has left."""
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._asking[op] = answer

        async def ask() -> None:
            result, note = await _ask(control, op)
            self._known[op] = Said(result, note, asyncio.get_running_loop().time())

        def ended(ended: Exit) -> None:
            del self._asking[op]
            broken = Said(None, f"asking the daemon broke: {ended.error!r}", 0.0)
            answer.set_result(broken if ended.error is not None else self._known[op])

        spawn(f"ask-{op}", ask, on_exit=ended)


def _dated(said: Said, age_s: float) -> Said:
    note = f"the daemon said so {age_s:.0f} s ago, and is busy" if age_s > NOTED_S else None
    return replace(said, note=note)


async def _ask(control: Asks, op: str) -> tuple[dict[str, Any] | None, str | None]:
    try:
        return await control.ask(op), None
    except ControlError as error:
        return None, error.message
    except (NoAnswerError, OSError) as error:
        return None, str(error)
