#!/usr/bin/env bash
# Summary: streams the database's log of changes (WAL) to BACKUP_DIR/wal, so that losing the database costs a second, not a day.
# Usage: recovery/wal.sh [--alive] [--help]        runs until it is ended; begins again by itself whenever the database is back
#   --alive    whether somebody streams, for health checks
# Settings, from the environment: DATABASE_URL (or DATABASE_URL_FILE), BACKUP_DIR as in backup.sh
#   WAL_SLOT=holdfast          the replication slot: the server keeps what has not been streamed yet, up to its max_slot_wal_keep_size
#   CANARY_SECONDS=5           how often the time is written to the table holdfast.canary, by which drills know what was lost; 0: never
# Exits with: 0 it was told to end, or is alive, 1 it is not, 2 wrong usage
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"

readonly RETRY_SECONDS=2
# shellcheck source=recovery/wal-files.sh
. "$here/wal-files.sh"

case "${1:-}" in
  "") ;;
  --help) usage; exit 0 ;;
  --alive) ;;
  *) wrong_usage "expected --alive or nothing, got $1" ;;
esac
connect_database
slot=${WAL_SLOT:-holdfast}
[[ $slot =~ ^[a-z0-9_]{1,63}$ ]] || fail "$EXIT_USAGE" "WAL_SLOT: expected lower case letters, digits and _, got $slot"
if [[ ${1:-} == --alive ]]; then
  [[ $(ask "select active from pg_replication_slots where slot_name = '$slot'") == t ]]
  exit
fi
number CANARY_SECONDS 5

trap 'end_children; wait; exit 0' INT TERM

# In one connection, which ends with the database's.
write_canary() {
  psql --no-psqlrc --quiet --tuples-only --set ON_ERROR_STOP=1 >/dev/null <<SQL
create schema if not exists holdfast;
create table if not exists holdfast.canary (id int primary key default 1 check (id = 1), at timestamptz not null);
insert into holdfast.canary (at) values (clock_timestamp()) on conflict (id) do update set at = excluded.at
\watch $CANARY_SECONDS
SQL
}
# On its own: a database that was dropped, or is being restored, must not end the stream.
canary() {
  while true; do
    write_canary || true
    sleep "$RETRY_SECONDS"
  done
}

# Where to go on: in the newest stretch of this cluster, unless the server has thrown away what comes next.
stretch() {
  local system status newest
  system=$(ask "select system_identifier from pg_control_system()") || return 1
  status=$(ask "select coalesce(wal_status, 'reserved') from pg_replication_slots where slot_name = '$slot'") || return 1
  newest=$(find "$BACKUP_DIR/wal/$system" -mindepth 1 -maxdepth 1 -type d 2>/dev/null | sort | tail -1)
  if [[ $status == lost ]]; then
    say "the server has thrown away changes that were not streamed (max_slot_wal_keep_size): beginning anew; points in time are restored from the next base backup on, which schedule.sh makes soon"
    ask "select pg_drop_replication_slot('$slot')" >/dev/null || return 1
    status=""
  elif [[ -z $status && -n $newest ]]; then
    say "the replication slot $slot is gone: beginning anew; points in time are restored from the next base backup on, which schedule.sh makes soon"
  fi
  # The folder first: a slot without one of its own would go on in the old one, with a gap.
  [[ -n $status && -n $newest ]] || newest=$BACKUP_DIR/wal/$system/$(date -u +%Y%m%dT%H%M%SZ)
  mkdir -p "$newest" || return 1
  [[ -n $status ]] || ask "select pg_create_physical_replication_slot('$slot', true)" >/dev/null || return 1
  echo "$newest"
}

if ((CANARY_SECONDS > 0)); then canary & fi
for ((; ; )); do
  if folder=$(stretch); then
    # One that was killed while it filled a new file with zeros leaves a short one, and the next would refuse to begin. Nothing is in it.
    find "$folder" -name '*.partial' ! -size "${SEGMENT_BYTES}c" -delete
    say "streaming to $folder"
    # The other settings are in the environment. A line that is dead is noticed within 25 s.
    pg_receivewal --dbname="keepalives_idle=10 keepalives_interval=5 keepalives_count=3" --directory="$folder" --slot="$slot" \
      --synchronous --no-loop --no-password --status-interval=1 &
    wait $! || true
    say "the stream has ended: again in $RETRY_SECONDS s"
  fi
  sleep "$RETRY_SECONDS" &
  wait $! || true
done
