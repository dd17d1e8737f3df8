#!/usr/bin/env bash
# Summary: a Postgres of one's own for a while, in a folder, reached by nobody else: to prove backups, and to restore to a point in time.
# Usage: . recovery/scratch.sh (after settings.sh and contents.sh)
#   SCRATCH_DIR=BACKUP_DIR    where the folder is made; needs room for the database as it is, not compressed

# Where the image of Postgres keeps its own data, and where the server would look for this one's settings.
unset PGDATA

readonly SCRATCH_SPARE_BYTES=$((128 * 1024 * 1024))
scratch="" scratch_socket=""

server_program() {
  type -P "$1" || compgen -G "/usr/lib/postgresql/$(client_major)/bin/$1" ||
    fail "$EXIT_FAILED" "$1 is not here: install the server of PostgreSQL $(client_major), not only its client"
}

# scratch_make BYTES: an empty folder with the settings of a server that may lose everything, on a disk that has so much room.
scratch_make() {
  ((EUID != 0)) || fail "$EXIT_USAGE" "Postgres refuses to run as root: run this as the owner of $BACKUP_DIR, such as postgres"
  local folder number
  folder=$(realpath "${SCRATCH_DIR:-$BACKUP_DIR}") || fail "$EXIT_USAGE" "SCRATCH_DIR: expected a folder, got $SCRATCH_DIR"
  # Always the same names, so that one that was left over is found; whoever has the lock is alone. A socket's path must be short.
  number=$(cksum <<<"$BACKUP_DIR" | cut -d ' ' -f 1)
  scratch=$folder/.scratch-$number
  scratch_socket=/tmp/holdfast-scratch-$number
  scratch_remove
  (($(free_bytes "$folder") >= $1 + SCRATCH_SPARE_BYTES)) ||
    fail "$EXIT_DISK_FULL" "the disk of $folder has $(in_mb "$(free_bytes "$folder")") MB free, and a restored database needs $(in_mb $(($1 + SCRATCH_SPARE_BYTES))) MB: make room, or set SCRATCH_DIR"
  mkdir -m 700 "$scratch" "$scratch/data" "$scratch_socket"
  echo "local all all trust" >"$scratch/pg_hba.conf"
  cat >"$scratch/postgresql.conf" <<CONF
listen_addresses = ''
port = 5432
unix_socket_directories = '$scratch_socket'
data_directory = '$scratch/data'
hba_file = '$scratch/pg_hba.conf'
ident_file = '/dev/null'
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
shared_buffers = 64MB
maintenance_work_mem = 64MB
max_wal_size = 4GB
wal_level = minimal
max_wal_senders = 0
max_connections = 30
max_prepared_transactions = 100
dynamic_shared_memory_type = mmap
hot_standby = off
jit = off
CONF
}

# Where it is called, nothing may be redirected: what is said when a signal comes meanwhile would go there as well.
make_cluster() {
  "$1" --pgdata="$scratch/data" --username="$PGUSER" --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$scratch/initdb.log" 2>&1
}

# scratch_new BYTES: of an empty cluster.
scratch_new() {
  local initdb
  initdb=$(server_program initdb)
  scratch_make "$1"
  during make_cluster "$initdb"
  scratch_start 60 || fail "$EXIT_FAILED" "a Postgres of one's own does not start: $(tail -1 "$scratch/log")"
}

# scratch_start SECONDS_MAX: returns once it takes statements; or not, and $scratch/log says why.
scratch_start() {
  local postgres pid deadline=$((SECONDS + $1))
  postgres=$(server_program postgres) || exit
  (
    cd /
    # shellcheck disable=SC2154  # of lock
    exec {lock_descriptor}>&-
    exec "$postgres" --config-file="$scratch/postgresql.conf"
  ) >"$scratch/log" 2>&1 &
  pid=$!
  until in_scratch pg_isready --quiet; do
    kill -0 $pid 2>/dev/null || return 1
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# in_scratch COMMAND…: with the scratch server as the one that psql and the others talk to.
in_scratch() { PGHOST=$scratch_socket PGPORT=5432 PGPASSWORD="" PGDATABASE=postgres "$@"; }

# scratch_remove: nothing of it stays.
scratch_remove() {
  [[ -n $scratch ]] || return 0
  local pid
  pid=$(head -1 "$scratch/data/postmaster.pid" 2>/dev/null || true)
  # At once: nobody needs what is in it.
  while [[ -n $pid ]] && grep -qsF "$scratch/" "/proc/$pid/cmdline"; do
    kill -QUIT "$pid" 2>/dev/null || true
    sleep 0.05
  done
  rm -rf "$scratch" "$scratch_socket"
}

# scratch_restore BACKUP DATABASE [COMMAND…]: the dump of this backup, in the scratch server; COMMAND as in restore_dump.
scratch_restore() {
  in_scratch extensions_are_there "$(jq -r '.extensions[] | split(" ")[0]' "$BACKUP_DIR/$1/manifest.json")"
  in_scratch psql --no-psqlrc --quiet --file="$BACKUP_DIR/$1/globals.sql" >/dev/null 2>&1 || true
  in_scratch createdb --template=template0 "$2"
  in_scratch restore_dump "$BACKUP_DIR/$1/database.dump" "${@:2}"
}

# extensions_are_there NAMES: a line each; in the server that restores.
extensions_are_there() {
  local available missing
  available=$(ask "select name from pg_available_extensions" postgres | sort)
  missing=$(comm -23 <(sort <<<"$1") - <<<"$available" | paste --serial --delimiters ' ')
  [[ -z $missing ]] || fail "$EXIT_WRONG_VERSION" "the server at $PGHOST has not the extensions that the backup needs: $missing; install them there"
}

# restore_dump DUMP DATABASE [COMMAND…]: into an empty one. COMMAND runs once all rows are there, while indexes are made.
restore_dump() {
  restore_sections "$1" "$2" --section=pre-data --section=data
  restore_sections "$1" "$2" --section=post-data &
  local making=$! code
  if (($# > 2)); then
    "${@:3}" &
    wait $! || { code=$?; end_children; wait; exit $code; }
  fi
  wait $making || exit
}

# restore_sections DUMP DATABASE OPTION…
restore_sections() {
  local said
  said=$(pg_restore --jobs="${RESTORE_JOBS:-2}" --exit-on-error --dbname="$2" "${@:3}" "$1" 2>&1 >/dev/null) && return
  ! grep -q "No space left on device" <<<"$said" || fail "$EXIT_DISK_FULL" "the disk of the server at $PGHOST is full: $1 cannot be restored"
  fail "$EXIT_DAMAGED" "the dump $1 cannot be restored: $(grep -m1 -E 'error:|ERROR:' <<<"$said" || tail -1 <<<"$said")"
}

# as_promised SOURCE TABLES DATABASE: each table has the rows and the hash that TABLES (JSON) names; or a word on the first that has not.
as_promised() {
  local got differs
  got=$(contents "$3" | jq --slurp add)
  differs=$(jq --raw-output --slurp '
    def words: if . then "\(.rows) rows with hash \(.hash)" else "none" end;
    .[0] as $expected | .[1] as $got | first(($expected + $got | keys[]) as $table | select($expected[$table] != $got[$table])
      | "table \($table): expected \($expected[$table] | words), got \($got[$table] | words)")' <<<"$2 $got")
  [[ -z $differs ]] || fail "$EXIT_DAMAGED" "$1: $differs"
}
