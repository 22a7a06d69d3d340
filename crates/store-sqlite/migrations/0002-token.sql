-- Tells a file from its backups: the token changes with each start, and the lock file knows it.
CREATE TABLE token (
    text TEXT NOT NULL
) STRICT;
