"""The socket that HTTP comes in by: this machine's own addresses, and no other."""

from __future__ import annotations

import errno
import socket

from arena.exceptions import ArenaError, ValidationError

BACKLOG = 128
"""Connections that may wait to be taken."""

_HERE = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}


class PortTakenError(ArenaError):
    """Somebody else listens there already.

    Attributes:
        address: Where.
    """

    def __init__(self, address: str) -> None:
        super().__init__(f"somebody listens on {address} already; stop it, or take another port")
        self.address = address


def listen(address: str) -> socket.socket:
    """Return a socket that listens on `address`.

    Args:
        address: `127.0.0.1:PORT` or `[::1]:PORT`; port 0 is any that is free.

    Raises:
        ValidationError: It is an address of another kind: what comes from elsewhere comes through
            a proxy that speaks TLS.
        PortTakenError: Somebody else listens there.
        OSError: This machine has no such address, or the port is not for this user.
    """
    host, _, port = address.rpartition(":")
    family = _HERE.get(host.strip("[]"))
    if family is None or not port.isdecimal() or int(port) > 65_535:
        needed = "127.0.0.1:PORT or [::1]:PORT; from another machine one comes through a TLS proxy"
        raise ValidationError("http.bind", found=address, needed=needed)
    try:
        return socket.create_server(
            (host.strip("[]"), int(port)), family=family, backlog=BACKLOG, reuse_port=False
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(address) from error
        raise
