"""What exchanges say of their markets: MADE BY HAND, not recorded, as small as ccxt accepts.

Of such answers no recording exists; nothing is asserted about them but that a symbol is found.
"""

from __future__ import annotations

from tests.actors.feeds.clients.loopback import Answer, Loopback


def have_markets(server: Loopback) -> None:
    """Let `server` know BTC at Binance, Kraken, OKX and Bybit."""
    perpetual = {"contractType": "PERPETUAL", "status": "TRADING", "contractStatus": "TRADING"}
    spot = {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"}
    linear = spot | perpetual | {"marginAsset": "USDT", "pair": "BTCUSDT"}
    inverse = perpetual | {
        "symbol": "BTCUSD_PERP",
        "pair": "BTCUSD",
        "baseAsset": "BTC",
        "quoteAsset": "USD",
        "marginAsset": "BTC",
        "contractSize": 100,
    }
    server.on("/api/v3/exchangeInfo", Answer({"symbols": [spot]}))
    server.on("/fapi/v1/exchangeInfo", Answer({"symbols": [linear]}))
    server.on("/dapi/v1/exchangeInfo", Answer({"symbols": [inverse]}))
    _have_kraken(server)
    _have_okx(server)
    linear_at_bybit = {
        "symbol": "BTCUSDT",
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": "BTC",
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "fundingInterval": 480,
        "lotSizeFilter": {},
        "priceFilter": {},
        "leverageFilter": {},
    }
    result = {"category": "linear", "list": [linear_at_bybit], "nextPageCursor": ""}
    server.on(
        "/v5/market/instruments-info",
        Answer({"retCode": 0, "retMsg": "OK", "result": result}),
    )


def _have_kraken(server: Loopback) -> None:
    pairs = {
        "XXBTZUSD": {"altname": "XBTUSD", "wsname": "XBT/USD", "base": "XXBT", "quote": "ZUSD"},
        "XBTUSDT": {"altname": "XBTUSDT", "wsname": "XBT/USDT", "base": "XXBT", "quote": "USDT"},
    }
    server.on("/0/public/AssetPairs", Answer({"error": [], "result": pairs}))
    future = {
        "symbol": "PF_XBTUSD",
        "type": "flexible_futures",
        "tradeable": True,
        "base": "BTC",
        "quote": "USD",
        "tickSize": 1,
        "contractSize": 1,
    }
    server.on(
        "/derivatives/api/v3/instruments", Answer({"result": "success", "instruments": [future]})
    )


def _have_okx(server: Loopback) -> None:
    kinds = {
        "SPOT": {"instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT"},
        "SWAP": {
            "instId": "BTC-USD-SWAP",
            "uly": "BTC-USD",
            "instFamily": "BTC-USD",
            "settleCcy": "BTC",
            "ctType": "inverse",
            "ctVal": "100",
        },
    }
    linear = {
        "instId": "BTC-USDT-SWAP",
        "uly": "BTC-USDT",
        "instFamily": "BTC-USDT",
        "settleCcy": "USDT",
        "ctType": "linear",
        "ctVal": "0.01",
    }

    def instruments(_path: str, query: object) -> Answer:
        kind = dict(query)["instType"]  # type: ignore[call-overload]
        data = [kinds[kind]] + ([linear] if kind == "SWAP" else [])
        return Answer(
            {
                "code": "0",
                "msg": "",
                "data": [{"instType": kind, "state": "live"} | d for d in data],
            }
        )

    server.on("/api/v5/public/instruments", instruments)
