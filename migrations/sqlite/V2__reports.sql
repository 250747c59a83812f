-- Elections of boxes: units, reports, quarantine, tokens of one election. Migrations only ever add.

-- The tree of units: what the unit entries of a ledger say, row by row. `changed` is the entry that added a unit,
-- `retired` the one that retired it.
CREATE TABLE unit (
    election   INTEGER NOT NULL,
    unit       INTEGER NOT NULL,
    code       TEXT NOT NULL,
    name       TEXT,
    kind       TEXT NOT NULL,
    parent     INTEGER NOT NULL,
    place      INTEGER NOT NULL,
    channel    TEXT NOT NULL,
    registered INTEGER,
    boxes      INTEGER,
    added      INTEGER NOT NULL,
    retired    INTEGER,
    PRIMARY KEY (election, unit)
) WITHOUT ROWID;
CREATE INDEX unit_retired ON unit (election, retired) WHERE retired IS NOT NULL;

-- Every report of every box, by revision; the highest one counts. `content` is withdrawn, provisional or final; `request`
-- is the length of the request, which stands at the end of the entry's bytes.
CREATE TABLE report (
    election   INTEGER NOT NULL,
    ballot_box INTEGER NOT NULL,
    contest    INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    content    TEXT NOT NULL,
    votes      INTEGER NOT NULL,
    blank      INTEGER NOT NULL,
    invalid    INTEGER NOT NULL,
    ballots    INTEGER NOT NULL,
    request    INTEGER NOT NULL,
    PRIMARY KEY (election, ballot_box, contest, revision)
) WITHOUT ROWID;

-- Reports that contradict one that is in the ledger, until a person has decided.
CREATE TABLE quarantine (
    election     INTEGER NOT NULL,
    digest       BLOB NOT NULL,
    contest      INTEGER NOT NULL,
    ballot_box   INTEGER NOT NULL,
    revision     INTEGER NOT NULL,
    existing     INTEGER NOT NULL,
    request      BLOB NOT NULL,
    sender       TEXT NOT NULL,
    time         INTEGER NOT NULL,
    settled_by   TEXT,
    settled_time INTEGER,
    reason       TEXT,
    filed        INTEGER,
    PRIMARY KEY (election, digest)
) WITHOUT ROWID;

-- A token may be for one election, and in it for one unit and all below; `used` is the time of its last use.
ALTER TABLE token ADD COLUMN election INTEGER;
ALTER TABLE token ADD COLUMN unit INTEGER;
ALTER TABLE token ADD COLUMN used INTEGER;
