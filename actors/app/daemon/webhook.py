"""One message to a webhook.

The rule: whoever is told has a few seconds for all of it, however they are spent: httpx waits that
long for each piece, and who sends an answer letter by letter would hold the thread for days.
Redirects are not followed, and no word that comes back has a part of the URL in it.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

_AGAIN = {408, 425, 429}
_CONNECTED = {"connection.connect_tcp.complete", "connection.start_tls.complete"}
"""When httpcore tells its trace of a socket; that of TLS takes the place of the first."""


def post(url: str, body: Mapping[str, Any], within_s: float) -> tuple[str, bool]:
    """Send `body` as JSON.

    Args:
        url: Where to, http or https.
        body: What is told.
        within_s: Seconds for all of it.

    Returns:
        What was wrong with it, nothing where it was taken, and whether to try again.  The words are
        the name of an error or a status: the text of an error may hold the URL.
    """
    import httpx  # noqa: PLC0415  # of the extra `serve`

    for name in ("httpx", "httpcore"):  # They would log the URL.
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with (
            httpx.Client(timeout=within_s, follow_redirects=False) as client,
            _cut_after(within_s) as cut,
            client.stream("POST", url, json=body, extensions={"trace": cut.trace}) as answer,
        ):
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return type(error).__name__, True
    if 200 <= status < 300:
        return "", False
    return f"status {status}", status >= 500 or status in _AGAIN


@contextmanager
def _cut_after(seconds: float) -> Iterator[_Cut]:
    """End the connection of a request after so many seconds, unless it has ended by then."""
    cut = _Cut()
    timer = threading.Timer(seconds, cut.end)
    timer.daemon = True
    timer.start()
    try:
        yield cut
    finally:
        timer.cancel()
        timer.join()


class _Cut:
    """Ends the connection of one request."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._over = False

    def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Hear from httpcore how far it is."""
        if name in _CONNECTED:
            self._socket = info["return_value"].get_extra_info("socket")
            if self._over:
                self.end()

    def end(self) -> None:
        """End it: at once, or as soon as it begins."""
        self._over = True
        if self._socket is not None:
            with suppress(OSError):  # It is closed already.
                self._socket.shutdown(socket.SHUT_RDWR)
