#!/usr/bin/env bash
# Summary: proves a backup by restoring it into a Postgres of its own: every table must have the rows and the contents it had.
# Usage: recovery/verify.sh [latest|NAME] [--wait SECONDS] [--help]       latest: the newest; NAME: 20250115T020000Z
# Settings, from the environment: BACKUP_DIR, DATABASE_URL (whose user's name it takes), RECOVERY_KEY (or RECOVERY_KEY_FILE) as in
# backup.sh; SCRATCH_DIR=BACKUP_DIR: needs room for the database as it is, not compressed; RESTORE_JOBS=2
# What is good gets a file verified.json, which is taken away from what is found damaged. BACKUP_DIR/last-verified has the time
# that the newest good one is of, which alert.sh and the health look at.
# Prints one line of JSON. Exits with: 0 all is good, 1 failed, 2 wrong usage, 3 another runs, 4 disk full, 6 damaged,
# 8 RECOVERY_KEY is not the one it was made with, 9 Postgres here is older than the backup's, or has not its extensions
set -Eeuo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"
# shellcheck source=recovery/contents.sh
. "$here/contents.sh"
# shellcheck source=recovery/redis.sh
. "$here/redis.sh"
# shellcheck source=recovery/scratch.sh
. "$here/scratch.sh"
# shellcheck source=recovery/wal-files.sh
. "$here/wal-files.sh"

# Codes of psql and others, which mean other things here.
trap 'exit $EXIT_FAILED' ERR

which=latest wait_seconds=0
while (($#)); do
  case "$1" in
    --help) usage; exit 0 ;;
    --wait) [[ ${2:-} =~ ^[0-9]+$ ]] || wrong_usage "--wait: expected seconds, got ${2:-nothing}"; wait_seconds=$2; shift ;;
    -*) wrong_usage "expected latest, a backup's name or --wait, got $1" ;;
    *) which=$1 ;;
  esac
  shift
done
connect_database
secret RECOVERY_KEY
lock "$wait_seconds"

name=$which
[[ $which != latest ]] || name=$(newest_backup)
[[ $name =~ ^[0-9]{8}T[0-9]{6}Z$ && -e $BACKUP_DIR/$name/manifest.json ]] || fail "$EXIT_FAILED" "there is no backup $which in $BACKUP_DIR"
folder=$BACKUP_DIR/$name
started=$(milliseconds)
is_proven=false

note_newest() {
  local newest
  newest=$(newest_backup verified)
  if [[ -n $newest ]]; then
    time_of "$newest" >"$BACKUP_DIR/last-verified.new"
    chmod 644 "$BACKUP_DIR/last-verified.new"
    mv "$BACKUP_DIR/last-verified.new" "$BACKUP_DIR/last-verified"
  else
    rm -f "$BACKUP_DIR/last-verified"
  fi
}
ended() {
  local code=$?
  # Told a second time, it still cleans up.
  trap '' INT TERM
  # Whoever works with it first: it must not tell that its server is gone.
  end_children
  scratch_remove
  wait
  rm -f "$BACKUP_DIR"/.redis-*
  # It may have been good once.
  if ((code == EXIT_DAMAGED)) && ! $is_proven && [[ -e $folder/verified.json ]]; then
    rm -f "$folder/verified.json"
    note_newest
  fi
}
trap ended EXIT
trap 'say "interrupted"; exit $EXIT_FAILED' INT TERM

say "verifying $name: checksums"
during unbroken "$folder"
made_with=$(jq -r '.server / 10000 | floor' "$folder/manifest.json")
(($(client_major) >= made_with)) ||
  fail "$EXIT_WRONG_VERSION" "$name is of Postgres $made_with, and here is $(client_major): expected $made_with or later"
if [[ -e $folder/redis.rdb.gz ]]; then during redis_is_good "$folder/redis.rdb.gz"; fi
if [[ -e $folder/config.tar.enc ]]; then config_is_good "$folder/config.tar.enc"; fi

say "verifying $name: restoring it"
scratch_new "$(jq .database_bytes "$folder/manifest.json")"
during scratch_restore "$name" verifying as_promised "$name" "$(jq .tables "$folder/manifest.json")" verifying
rows=$(jq .rows "$folder/manifest.json")
took=$(($(milliseconds) - started))
at=$(date -u +%FT%TZ)
jq --null-input --arg at "$at" --argjson rows "$rows" --argjson ms "$took" '{at: $at, rows: $rows, took_ms: $ms}' >"$folder/verified.json.new"
sync "$folder/verified.json.new"
mv "$folder/verified.json.new" "$folder/verified.json"
is_proven=true
note_newest
say "$name is good: $rows rows as they were, in $took ms"

# What restores to a point in time is the second way; the first is good by now.
if [[ -d $BACKUP_DIR/base/$name ]]; then
  say "verifying $name: the base backup and the log of changes since"
  during unbroken "$BACKUP_DIR/base/$name"
  wal_is_whole "$name"
fi
jq --null-input --compact-output --arg backup "$name" --argjson rows "$rows" --argjson ms "$took" '{verified: $backup, rows: $rows, took_ms: $ms}'
