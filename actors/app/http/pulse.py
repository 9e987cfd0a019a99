"""The pulse of the writer: what it last said of itself, and how long ago that was.

The rule: whoever asks for health is answered from here, at once.  The pulse is taken in a task of
its own, `BEAT_S` after the last one; a writer that does not answer makes it old, and nobody wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from actors.app.http.writer import Writer
from actors.runtime import Exit, spawn, wait_ended

BEAT_S = 1.0
FULL_EVERY = 5
"""How often the writer is asked, and which of its answers is a whole one: the others are health
alone, which costs it next to nothing."""


class WriterPulse:
    """The pulse of one writer.

    Attributes:
        status: What it last answered to `status`, with what it answered to `health` since; None
            before it has.
        note: Why the last question got no answer; None where it got one.
    """

    def __init__(self, writer: Writer) -> None:
        """Ask nothing yet."""
        self.status: Mapping[str, Any] | None = None
        self.note: str | None = None
        self._writer = writer
        self._seen_s = 0.0
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[Exit] | None = None

    @property
    def expected(self) -> bool:
        """Whether there is a writer to ask: where a stored run is shown there is none."""
        return self._writer.present

    @property
    def age_s(self) -> float:
        """Seconds since it last answered; since `start`, where it has not."""
        return asyncio.get_running_loop().time() - self._seen_s

    def start(self) -> None:
        """Begin to ask."""
        self._seen_s = asyncio.get_running_loop().time()
        if self.expected:
            self._task = spawn("pulse", self._take, on_exit=self._ended)

    async def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()
        if self._task is not None:
            await wait_ended(self._task)

    async def _take(self) -> None:
        beats = 0
        while not self._stopping.is_set():
            whole = self.status is None or beats % FULL_EVERY == 0
            said = await self._writer.ask("status" if whole else "health")
            self.note = said.note
            if said.result is not None:
                beats += 1
                self.status = {**(self.status or {}), **said.result}
                self._seen_s = said.at
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._stopping.wait()

    def _ended(self, exited: Exit) -> None:
        if exited.error is not None:
            self.note = f"the pulse broke: {exited.error!r}"
