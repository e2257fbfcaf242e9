-- The first release. docs/store.md explains every table in words.

CREATE TABLE devices (
    id               INTEGER PRIMARY KEY,
    name             TEXT    NOT NULL UNIQUE,
    last_taken_at_ms INTEGER NOT NULL
);

-- Positions are given by the writer, one after the other without holes; see marks.pruned_upto.
CREATE TABLE records (
    position    INTEGER PRIMARY KEY,
    boot        INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    device      INTEGER NOT NULL,
    taken_at_ms INTEGER NOT NULL,
    uptime_ms   INTEGER NOT NULL,
    clock       INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    words       BLOB    NOT NULL,
    crc         INTEGER NOT NULL,
    UNIQUE (boot, sequence),
    -- Time first: all devices of a commit then share one page of this index, where (device,
    -- taken_at_ms) would write one page for each device.
    UNIQUE (taken_at_ms, device)
);

-- One row per device and interval, side by side in order of time: the id is
-- device * 2^32 + (start of the interval in ms / width of an interval in ms).
CREATE TABLE minutes (
    id   INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

CREATE TABLE hours (
    id   INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);

CREATE TABLE sinks (
    sink_id TEXT PRIMARY KEY,
    live    INTEGER NOT NULL,
    gaps    TEXT    NOT NULL
) WITHOUT ROWID;

CREATE TABLE quarantine (
    sink_id  TEXT    NOT NULL,
    position INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    at_ms    INTEGER NOT NULL,
    PRIMARY KEY (sink_id, position)
) WITHOUT ROWID;

CREATE TABLE memory (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- folded_upto: minutes and hours hold every record up to this position.
-- pruned_upto: retention has removed every record up to this position.
CREATE TABLE marks (
    name     TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO marks (name, position) VALUES ('folded_upto', 0), ('pruned_upto', 0);
