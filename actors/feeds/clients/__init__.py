"""Series from providers on the network: exchanges, CoinGecko, DefiLlama, behind one port.

    async with open_client("binance") as client:
        await download(client, store, key, start_ms, end_ms, clock=clock)

`download` asks for what the store does not have, and only for bars that are finished.

Needs the extra `data`.  What a client does about the quirks of its provider stands in
`docs/reference/data-sources.md`.
"""

from actors.feeds.clients.download import download
from actors.feeds.clients.errors import ProviderError
from actors.feeds.clients.opening import PROVIDERS, open_client
from actors.feeds.clients.pace import Patience
from actors.feeds.clients.port import SeriesClient, SeriesRequest

__all__ = [
    "PROVIDERS",
    "Patience",
    "ProviderError",
    "SeriesClient",
    "SeriesRequest",
    "download",
    "open_client",
]
