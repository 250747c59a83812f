-- The life of a definition, and who may vote. Migrations only ever add.

-- What stays of an election that was removed. Its code and its slug are free again.
CREATE TABLE removed_election (
    election   INTEGER PRIMARY KEY,
    id         BLOB NOT NULL,
    code       TEXT NOT NULL,
    slug       TEXT,
    title      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    entries    INTEGER NOT NULL,
    chain      BLOB NOT NULL,
    removed_by TEXT NOT NULL,
    reason     TEXT,
    removed    INTEGER NOT NULL
);

-- Elections whose definition and head are gone, and whose other rows are erased page by page. With an `id`, what belongs to
-- the id goes too; without one, another definition has taken the place, and keeps it.
CREATE TABLE gone_election (
    election INTEGER PRIMARY KEY,
    id       BLOB
);

-- What follows belongs to an election by its id, so that another definition of it keeps it.

-- Access codes as keyed hashes. `voter` is the hash that the voter's key is made from: that of the first code. A code of a
-- roster has the name of a person.
CREATE TABLE access_code (
    id      BLOB NOT NULL,
    number  INTEGER NOT NULL,
    hash    BLOB NOT NULL,
    voter   BLOB NOT NULL,
    name    TEXT,
    email   TEXT,
    made    INTEGER NOT NULL,
    revoked INTEGER,
    PRIMARY KEY (id, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX access_code_hash ON access_code (id, hash);

-- Devices that opened a page of an election, as keyed hashes; how many they are; and how many of them were new in a minute.
CREATE TABLE joined (
    id     BLOB NOT NULL,
    device BLOB NOT NULL,
    PRIMARY KEY (id, device)
) WITHOUT ROWID;
CREATE TABLE joined_total (
    id      BLOB PRIMARY KEY,
    devices INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE joined_minute (
    id      BLOB NOT NULL,
    minute  INTEGER NOT NULL,
    devices INTEGER NOT NULL,
    PRIMARY KEY (id, minute)
) WITHOUT ROWID;

-- With corrected titles, and rehearsals of polls.
DROP VIEW v_election;
CREATE VIEW v_election AS
SELECT election.election, election.code, election.slug,
       coalesce(json_extract(head.state, '$.title'), json_extract(definition, '$.title')) AS title,
       json_extract(definition, '$.kind') AS kind, json_extract(definition, '$.reporting.zone') AS zone,
       coalesce(json_extract(definition, '$.reporting.rehearsal'), json_extract(definition, '$.rehearsal'), 0)
           AS rehearsal,
       head.seq AS entries, strftime('%Y-%m-%dT%H:%M:%fZ', head.time / 1000.0, 'unixepoch') AS last_entry
FROM election JOIN head USING (election);
