#!/usr/bin/env bash
# Starts the standby: the first time it copies the primary, later it goes on from what it has.
#
# Run by tests/deploy against the PostgreSQL that is installed; not run: inside the image.
set -euo pipefail

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # A copy that broke off is begun again.
    find "$PGDATA" -mindepth 1 -delete
    chmod 700 "$PGDATA"
    PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup --pgdata="$PGDATA" --wal-method=stream --checkpoint=fast \
        --write-recovery-conf --slot=standby \
        --dbname="host=$PRIMARY_HOST port=${PRIMARY_PORT:-5432} user=replicator application_name=standby"
fi
# The words of the command, as the image's own start would take them.
exec "$@"
