#!/usr/bin/env bash
# Prepares the primary for its synchronous standby. The image of PostgreSQL runs this once, after initdb.
#
# Run by tests/deploy against the PostgreSQL that is installed; not run: inside the image.
set -euo pipefail

psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
    --set=password="$REPLICATION_PASSWORD" <<'SQL'
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'password';
SELECT pg_create_physical_replication_slot('standby') \g /dev/null
-- Not on the command line: the server of the initialisation would wait for a standby that does not exist yet. This
-- holds from the next start on, and then a commit is a commit when it is on both disks.
ALTER SYSTEM SET synchronous_standby_names = 'standby';
SQL

echo "host replication replicator all scram-sha-256" >>"$PGDATA/pg_hba.conf"
