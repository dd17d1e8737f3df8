#!/usr/bin/env bash
# Summary: makes new passwords of Postgres and Redis, on the running stack; nobody is logged out, sessions go on.
# Usage: deploy/rotate-secrets.sh [--cookies] [--help]
#   --cookies  also the secret that signs visitors' cookies: everybody begins as somebody new, without what was theirs.
#              Only when that secret itself has leaked, since with it anybody can be anybody.
# Keys of others (language models, storage, mail) are made anew at theirs, and go into deploy/secrets; then run this again.
# deploy/secrets/recovery_key: keep the old one as long as copies and backups that were made with it; set another OFFSITE_REPOSITORY.
# Exits with: 0 done, 1 not done, run it again, 2 wrong usage.
set -euo pipefail

usage() { sed -n 's/^# \{0,1\}//; 2,8p' "$0"; }
say() { printf '%s rotate-secrets: %s\n' "$(date +%T)" "$*"; }

with_cookies=false
case "${1:-}" in
  "") ;;
  --help) usage; exit 0 ;;
  --cookies) with_cookies=true ;;
  *) echo "rotate-secrets: expected --cookies or nothing, got $1" >&2; usage >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."
umask 077
secrets=deploy/secrets
[[ -e $secrets/postgres_password ]] || { echo "rotate-secrets: there are no secrets: run deploy/first-run.sh" >&2; exit 1; }

compose() { docker compose -f docker-compose.scalable.yml "$@"; }
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
# Written in place, not replaced: containers hold on to the file itself. From standard input, so that nobody sees it in a list of processes.
put() { chmod 644 "$secrets/$1" && cat >"$secrets/$1" && chmod 444 "$secrets/$1"; }

# acl PASSWORD…: who may log in to Redis, and with which of them; taken over at once.
acl() {
  local passwords=("${@/#/>}")
  put redis_acl <<<"user default on nopass resetkeys resetchannels -@all +ping
user simgen on ${passwords[*]} ~* &* +@all"
  # Whichever it knows by now.
  printf 'auth simgen %s\nacl load\n' "$1" "$2" | compose exec -T redis redis-cli | grep -c '^OK' | grep -qx '[2-4]' ||
    compose restart redis
}

old=$(<"$secrets/redis_password") new=$(random)
say "a new password of Redis, beside the old one"
acl "$new" "$old"
put redis_password <<<"$new"
put redis_url <<<"redis://simgen:$new@redis:6379"

say "a new password of Postgres"
since=$(date -u +%FT%TZ)
postgres=$(random)
put postgres_password <<<"$postgres"
put database_url <<<"postgres://simgen:$postgres@postgres:5432/simgen"
# By the container's own socket, which asks for no password: so this can be run again, whatever has been done already.
in_database() { compose exec -T postgres psql --quiet --no-align --tuples-only --username simgen --dbname simgen; }
in_database <<<"alter role simgen password '$postgres'"

if $with_cookies; then
  say "a new secret of cookies"
  put cookie_secret <<<"$(random)"
fi

say "starting what uses them anew, one after another"
deploy/rollout.sh "$(sed -n 's/^SIMGEN_TAG=//p' .env)"
compose up --detach --no-deps --force-recreate --wait wal backup alert

say "ending whoever came in with the old ones"
acl "$new" "$new"
in_database <<<"select pg_terminate_backend(pid) from pg_stat_activity where usename = 'simgen' and backend_start < '$since'" >/dev/null
say "done"
