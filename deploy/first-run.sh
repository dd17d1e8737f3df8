#!/usr/bin/env bash
# Summary: makes .env and the secrets of a new installation, and those that a newer version adds. What is there stays as it is.
# Usage: deploy/first-run.sh [--help]
# Exits with: 0 done or nothing to do, 1 something could not be made, 2 wrong usage.
set -euo pipefail

usage() { sed -n 's/^# \{0,1\}//; 2,4p' "$0"; }

case "${1:-}" in
  "") ;;
  --help) usage; exit 0 ;;
  *) echo "first-run: expected no argument, got $1" >&2; usage >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.."
umask 077
secrets=deploy/secrets

if [[ ! -e .env ]]; then
  # No secrets are in it, and its copy in a backup is made by a container's user.
  install -m 644 deploy/env.example .env
  echo "first-run: made .env from deploy/env.example"
fi
[[ -z $(tail -c 1 .env) ]] || echo >>.env
while read -r setting; do
  grep -q "^${setting%%=*}=" .env && continue
  echo "$setting" >>.env
  echo "first-run: added $setting to .env"
done < <(grep -E '^[A-Z_]+=' deploy/env.example)

mkdir -p "$secrets"
# Empty until deploy/certificate.sh fills them; nginx's user goes in.
install -d -m 755 "$secrets/certificates" deploy/acme

# 32 random bytes, in characters that need no quoting anywhere.
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# The folder is its owner's alone; the files are read by containers, whose users are not.
secret() {
  local file=$secrets/$1
  [[ -e $file ]] && return
  # With the end of a line, since Swarm takes no secret of nothing.
  printf '%s\n' "$2" >"$file.new"
  chmod 444 "$file.new"
  mv "$file.new" "$file"
  echo "first-run: made $file"
}

secret postgres_password "$(random)"
secret database_url "postgres://simgen:$(cat $secrets/postgres_password)@postgres:5432/simgen"
secret redis_password "$(random)"
secret redis_url "redis://simgen:$(cat $secrets/redis_password)@redis:6379"
secret redis_acl "user default on nopass resetkeys resetchannels -@all +ping
user simgen on >$(cat $secrets/redis_password) ~* &* +@all"
secret cookie_secret "$(random)"
# Empty until somebody has one.
for name in api_keys anthropic_api_key llm_api_key offsite_env alert_webhook_url alert_smtp_url ping_url; do secret "$name" ""; done

# Backups of the configuration, and copies elsewhere, are encrypted with it.
if [[ ! -e $secrets/recovery_key ]]; then
  secret recovery_key "$(random)"
  echo "first-run: KEEP A COPY of $secrets/recovery_key in another place, such as on paper: without it, nobody restores on a new host"
fi

echo "first-run: ready. Start with: docker compose -f docker-compose.scalable.yml up -d --wait"
