#!/usr/bin/env bash
# Summary: brings back the database, a table or one simulation, from a backup or as it was at a point in time.
# Usage: recovery/restore.sh latest | DATE | NAME | --to now | --to TIME     [options]
#   latest                 the newest verified backup
#   DATE, NAME             20250115: the newest verified one of that day; 20250115T020000Z: this one
#   --to TIME, --to now    by base backup and log of changes: '2025-01-15 10:42:00' (UTC), or all that was streamed
#   --table T [--where C]  only rows of this table that are missing now, all or those of which C is true; what is there stays
#   --simulation ID        the same as --table simulations --where "id = 'ID'"
#   --config FOLDER        only the configuration and secrets, decrypted, into this folder
#   --redis                also the snapshot of Redis; sessions are told that they missed something, nothing is repeated
#   --fetch                brings the newest copy from elsewhere first, by offsite.sh
#   --list                 says what there is
#   --dry-run              says what it would do
#   --yes                  without asking; else the name of the database has to be typed
#   --unverified           takes a backup that verify.sh has not proven
#   --older-schema         although the database has taken migrations that the backup has not; migrate afterwards
#   --wait SECONDS         for a backup that runs; 60
# The database is restored beside the live one and checked; then the two change names. The old one stays until it is dropped by hand.
# Settings, from the environment: DATABASE_URL, REDIS_URL, BACKUP_DIR, RECOVERY_KEY as in backup.sh; SCRATCH_DIR, RESTORE_JOBS as in verify.sh
# Prints one line of JSON. Exits with: 0 done, 1 failed, 2 wrong usage, 3 another runs, 4 disk full, 5 the database is out of reach,
# 6 the backup is damaged, 7 refused: not confirmed, not verified, or of an older schema, 8 wrong RECOVERY_KEY, 9 Postgres is too old,
# or has not the extensions
set -Eeuo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"
# shellcheck source=recovery/contents.sh
. "$here/contents.sh"
# shellcheck source=recovery/scratch.sh
. "$here/scratch.sh"
# shellcheck source=recovery/redis.sh
. "$here/redis.sh"
# shellcheck source=recovery/wal-files.sh
. "$here/wal-files.sh"

# Codes of psql and others, which mean other things here.
trap 'exit $EXIT_FAILED' ERR

# Replaying a day of changes takes its time.
readonly REPLAY_SECONDS_MAX=3600

which="" to="" table="" where="true" config="" wait_seconds=60
is_list=false is_fetched=false is_dry=false is_sure=false may_be_unverified=false may_be_older=false with_redis=false
value() { [[ -n ${2:-} ]] || wrong_usage "$1: expected $3, got nothing"; }
while (($#)); do
  case "$1" in
    --help) usage; exit 0 ;;
    --fetch) is_fetched=true ;;
    --list) is_list=true ;;
    --dry-run) is_dry=true ;;
    --yes) is_sure=true ;;
    --unverified) may_be_unverified=true ;;
    --older-schema) may_be_older=true ;;
    --redis) with_redis=true ;;
    --to) value "$1" "${2:-}" "a time or now"; to=$2; shift ;;
    --table) value "$1" "${2:-}" "a table"; table=$2; shift ;;
    --where) value "$1" "${2:-}" "a condition"; where=$2; shift ;;
    --simulation)
      [[ ${2:-} =~ ^[A-Za-z0-9_-]+$ ]] || wrong_usage "--simulation: expected an id, got ${2:-nothing}"
      table=simulations where="id = '$2'"; shift ;;
    --config) value "$1" "${2:-}" "a folder"; config=$2; shift ;;
    --wait) [[ ${2:-} =~ ^[0-9]+$ ]] || wrong_usage "--wait: expected seconds, got ${2:-nothing}"; wait_seconds=$2; shift ;;
    -*) wrong_usage "unknown option $1" ;;
    *) [[ -z $which ]] || wrong_usage "expected one backup, got $which and $1"; which=$1 ;;
  esac
  shift
done

describe() {
  local manifest=$BACKUP_DIR/$1/manifest.json
  local state="not verified"
  [[ ! -e $BACKUP_DIR/$1/verified.json ]] || state=verified
  [[ ! -d $BACKUP_DIR/base/$1 ]] || state+=", with a base backup"
  echo "$1  $(jq .rows "$manifest") rows, $(in_mb "$(du --bytes --summarize "$BACKUP_DIR/$1" | cut -f 1)") MB, $state"
}
if $is_fetched; then "$here/offsite.sh" fetch || exit; fi
if $is_list; then
  for name in $(backups); do describe "$name"; done
  [[ -n $(newest_backup) ]] || say "there is no backup in $BACKUP_DIR"
  exit 0
fi
[[ $which =~ ^(|latest|[0-9]{8}(T[0-9]{6}Z)?)$ ]] || wrong_usage "expected latest, a date such as 20250115, or a backup's name, got $which"
[[ -n $which || -n $to ]] || wrong_usage "expected latest, a date, a backup's name or --to, got nothing"
[[ -z $which || -z $to ]] || wrong_usage "expected a backup or --to, got both"
[[ $where == true || -n $table ]] || wrong_usage "--where: expected --table beside it"
if [[ -n $to && $to != now ]]; then
  time=$(date -u --date "$to" '+%F %T.%N+00' 2>/dev/null) || wrong_usage "--to: expected now or a time such as '2025-01-15 10:42:00', got $to"
  to=$time
fi
secret RECOVERY_KEY
# The configuration has what is needed to reach the database.
if [[ -z $config ]]; then
  connect_database
  connect_redis
fi
lock "$wait_seconds"

# ---- which ----

name=""
if [[ -n $to ]]; then
  # The newest base backup that was complete before that time.
  limit=99999999T
  [[ $to == now ]] || limit=$(date -u --date "$to" +%Y%m%dT%H%M%SZ)
  for base in "$BACKUP_DIR"/base/[0-9]*Z; do
    if [[ -e $base/ended && $(<"$base/ended") < $limit ]]; then name=$(basename "$base"); fi
  done
  [[ -n $name ]] || fail "$EXIT_FAILED" "there is no base backup from before $to in $BACKUP_DIR/base"
else
  case $which in
    latest) name=$(newest_backup verified) ;;
    *) name=$(backups verified | grep "^$which" | tail -1 || true) ;;
  esac
  if [[ -z $name ]]; then
    name=$(backups | grep "^${which/#latest/}" | tail -1 || true)
    [[ -n $name ]] || fail "$EXIT_FAILED" "there is no backup $which in $BACKUP_DIR: --list says what there is"
    $may_be_unverified || fail "$EXIT_REFUSED" "$name is not verified: run verify.sh $name, or take it as it is with --unverified"
  fi
fi
folder=$BACKUP_DIR/$name
manifest=$folder/manifest.json

if [[ -n $config ]]; then
  [[ -z $to ]] || wrong_usage "--config: expected a backup, got --to"
  # It proves itself: of a backup that is damaged elsewhere, the configuration is still wanted.
  [[ -e $folder/config.tar.enc ]] || fail "$EXIT_FAILED" "$name has no configuration"
  config_is_good "$folder/config.tar.enc"
  mkdir -p "$config"
  decrypt <"$folder/config.tar.enc" | tar --extract --no-same-owner --directory "$config"
  say "the configuration of $name is in $config"
  exit 0
fi
if $with_redis; then
  [[ -n ${REDIS_URL:-} && -z $to && -z $table && -e $folder/redis.rdb.gz ]] ||
    fail "$EXIT_USAGE" "--redis: expected REDIS_URL, and a backup that has a snapshot of Redis"
  [[ -n $(redis_field run_id || true) ]] || fail "$EXIT_UNREACHABLE" "Redis is out of reach: restore without --redis, or see to it first"
fi

# ---- what will be done ----

# Everything goes through the maintenance database: the live one changes its name.
maintenance=postgres
live=$PGDATABASE
restoring=${live}_restoring
[[ $live != "$maintenance" ]] || fail "$EXIT_USAGE" "DATABASE_URL: expected another database than postgres, which restoring works from"
is_there() { [[ -n $(ask "select 1 from pg_database where datname = '$1'" $maintenance) ]]; }
server=$(ask "show server_version_num" $maintenance 2>&1) ||
  fail "$EXIT_UNREACHABLE" "the database server $PGHOST:$PGPORT is out of reach: ${server##*error: }"
server=$((server / 10000))
if is_there "$live"; then live_is_there=true; else live_is_there=false; fi
# Two are never of the same second.
for ((second = EPOCHSECONDS; ; second++)); do
  old=${live}_before_$(date -u --date "@$second" +%Y%m%dt%H%M%Sz)
  is_there "$old" || break
done
if [[ -n $to ]]; then
  made_with=$server
  source="$live as it was at $to, by the base backup $name and the log of changes since"
else
  made_with=$(jq '.server / 10000 | floor' "$manifest")
  source=$(describe "$name")
fi
((server >= made_with && $(client_major) >= made_with)) ||
  fail "$EXIT_WRONG_VERSION" "the backup is of Postgres $made_with; the server is of $server, pg_restore of $(client_major): expected $made_with or later"

if [[ -n $table ]]; then
  $live_is_there || fail "$EXIT_FAILED" "--table: there is no database $live to put rows into"
  quoted=${table//\'/\'\'}
  [[ -n $(ask "select to_regclass('$quoted')") ]] || fail "$EXIT_FAILED" "--table: the live database has no table $table: restore all of it"
  [[ -n $(ask "select 1 from pg_index where indrelid = to_regclass('$quoted') and indisunique limit 1") ]] ||
    fail "$EXIT_REFUSED" "--table: the live $table has no key by which it could be told which rows are missing"
  say "will put back rows of $table that are missing in $live on $PGHOST (where $where), from: $source"
else
  [[ -n $to ]] || extensions_are_there "$(jq -r '.extensions[] | split(" ")[0]' "$manifest")"
  say "will replace $live on $PGHOST:$PGPORT by: $source"
  ! $live_is_there || say "the live one, $(in_mb "$(ask "select pg_database_size('$live')" $maintenance)") MB, stays as $old"
  ! $with_redis || say "will replace what is in Redis by its snapshot, and restart it"
fi
! $is_dry || exit 0
if ! $is_sure; then
  [[ -t 0 ]] || fail "$EXIT_REFUSED" "not confirmed: expected --yes, or a terminal to type the name of the database"
  read -r -p "Type the name of the database to go on: " typed || true
  [[ $typed == "$live" ]] || fail "$EXIT_REFUSED" "not confirmed: expected $live, got ${typed:-nothing}"
fi

started=$(milliseconds)
is_swapping=false is_interrupted=false
ended() {
  # Told a second time, it still cleans up.
  trap '' INT TERM
  # Whoever works with it first: it must not tell that its server is gone.
  end_children
  scratch_remove
  wait
  [[ -z $table ]] || return 0
  # Once the two have changed names, there is none of this one.
  ask "drop database if exists \"$restoring\" with (force)" $maintenance >/dev/null 2>&1 || true
  ! $is_interrupted || if $is_swapping && { ! $live_is_there || is_there "$old"; }; then
    say "interrupted: the live database is the restored one already"
  else
    say "interrupted: the live database is as it was"
  fi
}
trap ended EXIT
trap 'is_interrupted=true; exit $EXIT_FAILED' INT TERM

# ---- the source: a backup, or a server of one's own that has replayed the changes, as recovery/fetch-wal.sh brings them ----

unpack() { zstd --decompress --stdout --quiet "$1" | tar --extract --directory "$2"; }

scratch_at_time() {
  local base=$BACKUP_DIR/base/$name system end last
  system=$(<"$base/system")
  during unbroken "$base"
  # Up to a time before a gap, it restores: Postgres says whether it got there.
  [[ $to != now ]] || wal_is_whole "$name"
  # What is replayed needs room as well.
  scratch_make $(($(jq '[.Files[].Size] | add' "$base/backup_manifest") * 2))
  say "unpacking the base backup"
  during unpack "$base/base.tar.zst" "$scratch/data"
  if [[ -e $base/pg_wal.tar ]]; then tar --extract --directory "$scratch/data/pg_wal" --file "$base/pg_wal.tar"; fi
  if [[ -e $base/pg_wal.tar.zst ]]; then unpack "$base/pg_wal.tar.zst" "$scratch/data/pg_wal"; fi
  (($(<"$scratch/data/PG_VERSION") == $(client_major))) ||
    fail "$EXIT_WRONG_VERSION" "the base backup is of Postgres $(<"$scratch/data/PG_VERSION"), and here is $(client_major): expected the same"
  # Its settings are of another machine, and would win.
  : >"$scratch/data/postgresql.auto.conf"
  rm -f "$scratch/data/standby.signal"
  touch "$scratch/data/recovery.signal"
  {
    echo "restore_command = '\"$here/fetch-wal.sh\" \"$BACKUP_DIR/wal/$system\" \"%f\" \"%p\"'"
    if [[ $to != now ]]; then echo "recovery_target_time = '$to'"; fi
    echo "recovery_target_action = promote"
  } >>"$scratch/postgresql.conf"
  say "replaying the changes up to $to"
  if ! scratch_start "$REPLAY_SECONDS_MAX"; then
    if grep -q "recovery ended before configured recovery target was reached" "$scratch/log"; then
      fail "$EXIT_FAILED" "the log of changes ends before $to: --to now restores what there is"
    fi
    ! grep -q "No space left on device" "$scratch/log" || fail "$EXIT_DISK_FULL" "the disk of $scratch is full: make room, or set SCRATCH_DIR"
    fail "$EXIT_DAMAGED" "replaying failed: $(grep -E 'FATAL|PANIC' "$scratch/log" | grep -m1 -v 'the database system is' || tail -1 "$scratch/log")"
  fi
  # A file that is damaged looks like the end of the log.
  if [[ $to == now ]]; then
    end=$(grep -oE 'redo done at [0-9A-F]+/[0-9A-F]+' "$scratch/log" | tail -1 || true)
    last=$(wal_numbers "$system" whole | tail -1)
    if [[ -n $end && -n $last ]] && (($(lsn_number "${end##* }") < last)); then
      fail "$EXIT_DAMAGED" "replaying ended at ${end##* }, in file …$(wal_name "$(lsn_number "${end##* }")"), which is damaged; the log goes on to …$(wal_name "$last"): --to TIME restores what was before"
    fi
  fi
  say "replayed: $(grep -oE 'last completed transaction was at log time .*' "$scratch/log" || echo "nothing was written since the base backup")"
}

# ---- rows of one table ----

if [[ -n $table ]]; then
  if [[ -n $to ]]; then
    scratch_at_time
    from=$live
  else
    during unbroken "$folder"
    scratch_new "$(jq .database_bytes "$manifest")"
    from=restored
    during scratch_restore "$name" $from
  fi
  columns=$(in_scratch ask "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
    where attrelid = to_regclass('$quoted') and attnum > 0 and not attisdropped and attgenerated = ''" "$from")
  [[ -n $columns ]] || fail "$EXIT_FAILED" "--table: the backup has no table $table"
  found=$(in_scratch ask "select count(*) from $table where $where" "$from") || fail "$EXIT_USAGE" "--where: expected a condition on $table, got $where"
  ((found > 0)) || fail "$EXIT_FAILED" "nothing in the backup's $table is as wanted: $where"
  in_scratch ask "copy (select $columns from $table where $where) to stdout" "$from" >"$scratch/rows"
  restored=$(
    psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 <<SQL
begin;
create temp table restored_rows as select $columns from $table limit 0;
\copy restored_rows from '$scratch/rows'
with put as (insert into $table ($columns) overriding system value select $columns from restored_rows on conflict do nothing returning 1)
select count(*) from put;
commit;
SQL
  ) || fail "$EXIT_FAILED" "the rows cannot be put into the live $table; it is as it was"
  say "$restored of $found rows of $table were missing, and are back"
  jq --null-input --compact-output --arg table "$table" --argjson restored "$restored" --argjson found "$found" '{$table, $found, $restored}'
  exit 0
fi

# ---- the whole database, beside the live one ----

# database_statements DUMP: what makes a database as it was, under the name of the one that is being restored: with its encoding,
# owner and settings, and who may connect. pg_restore makes them only in one that has the old name.
database_statements() {
  local entries
  entries=$(pg_restore --create --list "$1" | grep -E '^[0-9]+; [0-9]+ [0-9]+ (DATABASE|DATABASE PROPERTIES|(ACL|COMMENT) - DATABASE) ')
  pg_restore --create --use-list=<(echo "$entries") --file=- "$1" |
    sed -nE "s/^((CREATE|ALTER|COMMENT ON) DATABASE|(GRANT|REVOKE) .* ON DATABASE|ALTER ROLE .* IN DATABASE) (\"([^\"]|\"\")*\"|[^ ;]+)/\1 \"$restoring\"/p"
}

if [[ -n $to ]]; then
  scratch_at_time
  dump=$scratch/dump globals=$scratch/globals.sql
  extensions_are_there "$(in_scratch ask "select extname from pg_extension" "$live")"
  in_scratch during pg_dump --format=directory --jobs="${RESTORE_JOBS:-2}" --compress=0 --file="$dump" "$live"
  in_scratch pg_dumpall --globals-only --no-role-passwords --database="$live" >"$globals"
  tables=$(in_scratch contents "$live" | jq --slurp add)
else
  during unbroken "$folder"
  dump=$folder/database.dump globals=$folder/globals.sql
  tables=$(jq .tables "$manifest")
fi
say "restoring beside the live database, as $restoring, and checking it"
ask "drop database if exists \"$restoring\" with (force)" $maintenance
# Roles that are there already stay as they are.
psql --no-psqlrc --quiet --dbname $maintenance --file="$globals" >/dev/null 2>&1 || true
statements=$(database_statements "$dump")
if ! said=$(ask "$(grep '^CREATE' <<<"$statements")" $maintenance 2>&1); then
  say "the database cannot be made as it was, so it gets the server's locale: $said"
  ask "create database \"$restoring\" template template0" $maintenance
fi
ask "$(grep -v '^CREATE' <<<"$statements")" $maintenance
during restore_dump "$dump" "$restoring" as_promised "$name" "$tables" "$restoring"
during ask "analyze" "$restoring"
rows=$(jq 'map(.rows) | add' <<<"$tables")
if $live_is_there && ! $may_be_older; then
  has=$(migrations "$restoring" | sort)
  newer=$(migrations "$live" | sort | comm -13 <(echo "$has") - | paste --serial --delimiters ' ')
  [[ -z $newer ]] ||
    fail "$EXIT_REFUSED" "the live database has taken migrations that the backup has not: $newer; --older-schema restores it all the same, and the migrations have to run again"
fi

# Both names change in one transaction. It holds the database's name, so nobody gets in any more, while the other process ends those
# who are in, for as long as this one lives.
say "ending who writes, and swapping"
is_swapping=true
while kill -0 $$ 2>/dev/null && sleep 0.05; do
  ask "select pg_terminate_backend(pid) from pg_stat_activity where datname in ('$live', '$restoring')" $maintenance >/dev/null 2>&1 || true
done &
ender=$!
renames="alter database \"$restoring\" rename to \"$live\";"
! $live_is_there || renames="alter database \"$live\" rename to \"$old\"; $renames"
swapped=$(ask "begin; $renames commit;" $maintenance 2>&1) || fail "$EXIT_FAILED" "swapping failed, the live database is as it was: $swapped"
kill $ender
wait $ender 2>/dev/null || true

if $with_redis; then during redis_restore "$folder/redis.rdb.gz"; fi

took=$(($(milliseconds) - started))
say "$live is restored: $rows rows, in $took ms"
! $live_is_there || say "the old one is $old; once nobody needs it any more: dropdb $old"
if $may_be_older; then say "run the migrations now: docker compose -f docker-compose.scalable.yml run --rm migrate"; fi
jq --null-input --compact-output --arg from "$name" --arg to "$to" --argjson rows "$rows" --argjson ms "$took" \
  --arg old "$(! $live_is_there || echo "$old")" '{restored: $from, to: $to, rows: $rows, old: $old, took_ms: $ms}'
