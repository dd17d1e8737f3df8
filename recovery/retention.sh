#!/usr/bin/env bash
# Summary: deletes backups that are not needed any more: keeps some of the last days, weeks and months, all of them verified.
# Usage: recovery/retention.sh [--dry-run] [--wait SECONDS] [--help]
# Settings, from the environment: BACKUP_DIR as in backup.sh
#   KEEP_DAILY=7, KEEP_WEEKLY=4, KEEP_MONTHLY=6    of so many days, weeks and months that have one, the newest verified backup each
#   KEEP_VERIFIED_MIN=3                            never fewer than so many verified ones, nor the newest
#   KEEP_BASE_DAYS=7                               so far back can be restored to a point in time; the log of changes is kept for it
# What is not verified is kept until something newer is, and then for another KEEP_UNVERIFIED_DAYS=3.
# Prints one line of JSON. Exits with: 0 done, 1 failed, 2 wrong usage, 3 a backup or restore runs
set -Eeuo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"
# shellcheck source=recovery/contents.sh
. "$here/contents.sh"
# shellcheck source=recovery/wal-files.sh
. "$here/wal-files.sh"

# Codes of jq and others, which mean other things here.
trap 'exit $EXIT_FAILED' ERR

is_dry=false wait_seconds=0
while (($#)); do
  case "$1" in
    --help) usage; exit 0 ;;
    --dry-run) is_dry=true ;;
    --wait) [[ ${2:-} =~ ^[0-9]+$ ]] || wrong_usage "--wait: expected seconds, got ${2:-nothing}"; wait_seconds=$2; shift ;;
    *) wrong_usage "expected --dry-run, --wait or nothing, got $1" ;;
  esac
  shift
done
number KEEP_DAILY 7
number KEEP_WEEKLY 4
number KEEP_MONTHLY 6
number KEEP_VERIFIED_MIN 3 1
number KEEP_BASE_DAYS 7 1
number KEEP_UNVERIFIED_DAYS 3
lock "$wait_seconds"

declare -A keep=()
mapfile -t verified < <(backups verified | sort --reverse)

# keep_newest_of FORMAT COUNT: of so many different days (or weeks, or months), as date prints them.
keep_newest_of() {
  local name period last="" count=0
  for name in "${verified[@]}"; do
    period=$(date -u --date "$(time_of "$name")" "+$1")
    [[ $period != "$last" ]] || continue
    ((count++ < $2)) || break
    last=$period
    keep[$name]+=" $3"
  done
}
keep_newest_of %F "$KEEP_DAILY" daily
keep_newest_of %G-%V "$KEEP_WEEKLY" weekly
keep_newest_of %Y-%m "$KEEP_MONTHLY" monthly
for name in "${verified[@]:0:KEEP_VERIFIED_MIN}"; do keep[$name]+=" newest"; done

older_than() { [[ $1 < $(date -u --date "$2 days ago" +%Y%m%dT%H%M%SZ) ]]; }

deleted=()
delete() {
  say "$($is_dry && echo "would delete" || echo "deleting") $1"
  # First out of sight, then bit by bit: one that is half deleted must not look like a backup.
  if ! $is_dry; then
    mv "$BACKUP_DIR/$1" "$BACKUP_DIR/$(dirname "$1")/.incomplete-$(basename "$1")"
    rm -rf "$BACKUP_DIR/$(dirname "$1")/.incomplete-$(basename "$1")"
  fi
  deleted+=("$1")
}

for name in $(backups); do
  if [[ -n ${keep[$name]:-} ]]; then
    say "keeping $name:${keep[$name]}"
  elif [[ -e $BACKUP_DIR/$name/verified.json ]]; then
    delete "$name"
  elif [[ -n ${verified[0]:-} && $name < ${verified[0]} ]] && older_than "$name" "$KEEP_UNVERIFIED_DAYS"; then
    delete "$name"
  else
    say "keeping $name: not verified"
  fi
done

# ---- base backups, and the log of changes since the oldest of them ----

bases=()
mapfile -t all < <(cd "$BACKUP_DIR/base" 2>/dev/null && find . -maxdepth 1 -name '[0-9]*Z' -printf '%P\n' | sort)
for ((i = 0; i < ${#all[@]}; i++)); do
  # It goes when the next one reaches as far back as is wanted.
  if [[ -n ${all[i + 1]:-} ]] && older_than "${all[i + 1]}" "$KEEP_BASE_DAYS"; then
    delete "base/${all[i]}"
  else
    bases+=("${all[i]}")
  fi
done

wal_deleted=0
for folder in "$BACKUP_DIR"/wal/*/; do
  [[ -d $folder ]] || continue
  system=$(basename "$folder")
  oldest=""
  for name in "${bases[@]}"; do
    if [[ $(<"$BACKUP_DIR/base/$name/system") == "$system" ]]; then oldest=$(base_number "$name" Start-LSN); break; fi
  done
  # Of a cluster without a base backup: nothing can be restored from it, unless one is being made.
  [[ -n $oldest || -z $(find "$folder" -type f -mtime "-$KEEP_BASE_DAYS" -print -quit) ]] || continue
  while read -r file; do
    number=$(wal_number "$file") || continue
    if [[ -z $oldest ]] || ((number < oldest)); then
      $is_dry || rm -f "$file"
      ((++wal_deleted))
    elif [[ $file =~ /[0-9A-F]{24}$ ]] && ! $is_dry; then
      # Whole ones are written no more. The name changes last.
      gzip --fast --stdout "$file" >"$file.new" && sync "$file.new" && mv "$file.new" "$file.gz" && rm "$file"
    fi
  done < <(find "$folder" -type f)
  $is_dry || find "$folder" -mindepth 1 -type d -empty -mtime +1 -delete
done
((wal_deleted == 0)) || say "$($is_dry && echo "would delete" || echo "deleted") $wal_deleted files of the log of changes"

jq --null-input --compact-output --argjson dry "$is_dry" --argjson wal "$wal_deleted" --args \
  '{deleted: $ARGS.positional, wal_deleted: $wal, dry_run: $dry}' "${deleted[@]}"
