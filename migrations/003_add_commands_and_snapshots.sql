-- What was asked and answered, and where a resumed run may begin.

-- One row for each command that was decided, written with the events that it caused: the same id and
-- the same body get the same answer for ever.  `first_seq` is NULL where it caused nothing; `last_seq`
-- is the head after it.  `digest` binds the row to the chain.
CREATE TABLE commands (
    command_id TEXT PRIMARY KEY,
    body_hash TEXT NOT NULL,
    first_seq INTEGER REFERENCES events (seq),
    last_seq INTEGER NOT NULL CHECK (last_seq >= coalesce(first_seq, 0)),
    digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER commands_insert BEFORE INSERT ON commands
BEGIN
    SELECT RAISE(ABORT, 'commands: command_id is taken')
    WHERE EXISTS (SELECT 1 FROM commands WHERE command_id = NEW.command_id);
END;

CREATE TRIGGER commands_update BEFORE UPDATE ON commands
BEGIN
    SELECT RAISE(ABORT, 'commands: history is append-only');
END;

CREATE TRIGGER commands_delete BEFORE DELETE ON commands
BEGIN
    SELECT RAISE(ABORT, 'commands: history is append-only');
END;

-- The treasury and the memories of its agents after `seq`: a start that spares the way there.  Rows
-- may be deleted at any time.
CREATE TABLE snapshots (
    seq INTEGER PRIMARY KEY REFERENCES events (seq),
    tick INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    state_hash TEXT NOT NULL,
    event_hash TEXT NOT NULL
) STRICT;

-- The writer that may write, and the entry from which on every command has a row.
INSERT INTO meta (key, value) VALUES ('writer_epoch', '0');
INSERT INTO meta (key, value)
SELECT 'commands_from', coalesce(max(seq), 0) + 1 FROM events;
