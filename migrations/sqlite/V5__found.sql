-- What is found by more than one name. Migrations only ever add.

-- What stays of a removed election, by whatever it was called.
CREATE INDEX removed_election_id ON removed_election (id);
CREATE INDEX removed_election_code ON removed_election (code);
CREATE INDEX removed_election_slug ON removed_election (slug);

-- The place whose first code this was.
CREATE INDEX access_code_voter ON access_code (id, voter);
