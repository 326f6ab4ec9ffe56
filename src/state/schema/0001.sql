-- The first schema. A file here never changes once it was released: the next number carries the difference.

-- One row: what the whole state says of itself.
CREATE TABLE meta (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    lineage   TEXT    NOT NULL,
    workspace TEXT    NOT NULL,
    serial    INTEGER NOT NULL CHECK (serial >= 0),
    epoch     INTEGER NOT NULL CHECK (epoch >= 0)
) STRICT;

-- Pools and hypervisors that hold or held something of ours. `body` is a ContainerRecord as JSON.
CREATE TABLE container (
    address TEXT PRIMARY KEY,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How the hosts of these containers are reached. `body` is a HostSpec as JSON.
CREATE TABLE host (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Objects of ours. `body` is a Record as JSON; the other columns repeat what must be unique or must exist.
CREATE TABLE record (
    key       TEXT PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    container TEXT NOT NULL REFERENCES container (address) DEFERRABLE INITIALLY DEFERRED,
    body      TEXT NOT NULL
) STRICT;
CREATE INDEX record_by_container ON record (container);

-- Destroyed objects whose data is kept. `body` is a TrashEntry as JSON.
CREATE TABLE trash (
    id        TEXT PRIMARY KEY,
    container TEXT NOT NULL REFERENCES container (address) DEFERRABLE INITIALLY DEFERRED,
    body      TEXT NOT NULL
) STRICT;
CREATE INDEX trash_by_container ON trash (container);

-- Outputs of the last applied run; sensitive ones are encrypted in `body`.
CREATE TABLE output (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs, the open one among them: the history.
CREATE TABLE run (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL,
    status     TEXT    NOT NULL CHECK (status IN ('open', 'stuck', 'applied', 'reverted', 'halted')),
    direction  TEXT    NOT NULL CHECK (direction IN ('forward', 'reverting')),
    epoch      INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    closed_at  INTEGER CHECK ((closed_at IS NULL) = (status IN ('open', 'stuck'))),
    steps      INTEGER NOT NULL CHECK (steps >= 0),
    info       TEXT    NOT NULL,
    note       TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX one_open_run ON run ((1)) WHERE status IN ('open', 'stuck');

-- The plan of a run, apart from it because it can be large and never changes. That of an old closed run is dropped.
CREATE TABLE plan (
    run    INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    format INTEGER NOT NULL,
    body   TEXT    NOT NULL
) STRICT;

-- The journal: one row for each step of the plan. What the step is stands in the run's plan, at this position.
CREATE TABLE step (
    run           INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    position      INTEGER NOT NULL CHECK (position >= 0),
    status        TEXT    NOT NULL CHECK (status IN ('planned', 'intent', 'answered', 'done', 'not_done',
                                                     'in_doubt', 'undo_intent', 'undone', 'undo_failed')),
    evidence      TEXT,
    undo_evidence TEXT,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;
