"""Where the trading of a stored run stands: what it may do, what waits, what it did."""

from __future__ import annotations

from typing import Any

from actors.app.latest import fold_latest
from actors.journal.codec import decode
from actors.journal.port import TradeTotals
from actors.journal.reader import JournalReader
from arena.events import OpeningsPaused, TradingHalted
from arena.treasury import Treasury
from arena.words import ALL, ARENA_SCOPE, StopMode

RECENT = 10
"""How many of the last executions are shown."""

BPS = 10_000


def trading_status(run: JournalReader) -> dict[str, Any]:
    """Return the mode of trading and why, what is pending, what was executed, the last trades.

    Today is the last day that was settled: what is stamped with its close.

    Raises:
        EventSourcingError: The run is damaged.
    """
    treasury = fold_latest(run)
    settled = next(run.entries(limit=1, event_type="TickSettled", newest_first=True), None)
    today = run.trade_totals(settled.timestamp) if settled else TradeTotals()
    return {
        "tick": treasury.tick,
        "at": settled.timestamp if settled else None,
        "completed": treasury.completed,
        **_mode(run, treasury),
        "pending": [
            {
                "order_id": order.order_id,
                "agent_id": order.agent_id,
                "instrument": order.instrument,
                "quantity": order.quantity,
            }
            for order in treasury.pending.values()
        ],
        "today": _totals(today),
        "total": _totals(run.trade_totals()),
        "recent": [trade._asdict() for trade in run.last_trades(RECENT, status="success")],
    }


def _mode(run: JournalReader, treasury: Treasury) -> dict[str, Any]:
    """Return what trading may do, since when, and why: the strictest that holds."""
    if ALL in treasury.halted:
        mode = "halted" if treasury.stop_mode == StopMode.WIND_DOWN else "paused"
        return _since(run, mode, ALL, treasury.halted[ALL], TradingHalted)
    if ARENA_SCOPE in treasury.halted:
        since = treasury.halted[ARENA_SCOPE]
        return _since(run, "halted", ARENA_SCOPE, since, TradingHalted)
    if ARENA_SCOPE in treasury.reduced:
        since = treasury.reduced[ARENA_SCOPE]
        return _since(run, "reduce_only", ARENA_SCOPE, since, OpeningsPaused)
    return {"mode": "normal", "scope": None, "since": None, "reason": None}


def _since(run: JournalReader, mode: str, scope: str, tick: int, kind: type) -> dict[str, Any]:
    reason = None
    for entry in run.entries(event_type=kind.__name__, newest_first=True):
        event = decode(entry.event_type, entry.type_version, entry.data, seq=entry.seq)
        if isinstance(event, (TradingHalted, OpeningsPaused)) and event.scope == scope:
            reason = event.reason if isinstance(event, TradingHalted) else "fund_drawdown"
            break
    return {"mode": mode, "scope": scope, "since": tick, "reason": reason}


def _totals(found: TradeTotals) -> dict[str, Any]:
    return {
        "trades": found.total,
        "successful": found.successful,
        "failed": found.total - found.successful,
        "success_rate": found.successful / found.total if found.total else 0.0,
        "fees": found.fees,
        "slippage": found.slippage,
        "slippage_bps_average": found.slippage / found.notional * BPS if found.notional else 0.0,
        "gas": found.gas,
    }
