-- The history, and the money that it moved.

-- `recorded_at` is when the row was written, by the machine's clock; it is not hashed.  No number is
-- ever burnt: `seq` is given by the one writer inside its transaction, so AUTOINCREMENT is not used.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    event_type TEXT NOT NULL,
    type_version INTEGER NOT NULL,
    agent_id TEXT,
    timestamp TEXT NOT NULL,
    data TEXT NOT NULL,
    caused_by INTEGER REFERENCES events (seq) CHECK (caused_by < seq),
    command_id TEXT,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    recorded_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

-- One row is a whole transfer with both of its legs, so an imbalance cannot be expressed.  The bound
-- on `amount` (a thousand million dollars) keeps any sum of rows far inside 64 bits.
CREATE TABLE capital_ledger (
    event_seq INTEGER NOT NULL REFERENCES events (seq),
    line INTEGER NOT NULL,
    book TEXT NOT NULL CHECK (book IN ('real', 'virtual')),
    debit_account TEXT NOT NULL,
    credit_account TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0 AND amount <= 1000000000000000),
    reason TEXT NOT NULL,
    PRIMARY KEY (event_seq, line),
    CHECK (debit_account <> credit_account)
) STRICT, WITHOUT ROWID;

-- Each transfer as two signed lines with the running balance of their account: the form in which
-- people read a ledger.  `SELECT book, sum(delta) ... GROUP BY book` gives 0 and 0.
CREATE VIEW capital_ledger_legs AS
WITH legs (event_seq, line, book, account, delta, reason) AS (
    SELECT event_seq, line, book, debit_account, -amount, reason FROM capital_ledger
    UNION ALL
    SELECT event_seq, line, book, credit_account, amount, reason FROM capital_ledger
),
running AS (
    SELECT
        *,
        sum(delta) OVER (
            PARTITION BY book, account ORDER BY event_seq, line ROWS UNBOUNDED PRECEDING
        ) AS new_capital
    FROM legs
)
SELECT
    running.event_seq,
    running.line,
    running.book,
    events.event_id,
    running.account,
    CASE WHEN running.account GLOB 'agent:*' THEN substr(running.account, 7) END AS agent_id,
    running.new_capital - running.delta AS old_capital,
    running.new_capital,
    running.delta,
    running.reason,
    events.timestamp
FROM running
INNER JOIN events ON events.seq = running.event_seq;

-- The triggers are the last guard, against a writer with a bug and a hand with a shell.  They refuse
-- INSERT OR REPLACE too: a replaced `seq` is not the next one, and a replaced `event_id` is asked for,
-- because the delete trigger is silent in a connection without `recursive_triggers`.
CREATE TRIGGER events_insert BEFORE INSERT ON events
BEGIN
    SELECT RAISE(ABORT, 'events: seq is not the next number')
    WHERE NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events);
    SELECT RAISE(ABORT, 'events: prev_hash is not the hash of the entry before')
    WHERE NEW.prev_hash IS NOT coalesce(
        (SELECT hash FROM events WHERE seq = NEW.seq - 1),
        (SELECT value FROM meta WHERE key = 'genesis')
    );
    SELECT RAISE(ABORT, 'events: event_id is taken')
    WHERE EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id);
END;

CREATE TRIGGER events_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events: history is append-only');
END;

CREATE TRIGGER events_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events: history is append-only');
END;

CREATE TRIGGER capital_ledger_insert BEFORE INSERT ON capital_ledger
BEGIN
    SELECT RAISE(ABORT, 'capital_ledger: the row is not after the last one')
    FROM (SELECT event_seq, line FROM capital_ledger ORDER BY event_seq DESC, line DESC LIMIT 1) AS last
    WHERE (NEW.event_seq, NEW.line) <= (last.event_seq, last.line);
END;

CREATE TRIGGER capital_ledger_update BEFORE UPDATE ON capital_ledger
BEGIN
    SELECT RAISE(ABORT, 'capital_ledger: history is append-only');
END;

CREATE TRIGGER capital_ledger_delete BEFORE DELETE ON capital_ledger
BEGIN
    SELECT RAISE(ABORT, 'capital_ledger: history is append-only');
END;
