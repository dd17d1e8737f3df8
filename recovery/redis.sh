#!/usr/bin/env bash
# Summary: snapshots of Redis: taken, checked, put back.
# Usage: . recovery/redis.sh (after settings.sh and contents.sh)
#   REDIS_RESTORE_HOST, REDIS_RESTORE_PORT=6390    where Redis reaches this machine while it takes a snapshot back; its own address

# For one answer of it; it gets so long to take a snapshot back, and to be started again, each.
readonly REDIS_SECONDS_MAX=60 REDIS_SNAPSHOT_SECONDS_MAX=600

# connect_redis: what REDIS_URL says, for redis().
connect_redis() {
  secret REDIS_URL
  redis_arguments=()
  [[ -n ${REDIS_URL:-} ]] || return 0
  [[ $REDIS_URL =~ ^redis://(([^:@/]*):([^@/]*)@)?([^:/?]+)(:([0-9]+))?(/[0-9]*)?$ ]] ||
    fail "$EXIT_USAGE" "REDIS_URL: expected redis://USER:PASSWORD@HOST:PORT, got something else"
  redis_arguments=(-h "${BASH_REMATCH[4]}" -p "${BASH_REMATCH[6]:-6379}")
  [[ -z ${BASH_REMATCH[2]} ]] || redis_arguments+=(--user "$(decoded "${BASH_REMATCH[2]}")")
  if [[ -n ${BASH_REMATCH[3]} ]]; then
    redis_arguments+=(--no-auth-warning)
    REDISCLI_AUTH=$(decoded "${BASH_REMATCH[3]}")
    export REDISCLI_AUTH
  fi
}

# redis ARGUMENT…: one that is frozen must not hold anything up.
redis() { timeout "${redis_seconds_max:-$REDIS_SECONDS_MAX}" redis-cli "${redis_arguments[@]}" "$@"; }

# redis_field NAME: of what INFO says.
redis_field() { redis info 2>/dev/null | tr -d '\r' | sed -n "s/^$1://p"; }

# redis_snapshot FILE.gz: what is in it now, compressed; or, on standard error, why not.
redis_snapshot() {
  local file=${1%.gz} answer
  answer=$(redis ping 2>&1) || true
  if [[ $answer != PONG ]]; then
    echo "${answer:-no answer within $REDIS_SECONDS_MAX s}" >&2
    return 1
  fi
  if ! redis_seconds_max=$REDIS_SNAPSHOT_SECONDS_MAX redis --rdb "$file" >/dev/null ||
    [[ $(head -c 5 "$file") != REDIS ]] || ! gzip --fast "$file"; then
    rm -f "$file" "$1"
    return 1
  fi
}

# redis_is_good FILE.gz: or a word on what is wrong.
redis_is_good() {
  local file said="cannot be decompressed"
  file=$(mktemp "$BACKUP_DIR/.redis-XXXXXX")
  if ! gzip --decompress --stdout "$1" >"$file" 2>/dev/null || ! said=$(redis-check-rdb "$file" 2>&1); then
    rm -f "$file"
    # The server's Redis may be newer than the one here, which then cannot put it back either.
    [[ $said == *"Can't handle RDB format version"* ]] || fail "$EXIT_DAMAGED" "$1: $(tail -1 <<<"$said")"
    say "$1 is of a newer Redis than $(redis-server --version | cut -d ' ' -f 3): not checked"
  fi
  rm -f "$file"
}

# redis_restore FILE.gz: Redis becomes a replica of one that has the snapshot, and is restarted as such. So at no time does it take
# changes on top of the snapshot under the number of its old run, by which sessions know whether what they have seen still holds (S5).
redis_restore() {
  local folder port=${REDIS_RESTORE_PORT:-6390} password run now waited source
  say "restoring Redis"
  run=$(redis_field run_id)
  folder=$(mktemp -d "$BACKUP_DIR/.redis-XXXXXX")
  gzip --decompress --stdout "$1" >"$folder/dump.rdb"
  password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
  # If this is killed, the other goes on for a while: it must not hold the lock.
  # shellcheck disable=SC2154  # of lock
  timeout $((REDIS_SECONDS_MAX * 3)) redis-server - >"$folder/log" 2>&1 {lock_descriptor}>&- <<CONF &
port $port
bind * -::*
requirepass $password
dir $folder
save ""
appendonly no
protected-mode no
repl-diskless-sync-delay 0
CONF
  source=$!
  redis config set masterauth "$password" >/dev/null
  redis replicaof "${REDIS_RESTORE_HOST:-$(hostname -i | cut -d ' ' -f 1)}" "$port" >/dev/null
  for ((waited = 0; ; waited++)); do
    [[ $(redis_field master_link_status) != up || $(redis_field aof_rewrite_in_progress) != 0 || $(redis_field aof_rewrite_scheduled) != 0 ]] || break
    if ((waited >= REDIS_SECONDS_MAX * 5)) || ! kill -0 $source 2>/dev/null; then
      redis replicaof no one >/dev/null || true
      fail "$EXIT_FAILED" "the database is restored; Redis is as it was, for it did not take its snapshot within $REDIS_SECONDS_MAX s: $(tail -1 "$folder/log")"
    fi
    sleep 0.2
  done
  # Also one that keeps no log of its own must come back with it.
  redis shutdown save >/dev/null 2>&1 || true
  kill $source
  wait $source 2>/dev/null || true
  rm -rf "$folder"
  for ((waited = 0; ; waited++)); do
    now=$(redis_field run_id || true)
    [[ -z $now || $now == "$run" ]] || break
    ((waited < REDIS_SECONDS_MAX * 5)) || fail "$EXIT_FAILED" "the database is restored, and Redis has its snapshot, but nobody has started it again within $REDIS_SECONDS_MAX s: start it"
    sleep 0.2
  done
}
