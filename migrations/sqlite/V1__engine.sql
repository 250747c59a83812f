-- The engine: definitions, ledgers, and the registry. Migrations only ever add.

CREATE TABLE installation (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE election (
    election   INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB NOT NULL UNIQUE,
    code       TEXT NOT NULL UNIQUE,
    slug       TEXT UNIQUE,
    definition TEXT NOT NULL
);

-- Where each ledger stands. `state` is the fold of its state entries; `due` is the next scheduled time.
CREATE TABLE head (
    election INTEGER PRIMARY KEY REFERENCES election,
    epoch    BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    chain    BLOB NOT NULL,
    state    TEXT NOT NULL,
    due      INTEGER
);
CREATE INDEX head_due ON head (due) WHERE due IS NOT NULL;

-- The ledger. `bytes` are canonical and hold seq and time too; the columns are for looking up.
CREATE TABLE entry (
    election INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    bytes    BLOB NOT NULL,
    PRIMARY KEY (election, seq)
) WITHOUT ROWID;

-- At most one counted ballot per voter and contest: the entry that counts now.
CREATE TABLE ballot (
    election INTEGER NOT NULL,
    contest  INTEGER NOT NULL,
    voter    BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    PRIMARY KEY (election, contest, voter)
) WITHOUT ROWID;

-- The entry of each submission that named itself, for ever.
CREATE TABLE submission (
    election INTEGER NOT NULL,
    id       BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    PRIMARY KEY (election, id)
) WITHOUT ROWID;

CREATE TABLE snapshot (
    election INTEGER NOT NULL,
    epoch    BLOB NOT NULL,
    seq      INTEGER NOT NULL,
    fold     TEXT NOT NULL,
    PRIMARY KEY (election, epoch, seq)
) WITHOUT ROWID;

CREATE TABLE token (
    token      INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    scopes     TEXT NOT NULL,
    per_minute INTEGER,
    created    INTEGER NOT NULL,
    revoked    INTEGER
);

CREATE TABLE ticket (
    hash     BLOB PRIMARY KEY,
    election INTEGER NOT NULL,
    expires  INTEGER NOT NULL
) WITHOUT ROWID;
