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

-- Parties that contests can name. A contest carries its own, so nothing that is counted depends on these.
CREATE TABLE party (
    election INTEGER NOT NULL,
    code     TEXT NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (election, code)
) WITHOUT ROWID;

-- A token may be for one election, and in it for one unit and all below; `used` is the time of its last use.
ALTER TABLE token ADD COLUMN election INTEGER;
ALTER TABLE token ADD COLUMN unit INTEGER;
ALTER TABLE token ADD COLUMN used INTEGER;

-- Read-only views over the ledger, for people with SQL; docs/SQL.md explains them. The program reads none of them.

CREATE VIEW v_election AS
SELECT election.election, election.code, election.slug, json_extract(definition, '$.title') AS title,
       json_extract(definition, '$.kind') AS kind, json_extract(definition, '$.reporting.zone') AS zone,
       coalesce(json_extract(definition, '$.reporting.rehearsal'), 0) AS rehearsal,
       head.seq AS entries, strftime('%Y-%m-%dT%H:%M:%fZ', head.time / 1000.0, 'unixepoch') AS last_entry
FROM election JOIN head USING (election);

CREATE VIEW v_contest AS
SELECT election.election, json_extract(contest.value, '$.number') AS contest,
       json_extract(contest.value, '$.race.code') AS code, json_extract(contest.value, '$.race.title') AS title,
       json_extract(contest.value, '$.method.name') AS method, json_extract(contest.value, '$.race.unit') AS unit
FROM election, json_each(election.definition, '$.contests') AS contest;

CREATE VIEW v_choice AS
SELECT election.election, json_extract(contest.value, '$.number') AS contest, choice.key AS choice,
       json_extract(choice.value, '$.code') AS code, json_extract(choice.value, '$.title') AS title,
       json_extract(choice.value, '$.party.code') AS party
FROM election, json_each(election.definition, '$.contests') AS contest, json_each(contest.value, '$.choices') AS choice;

-- A unit with the codes of the unit above it and of the place that its totals are kept for.
CREATE VIEW v_unit AS
SELECT unit.election, unit.unit, unit.code, coalesce(unit.name, unit.code) AS name, unit.kind,
       coalesce(parent.code, 'nation') AS parent, coalesce(place.code, 'nation') AS place, unit.channel,
       unit.registered, unit.boxes AS boxes_foreseen, unit.added AS added_by_entry, unit.retired AS retired_by_entry
FROM unit
LEFT JOIN unit AS parent ON parent.election = unit.election AND parent.unit = unit.parent
LEFT JOIN unit AS place ON place.election = unit.election AND place.unit = unit.place;

-- Every report of every box: corrections, withdrawals and late ones too. `counts` says whether it is the one that counts.
CREATE VIEW v_report AS
SELECT report.election, report.seq, strftime('%Y-%m-%dT%H:%M:%fZ', entry.time / 1000.0, 'unixepoch') AS time,
       report.ballot_box AS unit, unit.code AS box, coalesce(place.code, 'nation') AS city, unit.channel, report.contest, report.revision,
       report.content AS status, report.votes, report.blank, report.invalid, report.ballots AS "cast",
       report.content <> 'withdrawn' AND report.revision = (
           SELECT max(revision) FROM report AS other
           WHERE other.election = report.election AND other.ballot_box = report.ballot_box
             AND other.contest = report.contest
       ) AS counts,
       substr(entry.bytes, length(entry.bytes) - report.request + 1, report.request) AS request
FROM report
JOIN entry USING (election, seq)
JOIN unit ON unit.election = report.election AND unit.unit = report.ballot_box
LEFT JOIN unit AS place ON place.election = unit.election AND place.unit = unit.place;

-- Ballots of the reports that count, by contest and by the place that the boxes stand in.
CREATE VIEW v_place_total AS
SELECT election, contest, city, count(*) AS boxes, sum(status = 'final') AS boxes_final, sum(votes) AS votes,
       sum(blank) AS blank, sum(invalid) AS invalid, sum("cast") AS "cast"
FROM v_report WHERE counts GROUP BY election, contest, city;

CREATE VIEW v_quarantine AS
SELECT quarantine.election, lower(hex(digest)) AS digest, unit.code AS box, contest, revision, existing AS existing_entry,
       sender, strftime('%Y-%m-%dT%H:%M:%fZ', time / 1000.0, 'unixepoch') AS time,
       CASE WHEN settled_by IS NULL THEN 'waiting' WHEN filed IS NULL THEN 'dismissed' ELSE 'filed' END AS state,
       settled_by, reason, filed AS filed_as_entry, request
FROM quarantine LEFT JOIN unit ON unit.election = quarantine.election AND unit.unit = quarantine.ballot_box;
