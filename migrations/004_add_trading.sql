-- What a trade was beyond what was asked, and four ways to look at trading.  The views repeat
-- nothing: they say what the events and the trades say, so that nothing can disagree.

-- Units that were ordered, where the market gave fewer.  An older run knows of none.
ALTER TABLE trades ADD COLUMN asked REAL;

-- What made it happen: an order, a quote that was traded through, or a liquidation.
ALTER TABLE trades ADD COLUMN cause TEXT NOT NULL DEFAULT 'order'
CHECK (cause IN ('order', 'quote', 'liquidation'));

-- Micro-USD that were traded, where that is not quantity x price.
ALTER TABLE trades ADD COLUMN notional INTEGER;

-- Every step of every trade: pending, executing, success or failed.  What somebody submitted is
-- pending from its own event on (its command is called trade-<order_id>, and no other is), what an
-- agent decided is on record with its outcome.  What failed
-- a check was never executing; what was forced was never pending.
CREATE VIEW execution_log AS
WITH submitted (seq, order_id, agent_id) AS (
    SELECT seq, substr(command_id, length('trade-') + 1), agent_id
    FROM events WHERE event_type = 'TradeSubmitted'
),
steps (event_seq, line, step, order_id, agent_id, status, reason) AS (
    SELECT seq, 1, 1, order_id, agent_id, 'pending', NULL FROM submitted
    UNION ALL
    SELECT seq, line, 1, order_id, agent_id, 'pending', NULL FROM trades
    WHERE cause <> 'liquidation' AND (status = 'failed' OR reason IS NULL)
        AND order_id NOT IN (SELECT order_id FROM submitted)
    UNION ALL
    SELECT seq, line, 2, order_id, agent_id, 'executing', NULL FROM trades
    WHERE status = 'success' OR reason = 'venue_failed'
    UNION ALL
    SELECT seq, line, 3, order_id, agent_id, status, reason FROM trades
)
SELECT
    steps.event_seq,
    steps.line,
    steps.step,
    steps.order_id,
    steps.agent_id,
    steps.status,
    events.timestamp AS at,
    steps.reason
FROM steps
INNER JOIN events ON events.seq = steps.event_seq;

-- What is run now: the manifest of the newest fork, or the run's own.
CREATE VIEW rules_now AS
SELECT coalesce(
    (
        SELECT json_extract(data, '$.manifest') FROM events
        WHERE event_type = 'RunForked' ORDER BY seq DESC LIMIT 1
    ),
    (SELECT value FROM meta WHERE key = 'manifest')
) AS manifest;

-- Most exposure of one agent, micro-USD: the newest event's word, or else the manifest's.
CREATE VIEW position_limits AS
WITH changed (instrument, most, seq) AS (
    SELECT json_extract(data, '$.instrument'), json_extract(data, '$.most'), max(seq)
    FROM events WHERE event_type = 'PositionLimitSet' GROUP BY 1
)
SELECT instrument, most, seq AS as_of_seq FROM changed
UNION ALL
SELECT key, value, NULL
FROM rules_now, json_each(manifest, '$.terms.limits.positions')
WHERE key NOT IN (SELECT instrument FROM changed);

-- What may be placed in each protocol: the newest event's word, or else the manifest's.
CREATE VIEW protocol_config AS
WITH changed (protocol, enabled, share_bp, seq) AS (
    SELECT
        json_extract(data, '$.protocol'),
        json_extract(data, '$.enabled'),
        json_extract(data, '$.share_bp'),
        max(seq)
    FROM events WHERE event_type = 'ProtocolConfigured' GROUP BY 1
),
limited (protocol, enabled, share_bp) AS (
    SELECT key, json_extract(value, '$.enabled'), json_extract(value, '$.share_bp')
    FROM rules_now, json_each(manifest, '$.terms.limits.protocols')
),
known (protocol) AS (
    SELECT json_extract(value, '$.protocol') FROM rules_now, json_each(manifest, '$.terms.instruments')
    UNION
    SELECT protocol FROM limited
)
SELECT
    known.protocol,
    coalesce(changed.enabled, limited.enabled, 1) AS enabled,
    coalesce(
        CASE WHEN changed.seq IS NULL THEN limited.share_bp ELSE changed.share_bp END,
        json_extract(rules_now.manifest, '$.rules.risk.per_protocol_bp')
    ) AS share_bp,
    changed.seq AS as_of_seq
FROM known
CROSS JOIN rules_now
LEFT JOIN changed ON changed.protocol = known.protocol
LEFT JOIN limited ON limited.protocol = known.protocol
WHERE known.protocol IS NOT NULL;
