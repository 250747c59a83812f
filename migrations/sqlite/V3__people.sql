-- People: who signs in, and what each may do in which election. Migrations only ever add.

-- `folded` is the name without case; `password` is an Argon2 hash with its parameters (PHC string format).
CREATE TABLE person (
    person   INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL,
    folded   TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    is_admin INTEGER NOT NULL,
    created  INTEGER NOT NULL
);

-- Browsers that are signed in: by a person, or by a co-host link. `seen` is noted at most once a minute.
CREATE TABLE session (
    hash    BLOB PRIMARY KEY,
    person  INTEGER,
    link    INTEGER,
    agent   TEXT NOT NULL,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_person ON session (person) WHERE person IS NOT NULL;
CREATE INDEX session_link ON session (link) WHERE link IS NOT NULL;
CREATE INDEX session_seen ON session (seen);

-- One-time links. `purpose` is found (the first administrator), join, or reset, which is for `person`.
CREATE TABLE invitation (
    hash    BLOB PRIMARY KEY,
    purpose TEXT NOT NULL,
    person  INTEGER,
    made_by INTEGER,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;

-- `role` is owner, co_host or viewer.
CREATE TABLE membership (
    election INTEGER NOT NULL,
    person   INTEGER NOT NULL,
    role     TEXT NOT NULL,
    PRIMARY KEY (election, person)
) WITHOUT ROWID;
CREATE INDEX membership_person ON membership (person, election);

-- Links that let whoever holds them help with one election.
CREATE TABLE cohost_link (
    link     INTEGER PRIMARY KEY AUTOINCREMENT,
    election INTEGER NOT NULL,
    hash     BLOB NOT NULL UNIQUE,
    role     TEXT NOT NULL,
    made_by  INTEGER,
    created  INTEGER NOT NULL,
    revoked  INTEGER
);
CREATE INDEX cohost_link_election ON cohost_link (election);
