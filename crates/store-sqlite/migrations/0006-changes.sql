-- The latest changes of all collections, written by triggers of their tables. `run` begins as the
-- token of the file did: a backup that is used again goes on with other runs.
CREATE TABLE changes (
    number INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    collection TEXT NOT NULL,
    -- 0 created, 1 updated, 2 deleted.
    kind INTEGER NOT NULL,
    id ANY NOT NULL
) STRICT;
