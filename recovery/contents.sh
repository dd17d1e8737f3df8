#!/usr/bin/env bash
# Summary: what is in a database and in a backup: rows and hashes of tables, names, checksums, locks.
# Usage: . recovery/contents.sh (after settings.sh)

# So that what is sorted is in one order everywhere, and what programs say is in one language.
export LC_ALL=C

milliseconds() { echo $((${EPOCHREALTIME//[.,]/} / 1000)); }
in_mb() { awk -v bytes="$1" 'BEGIN { printf bytes < 1e7 ? "%.1f" : "%.0f", bytes / 1e6 }'; }
# free_bytes FOLDER: of its disk.
free_bytes() { df --output=avail --block-size=1 "$1" | tail -1; }
client_major() { pg_dump --version | grep -oE '[0-9]+' | head -1; }

# lock SECONDS: one process at a time works on backups. Held until this process, and what it has started, have ended.
lock() {
  # Names and ages may be seen, such as by the service's health; what is in backups may not.
  if ! (umask 022 && mkdir -p "$BACKUP_DIR") 2>/dev/null || [[ ! -w $BACKUP_DIR ]]; then
    fail "$EXIT_USAGE" "BACKUP_DIR: expected a folder that can be written, got $BACKUP_DIR"
  fi
  exec {lock_descriptor}>>"$BACKUP_DIR/.lock"
  flock --wait "$1" "$lock_descriptor" || fail "$EXIT_BUSY" "another backup, verification or restore works on $BACKUP_DIR: wait for it, or --wait SECONDS"
  # Of runs that were ended before they could do so themselves.
  rm -rf "$BACKUP_DIR"/.incomplete-* "$BACKUP_DIR"/base/.incomplete-* "$BACKUP_DIR"/.redis-*
}

# backups [verified]: names, oldest first.
backups() {
  local folder
  for folder in "$BACKUP_DIR"/[0-9]*Z/; do
    [[ -e $folder/manifest.json && (${1:-} != verified || -e $folder/verified.json) ]] && basename "$folder"
  done
  return 0
}
newest_backup() { backups "$@" | tail -1; }

# contents DATABASE [SNAPSHOT]: a line of JSON a table: {"public.simulations": {"rows": 3, "hash": "123"}}. The hash does not depend on
# the order of rows: the sum of Postgres's own 64-bit hashes of them, which is here against mishaps, not against people. Hashing a
# row as it is costs a fifth of hashing its text, and is done where all its values mean the same in another database: those of an
# enum, or under a collation that ICU's version has a say in, do not. Values that are equal count as the same: 1.0 and 1.00.
# Sequences are not among the tables: they change outside of transactions.
contents() {
  local snapshot=""
  [[ -z ${2:-} ]] || snapshot="set transaction snapshot '$2';"
  psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --dbname "$1" <<SQL
begin isolation level repeatable read read only;
$snapshot
with value_types as (
  select unnest(array[oid, typarray]) as oid from pg_type where typnamespace = 'pg_catalog'::regnamespace and typname in ('bool', 'int2', 'int4', 'int8', 'oid', 'float4', 'float8',
    'numeric', 'text', 'varchar', 'bpchar', 'name', 'bytea', 'uuid', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'jsonb', 'inet')
)
select format('select json_build_object(%L, json_build_object(''rows'', count(*), ''hash'', coalesce(sum(%s), 0)::text)) from only %I.%I as t',
  format('%I.%I', nspname, relname),
  case when exists (
    select from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped
      and (atttypid not in (select oid from value_types) or attcollation in (select oid from pg_collation where not collisdeterministic))
  ) then 'hashtextextended((t.*)::text, 0)' else 'hash_record_extended(t.*, 0)' end,
  nspname, relname)
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where relkind = 'r' and relpersistence = 'p' and nspname !~ '^pg_' and nspname <> 'information_schema'
  -- What an extension brings is not in a dump.
  and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
  or pg_class.oid = 'pg_largeobject'::regclass and exists (select from pg_largeobject)
order by nspname, relname \gexec
commit;
SQL
}

# migrations DATABASE: the steps that its tables have taken.
migrations() {
  [[ -z $(ask "select to_regclass('kysely_migration')" "$1") ]] || ask "select name from kysely_migration order by name" "$1"
}

# checksums: of the files that it reads the names of, a line each, as sha256sum writes and checks them; openssl takes a quarter of its time.
checksums() { xargs --delimiter '\n' --no-run-if-empty openssl dgst -sha256 -r; }

# seal FOLDER: checksums of its files, and all of it on the disk.
seal() {
  local sums
  sums=$(cd "$1" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | checksums)
  echo "$sums" >"$1/SHA256SUMS"
  find "$1" -type f -print0 | xargs -0 sync
  sync "$1"
}

# unbroken FOLDER: or a word on what is not as it was sealed.
unbroken() {
  [[ -s $1/SHA256SUMS ]] || fail "$EXIT_DAMAGED" "$1: SHA256SUMS is missing"
  local sums differs
  # The name comes after a space, or a star.
  sums=$(sed 's/ [ *]/ /' "$1/SHA256SUMS" | sort)
  differs=$(cd "$1" && cut -d ' ' -f 2- <<<"$sums" | { checksums 2>/dev/null || true; } | sed 's/ [ *]/ /' | sort | comm -23 <(echo "$sums") - | sed -n 1p)
  [[ -n $differs ]] || return 0
  [[ -e $1/${differs#* } ]] || fail "$EXIT_DAMAGED" "$1: ${differs#* } is missing"
  fail "$EXIT_DAMAGED" "$1: ${differs#* } is not as it was"
}

encrypt() { openssl enc -aes-256-cbc -pbkdf2 -iter 200000 -salt -pass env:RECOVERY_KEY; }
decrypt() { openssl enc -d -aes-256-cbc -pbkdf2 -iter 200000 -pass env:RECOVERY_KEY; }

# time_of BACKUP: 20250115T020000Z as 2025-01-15T02:00:00Z.
time_of() { sed -E 's/^(....)(..)(..)T(..)(..)(..)Z$/\1-\2-\3T\4:\5:\6Z/' <<<"$1"; }

config_is_good() {
  [[ -n ${RECOVERY_KEY:-} ]] || fail "$EXIT_WRONG_KEY" "RECOVERY_KEY: expected the key that the configuration is encrypted with, got nothing"
  export RECOVERY_KEY
  decrypt <"$1" 2>/dev/null | tar --list >/dev/null 2>&1 ||
    fail "$EXIT_WRONG_KEY" "RECOVERY_KEY is not the key that $1 was encrypted with"
}
