"""There is room for reads, for streams and for control, and none of them takes another's."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from actors.app.http.guard import Guard
from actors.app.http.limits import Limits
from actors.app.http.objections import own_hosts
from actors.runtime import spawn
from actors.runtime.tasks import wait_ended

LIMITS = Limits(reads_max=2, streams_max=1, controls_max=1, body_s=5)
LANES = {
    ("GET", "/api/v1/status"): 2,
    ("GET", "/api/v1/stream"): 1,
    ("POST", "/api/v1/control/pause"): 1,
}


class House:
    """A guarded application that answers when it is told to."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.guard = Guard(self.app, hosts=own_hosts(80), limits=LIMITS)
        self.statuses: list[int] = []

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await self.answers.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"server", b"x")]})
        await send({"type": "http.response.body", "body": b"."})

    async def ask(self, method: str, path: str) -> None:
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": headers,
        }
        await self.guard(scope, _nothing_more, self._hear)

    async def _hear(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])
            assert b"server" not in dict(message["headers"])


async def _nothing_more() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane[1])
@pytest.mark.asyncio
async def test_one_more_than_there_is_room_for_is_told_to_come_back(lane: tuple[str, str]) -> None:
    house = House()
    under_way = [
        spawn("asks", lambda each=each: house.ask(*each), on_exit=lambda _: None)
        for each, room in LANES.items()
        for _ in range(room)
    ]
    await asyncio.sleep(0)

    await house.ask(*lane)
    too_many = list(house.statuses)
    house.answers.set()
    for task in under_way:
        await wait_ended(task)
    await house.ask(*lane)

    assert too_many == [503]
    assert house.statuses[1:] == [200] * (sum(LANES.values()) + 1)
