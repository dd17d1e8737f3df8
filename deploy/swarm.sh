#!/usr/bin/env bash
# Summary: starts Holdfast on a Docker Swarm, or brings it to what .env, the secrets and the settings of nginx say now.
# Usage: deploy/swarm.sh [--dry-run] [--help] [STACK]      on a manager; STACK: holdfast
# A new SIMGEN_TAG in .env is rolled out one server at a time; when one does not get ready, Swarm brings the old version back.
# Settings, from the environment: SWARM_WAIT_SECONDS_MAX=600       until then all has to run
#                                 SWARM_RESOLVE_IMAGE=always       never: the images are on every host already
# Exits with: 0 all runs, 1 it does not, 2 wrong usage.
set -euo pipefail

wait_seconds_max=${SWARM_WAIT_SECONDS_MAX:-600}

usage() { sed -n 's/^# \{0,1\}//; 2,7p' "$0"; }
say() { printf '%s swarm: %s\n' "$(date +%T)" "$*"; }
fail() { echo "swarm: $*" >&2; exit 1; }

is_dry=false stack=""
for argument; do
  case "$argument" in
    --help) usage; exit 0 ;;
    --dry-run) is_dry=true ;;
    -*) echo "swarm: unknown option $argument" >&2; usage >&2; exit 2 ;;
    *) [[ -z $stack ]] || { echo "swarm: expected one STACK, got $stack and $argument" >&2; exit 2; }; stack=$argument ;;
  esac
done
: "${stack:=holdfast}"

cd "$(dirname "$0")/.."
[[ -e .env ]] || fail "there is no .env: run deploy/first-run.sh"
set -a
# shellcheck source=/dev/null
. ./.env
set +a

[[ $(docker info --format '{{.Swarm.ControlAvailable}}') == true ]] || fail "this is no manager of a swarm: docker swarm init"
hosts_with() { docker node ls --quiet --filter "node.label=holdfast.$1=true" | wc -l; }
(($(hosts_with edge) > 0)) || fail "no host publishes: docker node update --label-add holdfast.edge=true HOST"
(($(hosts_with data) == 1)) || fail "expected one host with the volumes, got $(hosts_with data): docker node update --label-add holdfast.data=true HOST"
(($(hosts_with backups) == 1)) || say "no backups are made: expected one host for them, got $(hosts_with backups): docker node update --label-add holdfast.backups=true HOST"

# What has other contents has another name.
version_of() { find "$@" -maxdepth 1 -type f -print0 | sort --zero-terminated | xargs -0 cat | sha256sum | cut -c1-12; }
SECRETS_VERSION=$(version_of deploy/secrets)
CONFIGS_VERSION=$(version_of deploy/nginx)
POSTGRES_VERSION=$(version_of deploy/postgres)
ENV_VERSION=$(sha256sum <.env | cut -c1-12)
export SECRETS_VERSION CONFIGS_VERSION POSTGRES_VERSION ENV_VERSION

say "bringing $stack to ${SIMGEN_IMAGE:-holdfast/simgen}:${SIMGEN_TAG:-local}, secrets $SECRETS_VERSION, settings $CONFIGS_VERSION"
if $is_dry; then docker stack config --compose-file docker-compose.swarm.yml; exit 0; fi
docker stack deploy --detach=true --with-registry-auth --prune --resolve-image "${SWARM_RESOLVE_IMAGE:-always}" \
  --compose-file docker-compose.swarm.yml "$stack"

services() { docker service ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}} {{.Replicas}}'; }
last=""
for ((; ; )); do
  # "NAME 2/5 updating"
  states=$(services | while read -r name replicas _; do
    echo "$name $replicas $(docker service inspect --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' "$name")"
  done)
  waiting=$(awk '{ split($2, n, "/") } n[1] != n[2] || $3 ~ /^(updating|rollback_started)$/' <<<"$states")
  back=$(awk '$3 ~ /rollback|paused/ { print $1 }' <<<"$states")
  if [[ $waiting != "$last" && -n $waiting ]]; then say "waiting for ${waiting//$'\n'/, }"; fi
  last=$waiting
  [[ -n $waiting ]] || break
  ((SECONDS < wait_seconds_max)) || fail "not all runs within $wait_seconds_max s: docker stack ps --no-trunc $stack"
  sleep 1
done
[[ -z $back ]] || fail "the old version of ${back//$'\n'/, } is back: docker stack ps --no-trunc $stack"

# Of versions before; those in use stay.
for kind in secret config; do
  for name in $(docker "$kind" ls --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}}'); do
    [[ $name =~ -($SECRETS_VERSION|$CONFIGS_VERSION|$POSTGRES_VERSION|$ENV_VERSION)$ ]] || docker "$kind" rm "$name" >/dev/null 2>&1 || true
  done
done
say "all runs, after $SECONDS s"
