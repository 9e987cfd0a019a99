"""The web, put together: the app, who may change something, the page, and the server under them.

The rule: what one process needs is made here and nowhere else, from what it was told.  With a
control socket it is the web of a daemon; without one it shows a stored run, and changes nothing.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Collection
from pathlib import Path

import structlog
from fastapi import FastAPI
from structlog.contextvars import bind_contextvars

from actors.app.control.client import AsyncControlClient
from actors.app.http import health, metrics, page
from actors.app.http.app import Plug, make_app
from actors.app.http.limits import LIMITS, Limits
from actors.app.http.pulse import WriterPulse
from actors.app.http.routes_control import control_router
from actors.app.http.server import WebServer
from actors.app.http.settings import WorkerSettings
from actors.app.http.source import Source
from actors.app.http.tokens import Tokens, read_token
from actors.app.log import configure_log
from actors.journal.chain import run_id_of
from actors.journal.reader import open_run
from arena.exceptions import EventSourcingError

_CHUNK = 4096

SWITCH_S = 0.001
"""How long the thread that folds the journal may keep one from answering."""

_log = structlog.wrap_logger(logging.getLogger(__name__))


def application(
    run: Path,
    *,
    control: AsyncControlClient | None = None,
    token: bytes | None = None,
    limits: Limits = LIMITS,
) -> FastAPI:
    """Return the whole app that shows a run.

    Args:
        run: Its folder, or the `run.db` in it.
        control: Asks the daemon that writes it; None where there is none.
        token: What has to be said to change something; None where nobody may.
        limits: How many wrong tokens are looked at.
    """
    routes = control_router(control, Tokens(token, limits=limits))
    plug = Plug(routers=(page.router, health.router, metrics.router, routes))
    app = make_app(Source(run), control=control, plugs=[plug])
    app.state.pulse = WriterPulse(app.state.reading.writer)
    return app


async def serve(
    app: FastAPI,
    listener: socket.socket,
    *,
    hosts: Collection[str] = (),
    stops: Callable[[Callable[[], None]], None],
) -> None:
    """Serve `app` on `listener` until somebody stops it.

    Args:
        app: From `application`.
        listener: Closed at the end.
        hosts: Names under which a proxy calls us.
        stops: Given the function that stops it, once it can be stopped.
    """
    server = WebServer(app, listener, hosts=hosts)
    stops(server.stop)
    app.state.pulse.start()
    try:
        await server.run_until_stopped()
    finally:
        await app.state.pulse.stop()


def serve_worker(settings: WorkerSettings, stdin: int) -> None:
    """Serve until SIGTERM, or until `stdin` ends."""
    sys.setswitchinterval(SWITCH_S)
    configure_log(settings.log)
    _name_run(settings.run)
    control = AsyncControlClient(Path(settings.socket)) if settings.socket else None
    token = read_token(Path(settings.token_file)) if settings.token_file else None
    app = application(Path(settings.run), control=control, token=token)
    listener = socket.socket(fileno=settings.fd)

    def stop_when_unwanted(stop: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()

        def hear() -> None:
            if not os.read(stdin, _CHUNK):
                loop.remove_reader(stdin)
                stop()

        loop.add_signal_handler(signal.SIGTERM, stop)
        loop.add_reader(stdin, hear)
        gc.freeze()  # What was imported stays, and is looked at no more.
        _log.info("web_ready", port=settings.port, pid=os.getpid())

    asyncio.run(serve(app, listener, hosts=settings.hosts, stops=stop_when_unwanted))
    _log.info("web_ended", pid=os.getpid())


def _name_run(run: str) -> None:
    """Let each line of the log name the run; one that cannot be read now may be read later."""
    try:
        with open_run(run) as stored:
            bind_contextvars(run_id=str(run_id_of(stored.manifest())))
    except EventSourcingError as error:
        _log.warning("web_run_unreadable", error=str(error))
