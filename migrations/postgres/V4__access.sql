-- The life of a definition, and who may vote. Migrations only ever add.

-- What stays of an election that was removed. Its code and its slug are free again.
CREATE TABLE removed_election (
    election   int PRIMARY KEY,
    id         uuid NOT NULL,
    code       text NOT NULL,
    slug       text,
    title      text NOT NULL,
    kind       text NOT NULL,
    entries    bigint NOT NULL,
    chain      bytea NOT NULL,
    removed_by text NOT NULL,
    reason     text,
    removed    bigint NOT NULL
);

-- Elections whose definition and head are gone, and whose other rows are erased page by page. With an `id`, what belongs to
-- the id goes too; without one, another definition has taken the place, and keeps it.
CREATE TABLE gone_election (
    election int PRIMARY KEY,
    id       uuid
);

-- What follows belongs to an election by its id, so that another definition of it keeps it.

-- Access codes as keyed hashes. `voter` is the hash that the voter's key is made from: that of the first code. A code of a
-- roster has the name of a person.
CREATE TABLE access_code (
    id      uuid NOT NULL,
    number  bigint NOT NULL,
    hash    bytea NOT NULL,
    voter   bytea NOT NULL,
    name    text,
    email   text,
    made    bigint NOT NULL,
    revoked bigint,
    PRIMARY KEY (id, number)
);
CREATE UNIQUE INDEX access_code_hash ON access_code (id, hash);

-- Devices that opened a page of an election, as keyed hashes; how many they are; and how many of them were new in a minute.
CREATE TABLE joined (
    id     uuid NOT NULL,
    device bytea NOT NULL,
    PRIMARY KEY (id, device)
);
CREATE TABLE joined_total (
    id      uuid PRIMARY KEY,
    devices bigint NOT NULL
);
CREATE TABLE joined_minute (
    id      uuid NOT NULL,
    minute  bigint NOT NULL,
    devices bigint NOT NULL,
    PRIMARY KEY (id, minute)
);

-- With corrected titles, and rehearsals of polls.
CREATE OR REPLACE VIEW v_election AS
SELECT election.election, election.code, election.slug,
       coalesce(head.state::jsonb ->> 'title', definition::jsonb ->> 'title') AS title,
       definition::jsonb ->> 'kind' AS kind, definition::jsonb #>> '{reporting,zone}' AS zone,
       coalesce((definition::jsonb #>> '{reporting,rehearsal}')::boolean, (definition::jsonb ->> 'rehearsal')::boolean,
           false) AS rehearsal,
       head.seq AS entries, to_timestamp(head.time / 1000.0) AS last_entry
FROM election JOIN head USING (election);
