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

-- A token may be for one election, and in it for one unit and all below; `used` is the time of its last use.
ALTER TABLE token ADD COLUMN election int;
ALTER TABLE token ADD COLUMN unit int;
ALTER TABLE token ADD COLUMN used bigint;
