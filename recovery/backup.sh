#!/usr/bin/env bash
# Summary: makes one backup of the database, of Redis and of the configuration, complete or not at all; verify.sh then proves it.
# Usage: recovery/backup.sh [--no-base] [--wait SECONDS] [--shrunk] [--help]
#   --no-base        without the base backup that restoring to a point in time starts from
#   --wait SECONDS   for another backup or restore that runs; 0
#   --shrunk         although the database has less than half of the rows that the newest verified backup has
# Settings, from the environment; a secret NAME also from the file that NAME_FILE names:
#   DATABASE_URL                  postgres://USER:PASSWORD@HOST:PORT/NAME, of a superuser
#   REDIS_URL                     redis://USER:PASSWORD@HOST:PORT; not set: no snapshot of Redis
#   BACKUP_DIR=./backups          where it is kept
#   RECOVERY_KEY, CONFIG_PATHS    the files and folders of CONFIG_PATHS (spaces between) are kept encrypted with this key
#   BACKUP_COMPRESSION=zstd:3     of the dump, as pg_dump takes it
# Makes BACKUP_DIR/TIME/ (database.dump, globals.sql, redis.rdb.gz, config.tar.enc, manifest.json, SHA256SUMS) and base/TIME/.
# Prints one line of JSON. Exits with: 0 done, 1 failed, 2 wrong usage, 3 another runs, 4 disk full, 5 the database is out of reach,
# 7 refused: the database is empty, or has shrunk, 9 pg_dump is not of the server's version
set -Eeuo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"
# shellcheck source=recovery/contents.sh
. "$here/contents.sh"
# shellcheck source=recovery/redis.sh
. "$here/redis.sh"

# Codes of psql and others, which mean other things here.
trap 'exit $EXIT_FAILED' ERR

# Besides what is expected to be written.
readonly DISK_SPARE_BYTES=$((64 * 1024 * 1024))

with_base=true wait_seconds=0 may_have_shrunk=false
while (($#)); do
  case "$1" in
    --help) usage; exit 0 ;;
    --no-base) with_base=false ;;
    --shrunk) may_have_shrunk=true ;;
    --wait) [[ ${2:-} =~ ^[0-9]+$ ]] || wrong_usage "--wait: expected seconds, got ${2:-nothing}"; wait_seconds=$2; shift ;;
    *) wrong_usage "expected --no-base, --wait, --shrunk or nothing, got $1" ;;
  esac
  shift
done
connect_database
connect_redis
secret RECOVERY_KEY
compression=${BACKUP_COMPRESSION:-zstd:3}

lock "$wait_seconds"
# Names are of seconds.
while name=$(date -u +%Y%m%dT%H%M%SZ) && [[ -e $BACKUP_DIR/$name || -e $BACKUP_DIR/base/$name ]]; do sleep 0.1; done
newest=$(newest_backup)
[[ ! $name < $newest ]] || say "the clock has gone back, or was ahead: the newest backup is $newest, this one is $name"
folder=$BACKUP_DIR/.incomplete-$name
base=$BACKUP_DIR/base/.incomplete-$name
started=$(milliseconds)
declare -A took_ms=()

ended() {
  local code=$? free
  # Told a second time, it still cleans up.
  trap '' INT TERM
  free=$(free_bytes "$BACKUP_DIR")
  end_children
  wait
  rm -rf "$folder" "$base"
  if ((code == EXIT_FAILED && free < DISK_SPARE_BYTES)); then
    say "the disk of $BACKUP_DIR is full: no backup was made"
    exit "$EXIT_DISK_FULL"
  fi
}
trap ended EXIT
trap 'say "interrupted: no backup was made"; exit $EXIT_FAILED' INT TERM

# ---- before anything is written ----

facts=$(ask "select current_setting('server_version_num'), current_setting('wal_segment_size'),
  exists (select from pg_tablespace where spcname !~ '^pg_')" 2>&1) || fail "$EXIT_UNREACHABLE" "the database is out of reach: ${facts##*error: }"
IFS='|' read -r server segment_size has_tablespaces <<<"$facts"
major=$((server / 10000))
client=$(client_major)
((client == major)) || fail "$EXIT_WRONG_VERSION" "pg_dump is of version $client, the server of $major: expected the same"
[[ $has_tablespaces == f ]] || fail "$EXIT_REFUSED" "the server has tablespaces of its own, which restore.sh cannot restore"
[[ $segment_size == 16MB ]] || fail "$EXIT_REFUSED" "the server's wal_segment_size is not 16MB, which wal.sh and restore.sh expect"

needed_bytes() {
  local last
  last=$(newest_backup)
  if [[ -n $last ]]; then
    # What is new since.
    echo $(($({ du --bytes --summarize --total "$BACKUP_DIR/$last" "$BACKUP_DIR/base/$last" 2>/dev/null || true; } | awk 'END { print $1 }') * 5 / 4))
  else
    ask "select sum(pg_database_size(oid))::bigint from pg_database where datname = current_database() or $with_base"
  fi
}
needed=$(($(needed_bytes) + DISK_SPARE_BYTES))
(($(free_bytes "$BACKUP_DIR") >= needed)) ||
  fail "$EXIT_DISK_FULL" "the disk of $BACKUP_DIR has $(in_mb "$(free_bytes "$BACKUP_DIR")") MB free, and a backup needs $(in_mb $needed) MB: nothing was begun"

mkdir -p "$folder" "$BACKUP_DIR/base"
say "backing up $PGDATABASE of $PGHOST:$PGPORT to $BACKUP_DIR/$name"

# ---- the database ----

# One transaction shows what is dumped and what is counted: the same, whatever is written meanwhile.
since=$(milliseconds)
coproc psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1
keeper=$COPROC_PID
echo "begin isolation level repeatable read read only; select pg_export_snapshot();" >&"${COPROC[1]}"
read -r -t 30 snapshot <&"${COPROC[0]}" || fail "$EXIT_UNREACHABLE" "the database gave no snapshot within 30 s"
pg_dump --format=custom --compress="$compression" --snapshot="$snapshot" --file="$folder/database.dump" &
dump=$!
during contents "$PGDATABASE" "$snapshot" >"$folder/contents"
# Roles without their passwords, which are in the secrets.
pg_dumpall --globals-only --no-role-passwords --database="$PGDATABASE" >"$folder/globals.sql"
steps=$(migrations "$PGDATABASE")
extensions=$(ask "select extname || ' ' || extversion from pg_extension order by 1")
database_bytes=$(ask "select pg_database_size(current_database())")
wait "$dump" || fail "$EXIT_FAILED" "pg_dump failed"
kill "$keeper"
wait "$keeper" || true
took_ms[database]=$(($(milliseconds) - since))

[[ -s $folder/contents ]] || fail "$EXIT_REFUSED" "the database $PGDATABASE has no tables: is it the right one?"
rows=$(jq --slurp 'map(.[].rows) | add' "$folder/contents")
last=$(newest_backup verified)
if [[ -n $last ]] && ! $may_have_shrunk; then
  before=$(jq .rows "$BACKUP_DIR/$last/manifest.json")
  ((rows * 2 >= before)) ||
    fail "$EXIT_REFUSED" "the database has $rows rows, the verified backup $last has $before: has something been lost? restore.sh brings it back; --shrunk backs up what is left"
fi
say "the database: $rows rows in $(wc -l <"$folder/contents") tables, $(in_mb "$(stat --format %s "$folder/database.dump")") MB, ${took_ms[database]} ms"

# ---- Redis ----

redis_is="not set up"
if [[ -n ${REDIS_URL:-} ]]; then
  since=$(milliseconds)
  redis_snapshot "$folder/redis.rdb.gz" 2>"$folder/redis.error" &
  if wait $!; then
    redis_is="Redis $(redis_field redis_version || true)"
    took_ms[redis]=$(($(milliseconds) - since))
    say "Redis: $(in_mb "$(stat --format %s "$folder/redis.rdb.gz")") MB, ${took_ms[redis]} ms"
  else
    # It holds sessions of minutes; the database must not wait for it.
    redis_is="missing: $(tr '\n' ' ' <"$folder/redis.error" | cut -c1-200)"
    say "Redis is ${redis_is}: this backup is without it"
  fi
  rm -f "$folder/redis.error"
fi

# ---- the configuration ----

if [[ -n ${CONFIG_PATHS:-} && -n ${RECOVERY_KEY:-} ]]; then
  export RECOVERY_KEY
  read -ra paths <<<"$CONFIG_PATHS"
  tar --create --dereference --exclude='recovery_key*' -- "${paths[@]}" 2>"$folder/tar.error" | encrypt >"$folder/config.tar.enc" ||
    fail "$EXIT_FAILED" "the configuration: $(grep -v 'Removing leading' "$folder/tar.error" | head -1)"
  rm -f "$folder/tar.error"
  say "the configuration: encrypted"
else
  say "the configuration is not in it: RECOVERY_KEY and CONFIG_PATHS are not both set"
fi

# ---- the base backup ----

if $with_base; then
  since=$(milliseconds)
  during pg_basebackup --pgdata="$base" --format=tar --compress=zstd:1 --wal-method=stream --checkpoint=fast \
    --manifest-checksums=sha256 --label="holdfast $name" --no-password
  ask "select system_identifier from pg_control_system()" >"$base/system"
  # It restores to no time before this one.
  date -u --date '+1 second' +%Y%m%dT%H%M%SZ >"$base/ended"
  took_ms[base]=$(($(milliseconds) - since))
  say "the base backup: $(in_mb "$(du --bytes --summarize "$base" | cut -f 1)") MB, ${took_ms[base]} ms"
  during seal "$base"
fi

# ---- the manifest, and then it counts ----

took=$(($(milliseconds) - started))
jq --slurp --arg name "$name" --arg database "$PGDATABASE" --argjson bytes "$database_bytes" --argjson server "$server" \
  --arg client "$(pg_dump --version)" --arg redis "$redis_is" --argjson rows "$rows" --argjson ms "$took" \
  --arg migrations "$steps" --arg extensions "$extensions" --argjson base "$with_base" \
  --argjson files "$(cd "$folder" && stat --format '{"%n": %s}' -- * | jq --slurp 'add | del(.contents)')" \
  --argjson took "$(for what in "${!took_ms[@]}"; do echo "{\"$what\": ${took_ms[$what]}}"; done | jq --slurp add)" '
  def lines: split("\n") | map(select(. != ""));
  {format: 1, name: $name, database: $database, database_bytes: $bytes, server: $server, client: $client, redis: $redis, base: $base,
   migrations: ($migrations | lines), extensions: ($extensions | lines), rows: $rows, tables: add, files: $files, took_ms: ($took + {all: $ms})}
' "$folder/contents" >"$folder/manifest.json"
rm "$folder/contents"
during seal "$folder"
bytes=$(du --bytes --summarize "$folder" | cut -f 1)
if $with_base; then
  mv --no-target-directory "$base" "$BACKUP_DIR/base/$name"
  sync "$BACKUP_DIR/base"
fi
mv --no-target-directory "$folder" "$BACKUP_DIR/$name"
sync "$BACKUP_DIR"
say "$name is complete: $(in_mb "$bytes") MB in $took ms; verify.sh proves it"
jq --null-input --compact-output --arg backup "$name" --argjson bytes "$bytes" --argjson rows "$rows" --argjson ms "$took" \
  --argjson base "$with_base" '{backup: $backup, bytes: $bytes, rows: $rows, base: $base, took_ms: $ms}'
