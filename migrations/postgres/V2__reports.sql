-- Elections of boxes: units, reports, quarantine, tokens of one election. Migrations only ever add.

-- The tree of units: what the unit entries of a ledger say, row by row. `added` is the entry that added a unit, `retired`
-- the one that retired it.
CREATE TABLE unit (
    election   int NOT NULL,
    unit       int NOT NULL,
    code       text NOT NULL,
    name       text,
    kind       text NOT NULL,
    parent     int NOT NULL,
    place      int NOT NULL,
    channel    text NOT NULL,
    registered bigint,
    boxes      bigint,
    added      bigint NOT NULL,
    retired    bigint,
    PRIMARY KEY (election, unit)
) PARTITION BY HASH (election);
CREATE INDEX unit_retired ON unit (election, retired) WHERE retired IS NOT NULL;

-- Every report of every box, by revision; the highest one counts. `content` is withdrawn, provisional or final; `request`
-- is the length of the request, which stands at the end of the entry's bytes.
CREATE TABLE report (
    election   int NOT NULL,
    ballot_box int NOT NULL,
    contest    int NOT NULL,
    revision   bigint NOT NULL,
    seq        bigint NOT NULL,
    content    text NOT NULL,
    votes      bigint NOT NULL,
    blank      bigint NOT NULL,
    invalid    bigint NOT NULL,
    ballots    bigint NOT NULL,
    request    bigint NOT NULL,
    PRIMARY KEY (election, ballot_box, contest, revision)
) PARTITION BY HASH (election);

DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format('CREATE TABLE unit_%s PARTITION OF unit FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
        EXECUTE format('CREATE TABLE report_%s PARTITION OF report FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
    END LOOP;
END
$$;

-- Reports that contradict one that is in the ledger, until a person has decided.
CREATE TABLE quarantine (
    election     int NOT NULL,
    digest       bytea NOT NULL,
    contest      int NOT NULL,
    ballot_box   int NOT NULL,
    revision     bigint NOT NULL,
    existing     bigint NOT NULL,
    request      bytea NOT NULL,
    sender       text NOT NULL,
    time         bigint NOT NULL,
    settled_by   text,
    settled_time bigint,
    reason       text,
    filed        bigint,
    PRIMARY KEY (election, digest)
);

-- Parties that contests can name. A contest carries its own, so nothing that is counted depends on these.
CREATE TABLE party (
    election int NOT NULL,
    code     text NOT NULL,
    name     text NOT NULL,
    PRIMARY KEY (election, code)
);

-- A token may be for one election, and in it for one unit and all below; `used` is the time of its last use.
ALTER TABLE token ADD COLUMN election int;
ALTER TABLE token ADD COLUMN unit int;
ALTER TABLE token ADD COLUMN used bigint;

-- Read-only views over the ledger, for people with SQL; docs/SQL.md explains them. The program reads none of them.

CREATE VIEW v_election AS
SELECT election.election, election.code, election.slug, definition::jsonb ->> 'title' AS title,
       definition::jsonb ->> 'kind' AS kind, definition::jsonb #>> '{reporting,zone}' AS zone,
       coalesce((definition::jsonb #>> '{reporting,rehearsal}')::boolean, false) AS rehearsal,
       head.seq AS entries, to_timestamp(head.time / 1000.0) AS last_entry
FROM election JOIN head USING (election);

CREATE VIEW v_contest AS
SELECT election.election, (contest.value ->> 'number')::int AS contest, contest.value #>> '{race,code}' AS code,
       contest.value #>> '{race,title}' AS title, contest.value #>> '{method,name}' AS method,
       (contest.value #>> '{race,unit}')::int AS unit
FROM election, jsonb_array_elements(election.definition::jsonb -> 'contests') AS contest;

CREATE VIEW v_choice AS
SELECT election.election, (contest.value ->> 'number')::int AS contest, choice.place::int - 1 AS choice,
       choice.value ->> 'code' AS code, choice.value ->> 'title' AS title, choice.value #>> '{party,code}' AS party
FROM election, jsonb_array_elements(election.definition::jsonb -> 'contests') AS contest,
     jsonb_array_elements(contest.value -> 'choices') WITH ORDINALITY AS choice (value, place);

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
SELECT report.election, report.seq, to_timestamp(entry.time / 1000.0) AS time, report.ballot_box AS unit,
       unit.code AS box, coalesce(place.code, 'nation') AS city, unit.channel, report.contest, report.revision,
       report.content AS status, report.votes, report.blank, report.invalid, report.ballots AS "cast",
       report.content <> 'withdrawn' AND report.revision = (
           SELECT max(other.revision) FROM report AS other
           WHERE other.election = report.election AND other.ballot_box = report.ballot_box
             AND other.contest = report.contest
       ) AS counts,
       substr(entry.bytes, (length(entry.bytes) - report.request + 1)::int) AS request
FROM report
JOIN entry ON entry.election = report.election AND entry.seq = report.seq
JOIN unit ON unit.election = report.election AND unit.unit = report.ballot_box
LEFT JOIN unit AS place ON place.election = unit.election AND place.unit = unit.place;

-- Ballots of the reports that count, by contest and by the place that the boxes stand in.
CREATE VIEW v_place_total AS
SELECT election, contest, city, count(*) AS boxes, count(*) FILTER (WHERE status = 'final') AS boxes_final,
       sum(votes)::bigint AS votes, sum(blank)::bigint AS blank, sum(invalid)::bigint AS invalid,
       sum("cast")::bigint AS "cast"
FROM v_report WHERE counts GROUP BY election, contest, city;

CREATE VIEW v_quarantine AS
SELECT quarantine.election, encode(digest, 'hex') AS digest, unit.code AS box, contest, revision,
       existing AS existing_entry, sender, to_timestamp(time / 1000.0) AS time,
       CASE WHEN settled_by IS NULL THEN 'waiting' WHEN filed IS NULL THEN 'dismissed' ELSE 'filed' END AS state,
       settled_by, reason, filed AS filed_as_entry, request
FROM quarantine LEFT JOIN unit ON unit.election = quarantine.election AND unit.unit = quarantine.ballot_box;
