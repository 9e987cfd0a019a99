"""What speaks against a request, before any of its body is read.

The rule: each check looks at one thing and knows nothing of the others; their order is the list in
`guard`, and the first objection is the answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from actors.app.http.asked import STREAMS, Asked
from actors.app.http.limits import Limits
from actors.app.http.refusals import Refused

VERSIONS = ("1.0", "1.1")
METHODS = ("GET", "HEAD", "POST")

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._~:@!$&'()*+,;=/-]*", re.ASCII)


def own_hosts(port: int, more: Collection[str] = ()) -> frozenset[str]:
    """Return the values of `Host` that mean us.

    Args:
        port: Where we listen.
        more: Names under which a proxy that speaks TLS calls us.
    """
    names = {"127.0.0.1", "localhost", "[::1]"}
    own = {f"{name}:{port}" for name in names} | (names if port == 80 else set())
    return frozenset(own | {each + tls for each in more for tls in ("", ":443")})


class Objections:
    """Judges requests that are sent to one server."""

    def __init__(self, hosts: Collection[str], limits: Limits) -> None:
        """Know by which names the server is called, and what a request may cost."""
        self._hosts = frozenset(hosts)
        self._origins = {f"{kind}://{host}" for host in hosts for kind in ("http", "https")}
        self._limits = limits

    def first(self, asked: Asked) -> Refused | None:
        """Return why a request is not let in; None where nothing speaks against it."""
        checks = (self._size, self._host, self._sender, self._method, self._target, self._framing)
        return next(filter(None, (check(asked) for check in checks)), None)

    def _size(self, asked: Asked) -> Refused | None:
        limits = self._limits
        if asked.scope["http_version"] not in VERSIONS:
            return Refused(400, "bad_request", "that is no HTTP/1.1")
        if len(asked.headers) > limits.headers_max:
            needed = f"at most {limits.headers_max} headers are read"
        elif asked.header_bytes > limits.header_bytes_max:
            needed = f"at most {limits.header_bytes_max} bytes of headers are read"
        else:
            return None
        return Refused(431, "headers_too_large", needed)

    def _host(self, asked: Asked) -> Refused | None:
        hosts = asked.values(b"host")
        if len(hosts) == 1 and hosts[0].lower() in self._hosts:
            return None
        return Refused(421, "wrong_host", "this server is not called by that name")

    def _sender(self, asked: Asked) -> Refused | None:
        origins = asked.values(b"origin")
        foreign = any(each.lower() not in self._origins for each in origins)
        sites = asked.values(b"sec-fetch-site")
        if foreign or len(origins) > 1 or any("cross-site" in each.lower() for each in sites):
            return Refused(403, "foreign_origin", "no other site may ask")
        return None

    def _method(self, asked: Asked) -> Refused | None:
        if asked.method in METHODS and not (asked.method == "HEAD" and asked.path in STREAMS):
            return None
        return Refused(405, "method_not_allowed", "GET, HEAD and POST are", allow=METHODS)

    def _target(self, asked: Asked) -> Refused | None:
        if asked.target_bytes > self._limits.target_bytes_max:
            needed = f"at most {self._limits.target_bytes_max} bytes of path and query are read"
            return Refused(414, "target_too_long", needed)
        if _PLAIN_PATH.fullmatch(asked.path) and not _wanders(asked):
            return None
        return Refused(404, "not_found", "nothing is there")

    def _framing(self, asked: Asked) -> Refused | None:
        """Look at what is said about the body, before any of it is read."""
        lengths = asked.values(b"content-length")
        chunked = asked.values(b"transfer-encoding")
        if lengths and chunked:
            return Refused(400, "bad_request", "a body has one length: chunks, or a number")
        if asked.method != "POST":
            if chunked or any(each != "0" for each in lengths):
                return Refused(400, "unexpected_body", "a question has no body")
            return None
        if asked.values(b"content-encoding"):
            return Refused(415, "unsupported_encoding", "bodies come as they are, not compressed")
        kinds = asked.values(b"content-type")
        if len(kinds) != 1 or kinds[0].partition(";")[0].strip().lower() != "application/json":
            return Refused(415, "unsupported_media_type", "application/json is read")
        if lengths and int(lengths[0]) > self._limits.body_bytes_max:
            return body_too_large(self._limits)
        return None


def body_too_large(limits: Limits) -> Refused:
    """Return the objection to a body that is longer than it may be."""
    needed = f"at most {limits.body_bytes_max} bytes of body are read"
    return Refused(413, "body_too_large", needed)


def _wanders(asked: Asked) -> bool:
    """Return whether a path has parts that mean another one, or hides a separator."""
    hidden = any(each in asked.raw_path.lower() for each in (b"%2f", b"%5c", b"%25"))
    return hidden or "//" in asked.path or bool({".", ".."} & {*asked.path.split("/")})
