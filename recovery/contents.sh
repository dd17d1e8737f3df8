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
# the order of rows: the sum of 60 bits of each row's MD5, which is here against mishaps, not against people. Sequences are not
# among them: they change outside of transactions.
contents() {
  local snapshot=""
  [[ -z ${2:-} ]] || snapshot="set transaction snapshot '$2';"
  psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --dbname "$1" <<SQL
begin isolation level repeatable read read only;
$snapshot
select format('select json_build_object(%L, json_build_object(''rows'', count(*), ''hash'',
    coalesce(sum((''x'' || left(md5((t.*)::text), 15))::bit(60)::bigint), 0)::text)) from only %I.%I as t',
  format('%I.%I', nspname, relname), nspname, relname)
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

# seal FOLDER: checksums of its files, and all of it on the disk.
seal() {
  local sums
  sums=$(cd "$1" && find . -type f ! -name SHA256SUMS -printf '%P\0' | sort --zero-terminated | xargs -0 sha256sum)
  echo "$sums" >"$1/SHA256SUMS"
  find "$1" -type f -print0 | xargs -0 sync
  sync "$1"
}

# unbroken FOLDER: or a word on what is not as it was sealed.
unbroken() {
  [[ -s $1/SHA256SUMS ]] || fail "$EXIT_DAMAGED" "$1: SHA256SUMS is missing"
  local said
  said=$(cd "$1" && sha256sum --check --quiet --strict SHA256SUMS 2>&1) ||
    fail "$EXIT_DAMAGED" "$1: $(head -1 <<<"$said")"
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
