#!/usr/bin/env bash
# Summary: what the scripts beside it have in common: settings, exit codes, words for people, one line for machines.
# Usage: . recovery/settings.sh
#
# A secret NAME may also come from the file that NAME_FILE names, as everywhere in Holdfast.
#   DATABASE_URL     postgres://USER:PASSWORD@HOST:PORT/NAME of a superuser; or PGHOST, PGUSER … as psql takes them
#   REDIS_URL        redis://USER:PASSWORD@HOST:PORT; without it, backups have no snapshot of Redis
#   BACKUP_DIR       ./backups; where backups, base backups and the log of changes are kept
#   RECOVERY_KEY     what the copy of the configuration, and copies elsewhere, are encrypted with

# What an exit code means is the same in all scripts.
# shellcheck disable=SC2034  # used by those who source this
readonly EXIT_FAILED=1 EXIT_USAGE=2 EXIT_BUSY=3 EXIT_DISK_FULL=4 EXIT_UNREACHABLE=5 EXIT_DAMAGED=6 EXIT_REFUSED=7 \
  EXIT_WRONG_KEY=8 EXIT_WRONG_VERSION=9 EXIT_STALE=10

program=$(basename "$0" .sh)
BACKUP_DIR=$(realpath --canonicalize-missing --no-symlinks "${BACKUP_DIR:-./backups}")
# What is written is for its owner alone: it has everybody's data.
umask 077

# For people, on standard error; standard output is for the one line that machines read.
say() { printf '%s %s: %s\n' "$(date -u +%FT%TZ)" "$program" "$*" >&2; }

# fail EXIT_CODE MESSAGE…
fail() {
  local code=$1
  shift
  say "$*"
  exit "$code"
}

# Lines 2 to the first that is no comment any more.
usage() { sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "$0"; }

wrong_usage() {
  say "$*"
  usage >&2
  exit "$EXIT_USAGE"
}

# secret NAME: sets NAME from the file that NAME_FILE names, when NAME is not set; empty counts as not set.
secret() {
  local file_name=$1_FILE
  local file=${!file_name:-}
  [[ -z ${!1:-} && -n $file ]] || return 0
  [[ -r $file ]] || fail "$EXIT_USAGE" "$file_name: expected a file that can be read, got $file"
  printf -v "$1" '%s' "$(<"$file")"
}

# number NAME DEFAULT [MIN]: sets NAME to its default, or checks what it is set to.
number() {
  printf -v "$1" '%s' "${!1:-$2}"
  if ! [[ ${!1} =~ ^[0-9]{1,9}$ ]] || ((10#${!1} < ${3:-0})); then
    fail "$EXIT_USAGE" "$1: expected a whole number of ${3:-0} or more, got ${!1}"
  fi
}

# Of a URL's %20 and the like.
decoded() {
  local text=${1//\\/\\\\}
  printf '%b' "${text//%/\\x}"
}

# during COMMAND…: for what takes long. Bash hears no signal while a command of its own runs, only while it waits for one.
during() {
  "$@" &
  wait $! || exit $?
}

# end_children [PID]: tells all that this process has started to end, and what they have: else they work on, and hold its lock.
end_children() {
  local children=() child
  read -ra children 2>/dev/null <"/proc/${1:-$BASHPID}/task/${1:-$BASHPID}/children" || true
  [[ -z ${1:-} ]] || kill "$1" 2>/dev/null || true
  for child in "${children[@]}"; do end_children "$child"; done
}

# connect_database: PGHOST, PGUSER … of DATABASE_URL for psql, pg_dump and the others, none of it in an argument that others see.
connect_database() {
  secret DATABASE_URL
  if [[ -n ${DATABASE_URL:-} ]]; then
    [[ $DATABASE_URL =~ ^postgres(ql)?://([^:@/]*)(:([^@/]*))?@([^:/?]+)(:([0-9]+))?/([^?]+) ]] ||
      fail "$EXIT_USAGE" "DATABASE_URL: expected postgres://USER:PASSWORD@HOST:PORT/NAME, got something else"
    PGUSER=$(decoded "${BASH_REMATCH[2]}")
    PGPASSWORD=$(decoded "${BASH_REMATCH[4]}")
    PGHOST=$(decoded "${BASH_REMATCH[5]}")
    PGPORT=${BASH_REMATCH[7]:-5432}
    PGDATABASE=$(decoded "${BASH_REMATCH[8]}")
    [[ ! $DATABASE_URL =~ [?\&]sslmode=([a-z-]+) ]] || export PGSSLMODE=${BASH_REMATCH[1]}
  fi
  [[ -n ${PGDATABASE:-} ]] || fail "$EXIT_USAGE" "DATABASE_URL: expected postgres://USER:PASSWORD@HOST:PORT/NAME, got nothing"
  # restore.sh makes longer names of it; Postgres cuts those that are longer than 63.
  [[ $PGDATABASE =~ ^[A-Za-z0-9_-]{1,39}$ ]] ||
    fail "$EXIT_USAGE" "DATABASE_URL: expected a database's name of up to 39 letters, digits, _ and -, got $PGDATABASE"
  export PGDATABASE PGHOST=${PGHOST:-localhost} PGPORT=${PGPORT:-5432} PGUSER=${PGUSER:-$(id -un)} PGPASSWORD=${PGPASSWORD:-}
  # So that texts, and with them hashes, are the same everywhere, no setting of the database ends what takes its time, and nothing is
  # said of what is not there to be dropped.
  export PGCONNECT_TIMEOUT=10 PGTZ=UTC PGCLIENTENCODING=UTF8 PGOPTIONS="-c datestyle=ISO -c intervalstyle=postgres \
    -c extra_float_digits=1 -c bytea_output=hex -c lc_monetary=C -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c client_min_messages=warning"
}

# ask SQL [DATABASE]: one value a row, columns with | between.
ask() { psql --no-psqlrc --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --dbname "${2:-$PGDATABASE}" --command "$1"; }
