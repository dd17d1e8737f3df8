#!/usr/bin/env bash
# Summary: makes the database of an empty volume, as the entrypoint of the official image does, then runs the command.
# Usage: docker-entrypoint.sh postgres [OPTION…]
set -euo pipefail

value() { # NAME: the variable, or what is in the file that NAME_FILE names
  local file=${1}_FILE
  if [[ -n ${!file:-} ]]; then cat "${!file}"; else printf '%s' "${!1:-}"; fi
}

if [[ $1 == postgres && ! -s $PGDATA/PG_VERSION ]]; then
  user=$(value POSTGRES_USER)
  user=${user:-postgres}
  database=$(value POSTGRES_DB)
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  initdb --username="$user" --pwfile=<(value POSTGRES_PASSWORD) --auth-host=scram-sha-256 --auth-local=trust
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  [[ ${database:-$user} == postgres ]] || createdb -U "$user" "${database:-$user}"
  pg_ctl -D "$PGDATA" -m fast -w stop
fi

if [[ $1 == postgres ]]; then set -- "$@" -c "listen_addresses=*"; fi
exec "$@"
