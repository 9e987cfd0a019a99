"""JSON over HTTP: one client for the providers that we speak to ourselves.

A key travels in a header or in a URL that is never shown: messages name the address without it, and
the libraries' own log lines, which would show it, are switched off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from actors.feeds.clients.answers import judge
from actors.feeds.clients.errors import ProviderError, TransientError
from actors.feeds.clients.pace import Pace

BODY_MAX = 64 << 20
"""Bytes of one answer; the longest that we know, all pools of DefiLlama, has about a quarter."""

for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # INFO shows whole URLs, keys included.

Query = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Address:
    """Where something is asked.

    Attributes:
        base: Scheme, host and prefix, as it is shown.
        secret: A part of the path after `base` that is not shown, such as a key.
    """

    base: str
    secret: str = ""

    @property
    def url(self) -> str:
        """The whole of it."""
        return f"{self.base}/{self.secret}" if self.secret else self.base


class Web:
    """Gets JSON, with the manners of a `Pace`."""

    def __init__(self, pace: Pace, headers: Mapping[str, str] | None = None) -> None:
        """Connect to nobody yet.

        Args:
            pace: How fast, and how often.
            headers: Sent with every request; they may hold a key.
        """
        self._pace = pace
        self._headers = dict(headers or {})
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(pace.patience.request_s),
            headers={"accept": "application/json", "user-agent": "treasury-arena"} | self._headers,
        )

    async def get(self, address: Address, path: str, query: Query | None = None) -> object:
        """Return the JSON value at `path`.

        Args:
            address: Where.
            path: After the address; it is shown in messages.
            query: Parameters.

        Raises:
            ProviderError: Refused, or it did not pass in time.
        """
        asked = httpx.QueryParams(dict(query or {}))
        place = f"{address.base}{path}" + (f"?{asked}" if query else "")
        return await self._pace.persist(place, lambda: self._attempt(address, path, asked, place))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _attempt(
        self, address: Address, path: str, query: httpx.QueryParams, place: str
    ) -> object:
        await self._pace.take(httpx.URL(address.base).host)
        try:
            async with asyncio.timeout(self._pace.patience.request_s):
                async with self._http.stream("GET", f"{address.url}{path}", params=query) as answer:
                    body = await _read(answer)
        except TimeoutError:
            found = f"no whole answer within {self._pace.patience.request_s:g} s"
            raise TransientError(found) from None
        except httpx.RequestError as error:
            raise TransientError(f"{type(error).__name__} on the way") from None
        if len(body) > BODY_MAX:
            found, needed = f"more than {BODY_MAX} bytes", "an answer that is shorter; ask for less"
            raise ProviderError(self._pace.provider, place, found=found, needed=needed)
        self._pace.heard(answer.headers)
        text = body.decode(errors="replace")
        if not answer.is_success:  # A server may repeat what it was sent.
            for secret in filter(None, (address.secret, *self._headers.values())):
                text = text.replace(secret, "[key]")
        now = self._pace.clock.stamp()
        return judge(self._pace.provider, place, answer.status_code, answer.headers, text, now)


async def _read(answer: httpx.Response) -> bytes:
    """Return the body, or the beginning of one that is longer than any we know."""
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > BODY_MAX:
            break
    return bytes(body)
