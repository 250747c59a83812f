#!/usr/bin/env bash
# Makes one Redis Cluster of the servers named, each with one copy; ends well if it is there already.
#
#   redis-create.sh HOST:PORT...
#
# Run by tests/deploy against the Redis that is installed; not run: inside the image.
set -euo pipefail

first=$1
replicas=$(($# / 2))
ask() { redis-cli -h "${first%:*}" -p "${first##*:}" "$@"; }
serves() { ask cluster info | tr -d '\r' | grep -qx 'cluster_slots_ok:16384'; }
is_whole() { serves && [ "$(ask cluster nodes | grep -c slave)" = "$replicas" ]; }

# Made before, perhaps with another one of each pair in front by now.
if serves; then
    exit 0
fi
redis-cli --cluster create "$@" --cluster-replicas 1 --cluster-yes
# The six agree a moment after they were told, and the copies come last.
for _ in $(seq 120); do
    if is_whole; then
        exit 0
    fi
    sleep 0.5
done
ask cluster nodes >&2
exit 1
