"""Serving: uvicorn on a socket that is there already, with our door and our clocks.

The rule: uvicorn reads HTTP and nothing else is its business.  It opens no port, hears no signal,
writes no log of who asked, and does not name itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Collection, Iterator

from uvicorn import Config, Server

from actors.app.http.guard import App, Guard
from actors.app.http.limits import LIMITS, Limits
from actors.app.http.objections import own_hosts
from actors.app.http.protocol import timed_protocol

_DATE_S = 1.0


class WebServer(Server):
    """One application on one socket."""

    def __init__(
        self,
        app: App,
        listener: socket.socket,
        *,
        hosts: Collection[str] = (),
        limits: Limits = LIMITS,
    ) -> None:
        """Serve nothing yet.

        Args:
            app: Who answers what the guard lets in.
            listener: Listens; closed when the serving ends.
            hosts: Names under which a proxy calls us.
            limits: What the clients may cost.
        """
        port = listener.getsockname()[1]
        guarded = Guard(app, hosts=own_hosts(port, hosts), limits=limits)
        super().__init__(_config(guarded, limits))
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        logging.getLogger("asyncio").setLevel(logging.ERROR)  # Who leaves in mid-stream is no news.
        self._listener = listener
        self._stopping = asyncio.Event()

    async def run_until_stopped(self) -> None:
        """Serve until `stop`, and then for as long as what is under way may take."""
        await self.serve(sockets=[self._listener])

    def stop(self) -> None:
        """End soon; to be called on the loop."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Wait for the end; the time of day in the headers is renewed meanwhile."""
        while not self._stopping.is_set():
            await self.on_tick(0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DATE_S):
                    await self._stopping.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever started us."""
        yield


def _config(app: App, limits: Limits) -> Config:
    return Config(
        app,
        http=timed_protocol(limits),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=limits.keep_alive_s,
        timeout_graceful_shutdown=limits.drain_s,
    )
