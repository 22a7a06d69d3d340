-- Which collections there are. Each has a table of its own, made when its type is first prepared.
CREATE TABLE collections (
    name TEXT PRIMARY KEY,
    id_kind TEXT NOT NULL,
    -- The greatest integer id that was ever given out, so that none is given out twice.
    greatest_id INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
