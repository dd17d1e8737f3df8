#!/usr/bin/env bash
# Summary: copies of backups somewhere else, encrypted by restic: brought there, checked, and fetched again on a new host.
# Usage: recovery/offsite.sh push | check | forget | list | fetch [SNAPSHOT] [--help]
#   push      what is new in BACKUP_DIR; the first time it makes the repository
#   check     whether RECOVERY_KEY opens it, and all of it is there
#   forget    copies that are not needed any more: keeps the last hours, days, weeks and months
#   list      the copies
#   fetch     the newest copy, or this one, into BACKUP_DIR, which must be empty but for what restic fetched before
# Settings, from the environment; a secret NAME also from the file that NAME_FILE names:
#   OFFSITE_REPOSITORY    as restic takes it: s3:https://…/bucket, sftp:user@host:/path, rest:https://…, /mnt/elsewhere
#   OFFSITE_ENV           secret: lines NAME=VALUE that restic needs for it, such as AWS_ACCESS_KEY_ID=…
#   RECOVERY_KEY          secret: without it, nobody can read the copies; you neither: keep it in another place, on paper
#   BACKUP_DIR            as in backup.sh; KEEP_DAILY, KEEP_WEEKLY, KEEP_MONTHLY as in retention.sh
# Exits with: 0 done, 1 failed, 2 wrong usage, 5 it is out of reach, 6 damaged, 8 RECOVERY_KEY is not the one it was made with
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"

command=${1:-}
case "$command" in
  --help) usage; exit 0 ;;
  push | check | forget | list | fetch) ;;
  *) wrong_usage "expected push, check, forget, list or fetch, got ${command:-nothing}" ;;
esac
(($# <= 1)) || [[ $command == fetch && $# == 2 ]] || wrong_usage "$command: unexpected $2"
[[ -n ${OFFSITE_REPOSITORY:-} ]] || fail "$EXIT_USAGE" "OFFSITE_REPOSITORY: expected a place as restic takes it, got nothing"
secret RECOVERY_KEY
[[ -n ${RECOVERY_KEY:-} ]] || fail "$EXIT_USAGE" "RECOVERY_KEY: expected the key that copies are encrypted with, got nothing"
secret OFFSITE_ENV
number KEEP_DAILY 7
number KEEP_WEEKLY 4
number KEEP_MONTHLY 6
while IFS='=' read -r name value; do
  [[ -n $name ]] || continue
  [[ $name =~ ^[A-Z][A-Z0-9_]*$ ]] || fail "$EXIT_USAGE" "OFFSITE_ENV: expected lines NAME=VALUE, got something else"
  export "$name=$value"
done <<<"${OFFSITE_ENV:-}"
export RESTIC_REPOSITORY=$OFFSITE_REPOSITORY RESTIC_PASSWORD=$RECOVERY_KEY RESTIC_PROGRESS_FPS=0.1
export RESTIC_CACHE_DIR=${RESTIC_CACHE_DIR:-$BACKUP_DIR/.restic-cache}
# One name for whatever container or host it is, or restic would take each for another series.
host=(--host holdfast)

# opens: 0 the key opens it, 1 there is none yet; all else ends here.
opens() {
  local said
  said=$(restic cat config 2>&1) && return 0
  case "$said" in
    *"wrong password"*) fail "$EXIT_WRONG_KEY" "RECOVERY_KEY does not open $OFFSITE_REPOSITORY: the copies there were made with another key; NOTHING can be restored from them with this one" ;;
    # Of a folder, of a REST server, of S3.
    *"no such file or directory"* | *"does not exist"* | *"404"*) return 1 ;;
    *) fail "$EXIT_UNREACHABLE" "$OFFSITE_REPOSITORY is out of reach: $(head -1 <<<"$said")" ;;
  esac
}
opens_or_fails() {
  opens || fail "$EXIT_UNREACHABLE" "there is no repository at $OFFSITE_REPOSITORY: offsite.sh push makes one"
  # Of whoever was killed while at it; only when it is old.
  restic unlock --quiet || true
}

case "$command" in
  push)
    if ! opens; then
      say "making the repository $OFFSITE_REPOSITORY"
      restic init --quiet || fail "$EXIT_UNREACHABLE" "the repository cannot be made"
    fi
    cd "$BACKUP_DIR"
    # Exit code 3: a file went away or changed meanwhile, such as the one being written; the next copy has it.
    restic backup "${host[@]}" --tag holdfast --quiet --exclude '.*' . || (($? == 3)) || fail "$EXIT_FAILED" "the copy failed"
    say "copied to $OFFSITE_REPOSITORY"
    ;;
  check)
    opens_or_fails
    restic check --quiet --read-data-subset=5% >&2 || fail "$EXIT_DAMAGED" "$OFFSITE_REPOSITORY is damaged: restic repair may help; backups here are as they were"
    say "$OFFSITE_REPOSITORY opens with RECOVERY_KEY and is whole"
    ;;
  forget)
    opens_or_fails
    restic forget "${host[@]}" --tag holdfast --group-by host --quiet --prune --keep-within 1h --keep-hourly 24 \
      --keep-daily "$KEEP_DAILY" --keep-weekly "$KEEP_WEEKLY" --keep-monthly "$KEEP_MONTHLY" || fail "$EXIT_FAILED" "restic forget failed"
    ;;
  list)
    opens_or_fails
    restic snapshots --compact
    ;;
  fetch)
    opens_or_fails
    mkdir -p "$BACKUP_DIR"
    restic restore "${2:-latest}" "${host[@]}" --tag holdfast --target "$BACKUP_DIR" --verify --quiet || fail "$EXIT_FAILED" "${2:-latest} cannot be fetched from $OFFSITE_REPOSITORY"
    say "fetched ${2:-latest} from $OFFSITE_REPOSITORY to $BACKUP_DIR; restore.sh --list says what there is"
    ;;
esac
