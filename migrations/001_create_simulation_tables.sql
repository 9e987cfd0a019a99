-- What belongs to a run but is no part of its hashed history.

-- `manifest` (what the run is), `genesis` (its hash) and `run_id`, then how it was run: host, engine,
-- log level.  Only the manifest is covered by the chain.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Starts, stops, resumes, jumps of the wall clock: true of the process, not of the run.  The history
-- must not know that it was interrupted, or a resumed run would differ from an unbroken one.
CREATE TABLE process_log (
    id INTEGER PRIMARY KEY,
    recorded_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    kind TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;

-- One row for each order that was executed or refused, derived from the events.  Costs are micro-USD;
-- a failed trade has no price and costs nothing.
CREATE TABLE trades (
    seq INTEGER NOT NULL REFERENCES events (seq),
    line INTEGER NOT NULL,
    order_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    instrument TEXT NOT NULL,
    quantity REAL NOT NULL,
    price REAL,
    fee INTEGER NOT NULL,
    slippage INTEGER NOT NULL,
    gas INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('success', 'failed')),
    reason TEXT,
    PRIMARY KEY (seq, line)
) STRICT, WITHOUT ROWID;

-- The latest state, so that a question about now needs no replay.  It may be deleted at any time.
CREATE TABLE arena_state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    as_of_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
