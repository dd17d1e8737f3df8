#!/usr/bin/env bash
# Summary: replaces the running servers (cv and api) by those of another version; no request and no message is lost.
# Usage: deploy/rollout.sh [--dry-run] [--pull] [TAG]
#   TAG        the version. An image of that tag is taken as it is; otherwise it is built, or pulled. Default: the time.
#   --pull     pulls the image instead of building it
#   --dry-run  says what would be done, and does nothing
#   --help
# The new servers start beside the old, and get nothing to do before they are ready. Then the old leave, one after another.
# When a new one does not get ready, or fails later on, or this is interrupted, the old ones go on and the new are removed.
# When this is killed, whatever runs goes on: run it again.
# Settings, from the environment: ROLLOUT_READY_SECONDS_MAX=120   until then each new server has to be ready
#                                 ROLLOUT_WATCH_SECONDS=5         so long the new are watched when the old have left
# Exits with: 0 done, 1 not done, and the old version serves, 2 wrong usage, 3 another one is under way.
set -euo pipefail

ready_seconds_max=${ROLLOUT_READY_SECONDS_MAX:-120}
watch_seconds=${ROLLOUT_WATCH_SECONDS:-5}
services=(cv api)

usage() { sed -n 's/^# \{0,1\}//; 2,14p' "$0"; }
say() { printf '%s rollout: %s\n' "$(date +%T)" "$*"; }
refuse() { echo "rollout: $*" >&2; usage >&2; exit 2; }

is_dry=false is_pulled=false tag=""
for argument; do
  case "$argument" in
    --help) usage; exit 0 ;;
    --dry-run) is_dry=true ;;
    --pull) is_pulled=true ;;
    -*) refuse "unknown option $argument" ;;
    *) [[ -z $tag ]] || refuse "expected one TAG, got $tag and $argument"; tag=$argument ;;
  esac
done
: "${tag:=$(date -u +%Y%m%d-%H%M%S)}"
[[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || refuse "expected a TAG of letters, digits, dots and dashes, got $tag"

cd "$(dirname "$0")/.."
[[ -e .env ]] || { echo "rollout: there is no .env: run deploy/first-run.sh" >&2; exit 1; }
# Whoever holds it is at it; the kernel lets go of it when they die.
exec 9>deploy/.rollout.lock
flock --nonblock 9 || { echo "rollout: another one is under way" >&2; exit 3; }
# While one is under way, how many servers there were before it.
counts=deploy/.rollout.counts

compose() { SIMGEN_TAG=$tag docker compose -f docker-compose.scalable.yml "$@"; }
project=$(compose config --format json | sed -n '/^  "name":/s/.*"name": "\(.*\)",*$/\1/p')

all_of() { docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1" --filter "label=com.docker.compose.oneoff=False"; }
name_of() { docker inspect --format '{{slice .Name 1}}' "$1"; }
tag_of() { docker inspect --format '{{.Config.Image}}' "$1"; }
# Where its callers look for it: nginx for api, api for cv.
network_of() { [[ $1 == api ]] && echo "${project}_edge" || echo "${project}_data"; }
# Whether callers find it, by the name of its service.
is_known() { [[ $(docker inspect --format "{{json (index .NetworkSettings.Networks \"$(network_of "$2")\").Aliases}}" "$1" 2>/dev/null) == *"\"$2\""* ]]; }
# "running healthy 0": its state, its health, and how often it was restarted.
state_of() { docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}} {{.RestartCount}}' "$1"; }
is_up() { [[ $(docker inspect --format '{{.State.Status}}' "$1") =~ ^(running|restarting|paused)$ ]]; }

# ---- what there is ----

declare -A old wanted
leftovers=()
for service in "${services[@]}"; do
  old[$service]=""
  for id in $(all_of "$service"); do
    if is_up "$id" && is_known "$id" "$service"; then old[$service]+="$id "; else leftovers+=("$id"); fi
  done
  [[ -n ${old[$service]} ]] || { say "no $service is running: start with docker compose -f docker-compose.scalable.yml up -d --wait" >&2; exit 1; }
  wanted[$service]=$(wc -w <<<"${old[$service]}")
done
if [[ -e $counts ]]; then
  say "the last one did not end: going on from what is there"
  while IFS='=' read -r service count; do wanted[$service]=$count; done <"$counts"
fi
image=$(compose config --images | grep ":$tag\$" | sort --unique)
before=$(tag_of "$(cut -d' ' -f1 <<<"${old[api]}")")

say "from $before to $image: ${wanted[cv]} cv, ${wanted[api]} api"
for id in "${leftovers[@]}"; do say "  remove $(name_of "$id"), which nobody uses"; done
if docker image inspect "$image" >/dev/null 2>&1; then say "  take the image that is there"
elif $is_pulled; then say "  pull the image"; else say "  build the image"; fi
say "  bring the tables up to date"
say "  start the new beside the old, and wait up to $ready_seconds_max s until they are ready"
for service in "${services[@]}"; do for id in ${old[$service]}; do say "  let $(name_of "$id") leave"; done; done
say "  write SIMGEN_TAG=$tag to .env"
if $is_dry; then exit 0; fi

fresh_of() { for id in $(all_of "$1"); do [[ " ${old[$1]}" == *" $id "* ]] || echo "$id"; done; }

# ---- if it fails ----

is_begun=false
finish() {
  local code=$?
  trap - EXIT
  # What is put back is put back whole.
  trap '' INT TERM
  if $is_begun; then put_back; fi
  if ((code)); then say "not done: $before goes on" >&2; exit 1; fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

put_back() {
  say "putting the old back"
  local id service
  for service in "${services[@]}"; do
    for id in ${old[$service]}; do is_up "$id" || docker start "$id" >/dev/null; done
  done
  for service in "${services[@]}"; do
    for id in ${old[$service]}; do await_ready "$id" || true; done
  done
  for service in "${services[@]}"; do
    for id in $(fresh_of "$service"); do docker stop "$id" >/dev/null || true; docker rm --force "$id" >/dev/null || true; done
  done
  rm -f "$counts"
}

# Ready, and it has not died on the way.
is_ready() { [[ $(state_of "$1") == "running healthy ${2:-0}" ]]; }

await_ready() {
  local id=$1 restarts state deadline=$((SECONDS + ready_seconds_max))
  restarts=$(docker inspect --format '{{.RestartCount}}' "$id")
  until is_ready "$id" "$restarts"; do
    state=$(state_of "$id")
    if ((SECONDS >= deadline)) || [[ $state != "running "*" $restarts" || $state == *unhealthy* ]]; then
      say "$(name_of "$id") is not ready: $state. Its last lines:" >&2
      docker logs --tail 20 "$id" 2>&1 | sed 's/^/    /' >&2
      return 1
    fi
    sleep 0.5
  done
  say "$(name_of "$id") is ready"
}

check_fresh() {
  local id service
  for service in "${services[@]}"; do
    for id in $(fresh_of "$service"); do
      is_ready "$id" && continue
      say "$(name_of "$id") has failed: $(state_of "$id"). Its last lines:" >&2
      docker logs --tail 20 "$id" 2>&1 | sed 's/^/    /' >&2
      return 1
    done
  done
}

# ---- the work ----

for id in "${leftovers[@]}"; do docker rm --force "$id" >/dev/null; done
if ! docker image inspect "$image" >/dev/null 2>&1; then
  if $is_pulled; then compose pull api; else compose build api; fi
fi
say "bringing the tables up to date"
compose run --rm --no-deps -T migrate

is_begun=true
for service in "${services[@]}"; do echo "$service=${wanted[$service]}"; done >"$counts"
scales=()
for service in "${services[@]}"; do scales+=(--scale "$service=$(($(wc -w <<<"${old[$service]}") + wanted[$service]))"); done
say "starting the new beside the old"
made=$(compose create --no-build --no-recreate "${scales[@]}" "${services[@]}" 2>&1) || { echo "$made" >&2; exit 1; }
for service in "${services[@]}"; do
  network=$(network_of "$service")
  for id in $(fresh_of "$service"); do
    # Without the name of its service, nobody finds it.
    docker network disconnect "$network" "$id"
    docker network connect "$network" "$id"
    docker start "$id" >/dev/null
  done
done
for service in "${services[@]}"; do for id in $(fresh_of "$service"); do await_ready "$id"; done; done
for service in "${services[@]}"; do
  network=$(network_of "$service")
  for id in $(fresh_of "$service"); do
    docker network disconnect "$network" "$id"
    docker network connect --alias "$service" "$network" "$id"
  done
done

for service in "${services[@]}"; do
  for id in ${old[$service]}; do
    say "$(name_of "$id") leaves"
    # It tells its clients to go elsewhere, a few at a time; see stop_grace_period.
    docker stop "$id" >/dev/null
    check_fresh
  done
done
for ((second = 0; second < watch_seconds; second++)); do sleep 1; check_fresh; done

is_begun=false
for service in "${services[@]}"; do
  for id in ${old[$service]}; do docker rm "$id" >/dev/null; done
done
if grep -q '^SIMGEN_TAG=' .env; then sed -i "s/^SIMGEN_TAG=.*/SIMGEN_TAG=$tag/" .env; else echo "SIMGEN_TAG=$tag" >>.env; fi
rm -f "$counts"
say "done in $SECONDS s. To go back: deploy/rollout.sh ${before##*:}"
