#!/usr/bin/env bash
# Summary: every night, and at once when there is none: a backup, its proof, its copy elsewhere, and what is too old goes.
# Usage: recovery/schedule.sh [--once] [--alive] [--help]
#   --once     one night's work, now; for cron
#   --alive    whether the one that runs here is at work, for health checks
# Settings, from the environment, beside those of backup.sh, verify.sh, offsite.sh and retention.sh:
#   BACKUP_AT=02:00           when, UTC
#   BACKUP_HOURS_MAX=6        after that, a night's work is taken for hung, and ended
#   OFFSITE_MINUTES=5         between copies of what is new in the log of changes, when OFFSITE_REPOSITORY is set
#   RETRY_MINUTES=15          after a night's work that failed; alert.sh tells when there is no good backup for too long
# Exits with: 0 told to end, or the night's work is done, 1 it is not, or not alive, 2 wrong usage
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"
# shellcheck source=recovery/contents.sh
. "$here/contents.sh"

readonly ALIVE=/tmp/holdfast-schedule ALIVE_SECONDS=20 ALIVE_MINUTES_MAX=3 COVERED_HOURS=26

# Each step stands alone: a copy that fails must not keep what is too old from going, and the other way round.
night() {
  local status=0
  "$here/backup.sh" --wait 600 || status=1
  # Once proven is enough, when what failed is tried again and again.
  [[ $(newest_backup) == "$(newest_backup verified)" ]] || "$here/verify.sh" --wait 600 || status=1
  [[ -z ${OFFSITE_REPOSITORY:-} ]] || "$here/offsite.sh" push || status=1
  "$here/retention.sh" --wait 600 || status=1
  [[ -z ${OFFSITE_REPOSITORY:-} ]] || "$here/offsite.sh" forget || status=1
  return $status
}

case "${1:-}" in
  "") ;;
  --help) usage; exit 0 ;;
  --once) connect_database; night; exit ;;
  --alive) [[ -n $(find $ALIVE -mmin -$ALIVE_MINUTES_MAX 2>/dev/null) ]]; exit ;;
  *) wrong_usage "expected --once, --alive or nothing, got $1" ;;
esac
[[ ${BACKUP_AT:=02:00} =~ ^([01][0-9]|2[0-3]):[0-5][0-9]$ ]] || fail "$EXIT_USAGE" "BACKUP_AT: expected a time such as 02:00, got $BACKUP_AT"
number BACKUP_HOURS_MAX 6 1
number OFFSITE_MINUTES 5 1
number RETRY_MINUTES 15 1
connect_database

# With all that it has started.
job=""
end_job() { [[ -z $job ]] || kill -- "-$job" 2>/dev/null || true; }
trap 'end_job; wait; exit 0' INT TERM

# in_the_background SECONDS_MAX COMMAND…: until it ends, which it is made to do in time.
in_the_background() {
  local deadline=$((SECONDS + $1)) code=0
  setsid "${@:2}" &
  job=$!
  while kill -0 "$job" 2>/dev/null; do
    touch $ALIVE
    if ((SECONDS >= deadline)); then
      say "${*:2} has not ended within $1 s: ending it"
      end_job
      break
    fi
    sleep 1 &
    wait $! || true
  done
  wait "$job" || code=$?
  job=""
  return $code
}

# A proven backup that is fresh, and a base backup of this very cluster, from after the newest gap in its changes: after a disaster
# the new one has none yet.
is_covered() {
  local system newest base stretch
  newest=$(newest_backup verified)
  [[ -n $newest && ! $newest < $(date -u --date "$COVERED_HOURS hours ago" +%Y%m%dT%H%M%SZ) ]] || return 1
  system=$(ask "select system_identifier from pg_control_system()" 2>/dev/null) || return 0
  base=$(grep -lsxF "$system" "$BACKUP_DIR"/base/[0-9]*Z/system | tail -1)
  [[ -n $base ]] || return 1
  stretch=$(find "$BACKUP_DIR/wal/$system" -mindepth 1 -maxdepth 1 -type d -printf '%P\n' 2>/dev/null | sort | tail -1)
  [[ ! $(basename "$(dirname "$base")") < $stretch ]]
}

next_night() {
  local at
  at=$(date -u --date "$BACKUP_AT" +%s)
  ((at > EPOCHSECONDS)) || at=$(date -u --date "tomorrow $BACKUP_AT" +%s)
  echo "$at"
}

night_at=$(next_night) again_at=0 copy_at=0 has_failed=false
say "a backup every day at $BACKUP_AT UTC, and one now when there is no good one of this database"
for ((; ; )); do
  touch $ALIVE
  if ((EPOCHSECONDS >= night_at)) || { ((EPOCHSECONDS >= again_at)) && { $has_failed || ! is_covered; }; }; then
    has_failed=false
    in_the_background $((BACKUP_HOURS_MAX * 3600)) "$here/schedule.sh" --once || has_failed=true
    if $has_failed; then say "the night's work failed: again in $RETRY_MINUTES minutes"; fi
    night_at=$(next_night) again_at=$((EPOCHSECONDS + RETRY_MINUTES * 60))
  elif [[ -n ${OFFSITE_REPOSITORY:-} ]] && ((EPOCHSECONDS >= copy_at)); then
    in_the_background $((BACKUP_HOURS_MAX * 3600)) "$here/offsite.sh" push || true
    copy_at=$((EPOCHSECONDS + OFFSITE_MINUTES * 60))
  fi
  sleep $ALIVE_SECONDS &
  wait $! || true
done
