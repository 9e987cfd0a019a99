-- What was asked from outside, word by word, so that a run can be carried out again.

-- The text of which `body_hash` is the SHA-256: the command's type, then its canonical JSON.  NULL of
-- what actors ask of each other, which they ask again, and of what an older release wrote.
ALTER TABLE commands ADD COLUMN body TEXT;
