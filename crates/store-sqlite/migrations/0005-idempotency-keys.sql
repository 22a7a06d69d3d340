-- What units have left that were done under a key: what the client called its request.
CREATE TABLE idempotency_keys (
    name TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    answer TEXT NOT NULL,
    -- In milliseconds since 1970.
    expires_at INTEGER NOT NULL,
    -- What counts of it.
    bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_keys_by_end ON idempotency_keys (expires_at);
-- One row: what all of them hold together.
CREATE TABLE idempotency_kept (
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO idempotency_kept VALUES (0);
CREATE TRIGGER idempotency_key_kept AFTER INSERT ON idempotency_keys BEGIN
    UPDATE idempotency_kept SET bytes = bytes + new.bytes;
END;
CREATE TRIGGER idempotency_key_gone AFTER DELETE ON idempotency_keys BEGIN
    UPDATE idempotency_kept SET bytes = bytes - old.bytes;
END;
