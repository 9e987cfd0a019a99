"""The trades of one run, read from its table: by whom, of which status, and what they add up to."""

from __future__ import annotations

import sqlite3

from actors.journal.port import TradeTotals
from actors.journal.schema import schema_version

_NEWER = 4
"""The schema that has these columns; beside each stands what an older one would have said."""

_ADDED = {"asked": "NULL", "cause": "'order'", "notional": "NULL"}

_COLUMNS = (
    "seq, line, order_id, agent_id, instrument, quantity, price, fee, slippage, gas, status, reason"
)
_TOTALS = """
    SELECT count(*), total(status = 'success'), total(fee), total(slippage), total(gas),
           total(coalesce({notional}, CAST(round(abs(quantity * price) * 1e6) AS INTEGER)))
    FROM trades INNER JOIN events USING (seq)
    WHERE timestamp >= :low AND timestamp < :high AND seq <= :upto
        AND (:agent_id IS NULL OR trades.agent_id = :agent_id)
"""
_SEQ_MAX = 2**63 - 1


def trade_columns(connection: sqlite3.Connection) -> str:
    """Return the columns of a `TradeRow`, as SQL, whatever the run's schema."""
    added = _ADDED if schema_version(connection) < _NEWER else dict.fromkeys(_ADDED)
    return ", ".join((_COLUMNS, *(value or name for name, value in added.items())))


def trade_totals(
    connection: sqlite3.Connection,
    *,
    agent_id: str | None = None,
    low: str = "",
    high: str = "~",
    upto: int | None = None,
) -> TradeTotals:
    """Return what the trades add up to.

    Args:
        connection: To the run.
        agent_id: Only this agent's.
        low: Only what is stamped with this instant or a later one.
        high: Only what is stamped with an earlier instant.
        upto: Only up to this event; None leaves out nothing.
    """
    last = _SEQ_MAX if upto is None else upto
    where = {"agent_id": agent_id, "low": low, "high": high, "upto": last}
    notional = "NULL" if schema_version(connection) < _NEWER else "notional"
    row = connection.execute(_TOTALS.format(notional=notional), where).fetchone()
    return TradeTotals(*map(int, row))
