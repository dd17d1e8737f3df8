#!/usr/bin/env bash
# Summary: brings the service back from its backups, beside the one that runs, until a person's own simulation is live in a browser.
# Usage: recovery/drill.sh [options]      monthly, on the host that runs the stack, or on an empty one with --offsite
#   --volume NAME        the volume with the backups; that of the running stack
#   --offsite            fetches them from OFFSITE_REPOSITORY of .env instead
#   --key FILE           RECOVERY_KEY; deploy/secrets/recovery_key. Type it from its copy on paper: that is a part of the drill
#   --set NAME=VALUE     another setting than that of the backup, such as POSTGRES_IMAGE=postgres:19 before an upgrade
#   --project NAME       of the stack that is made for it; holdfast-drill. It is removed, with its volumes: hence its name ends in -drill
#   --keep               leaves it running
#   --history            only shows what former drills took
#   --help
# Settings, from the environment: BACKUP_AGE_HOURS_MAX=26     an older backup fails the drill
#                                 RTO_SECONDS_MAX=7200        the target: so long until the service is back
# Says how long it took, and what would have been lost. Appends a line to recovery/drills.jsonl. Exits with: 0 green; or red: 1 failed, 2 wrong usage, 3 another drill runs, and as the
# scripts that it calls: 4 disk full, 5 out of reach, 6 damaged, 7 refused, 8 wrong key, 9 wrong version, 10 stale
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"
# Containers' users read what is written here; the folder it is in is nobody else's.
umask 022
cd "$here/.."

volume="" key=deploy/secrets/recovery_key project=holdfast-drill is_offsite=false is_kept=false is_history=false
settings=()
while (($#)); do
  case "$1" in
    --help) usage; exit 0 ;;
    --offsite) is_offsite=true ;;
    --keep) is_kept=true ;;
    --history) is_history=true ;;
    --volume | --key | --project | --set)
      [[ -n ${2:-} ]] || wrong_usage "$1: expected a value, got nothing"
      case "$1" in
        --volume) volume=$2 ;;
        --key) key=$2 ;;
        --project) project=$2 ;;
        --set) [[ $2 =~ ^[A-Z_]+= ]] || wrong_usage "--set: expected NAME=VALUE, got $2"; settings+=("$2") ;;
      esac
      shift ;;
    *) wrong_usage "unknown option $1" ;;
  esac
  shift
done
# What it names is removed, whatever it is.
[[ $project == *-drill ]] || wrong_usage "--project: expected a name that ends in -drill, since all of it is removed, got $project"
number BACKUP_AGE_HOURS_MAX 26
number RTO_SECONDS_MAX 7200 1
history=$here/drills.jsonl

[[ -e .env ]] || fail "$EXIT_USAGE" "there is no .env here: on an empty host, deploy/first-run.sh makes one"
setting() { sed -n "s/^$1=//p" .env | tail -1; }
image=$(setting RECOVERY_IMAGE)
: "${image:=holdfast/recovery:postgres-18}"
# Of the image: a host need not have it.
jq() { docker run --rm --interactive "$image" jq "$@"; }

show_history() {
  [[ -s $history ]] || { say "there was no drill yet"; return; }
  tail -20 "$history" | jq --slurp --raw-output --argjson target "$RTO_SECONDS_MAX" '
    ([.[] | select(.ok) | .rto_seconds] | max // 1) as $longest |
    "drills: time until the service is back", "",
    (.[] | if .ok then "\(.at[0:16])  green  \(.rto_seconds | tostring | .[0:6]) s  \(.rto_seconds | (. / ($longest / 40) | ceil) as $n | [range($n) | "#"] | join(""))"
           else "\(.at[0:16])  RED    at \(.step): \(.reason[0:90])" end),
    # A straight line through size and time of all that were green.
    ([.[] | select(.ok)] |
      if length < 2 or (first.at == last.at) then "", "a forecast needs two green drills on different days"
      else ((last.at | fromdate) - (first.at | fromdate)) as $seconds |
        (if $seconds < 86400 then 0 else (last.database_bytes - first.database_bytes) / $seconds * 86400 end) as $bytes_a_day |
        last as $l | ($l.seconds.restore / ([$l.database_bytes, 1] | max)) as $seconds_a_byte |
        (($target - $l.rto_seconds) / $seconds_a_byte + $l.database_bytes) as $bytes_max |
        "", "at the rate of the last one, \($target) s are reached with a database of \($bytes_max / 1e9 * 10 | floor / 10) GB" +
        (if $bytes_a_day > 0 then ", in \(($bytes_max - $l.database_bytes) / $bytes_a_day | floor) days at its growth of \($bytes_a_day / 1e6 * 10 | floor / 10) MB a day" else "; it does not grow" end)
      end)' | sed 's/^/  /'
}
if $is_history; then show_history; exit 0; fi

running=$(setting COMPOSE_PROJECT_NAME)
: "${running:=holdfast}" "${volume:=${running}_backups}"
[[ $project != "$running" ]] || fail "$EXIT_REFUSED" "--project: $project is the stack that runs here"

exec {drill_lock}>"$here/.drill.lock"
flock --nonblock "$drill_lock" || fail "$EXIT_BUSY" "another drill runs"
[[ -r $key ]] || fail "$EXIT_WRONG_KEY" "RED at key: there is no $key"
docker image inspect "$image" >/dev/null 2>&1 || fail "$EXIT_USAGE" "there is no image $image: docker compose -f docker-compose.scalable.yml build backup"

folder=$(mktemp -d)
compose() { docker compose --project-directory "$folder" --file "$folder/docker-compose.scalable.yml" --project-name "$project" "$@"; }

step=prepare reason="" code=0
at=$(date -u +%FT%TZ)
log=$folder/log times=$folder/times
since() { awk -v a="${1/,/.}" -v b="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%.1f", b - a }'; }

# What was said last by one of our own scripts, without its time; or the last line.
last_words() { grep -oE '^[0-9TZ:-]{20} (fetch|freshness|backup|verify|restore|offsite|drill): .*' "$log" | tail -1 | cut -d ' ' -f 3- || tail -1 "$log"; }

finish() {
  local code=$?
  trap - EXIT
  trap '' INT TERM
  if ((code)); then
    : "${reason:=interrupted}"
    say "RED at $step: $reason"
    jq --null-input --compact-output --arg at "$at" --arg step "$step" --arg reason "$reason" --argjson code "$code" \
      '{at: $at, ok: false, step: $step, reason: $reason, code: $code}' >>"$history"
  fi
  if $is_kept && ((code == 0)); then
    say "left running: $url; remove it with docker compose --project-name $project down --volumes"
  else
    compose down --volumes --timeout 5 >/dev/null 2>&1 || true
    rm -rf "$folder"
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit $EXIT_FAILED' INT TERM

# step NAME COMMAND…: in a shell of its own, where the first command that fails ends it.
step() {
  local start=$EPOCHREALTIME
  step=$1
  say "$step …"
  set +e
  (
    set -e
    "${@:2}"
  ) >"$log" 2>&1
  code=$?
  set -e
  if ((code)); then
    sed 's/^/    /' "$log" | tail -15 >&2
    reason=$(last_words)
    exit "$code"
  fi
  echo "$step $(since "$start")" >>"$times"
}

free_port() {
  local port
  for ((; ; )); do
    port=$((20000 + RANDOM % 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}
http_port=$(free_port) url=http://127.0.0.1:$http_port

# What is on an empty host: the files of the stack, where the copies are, and the key. Nobody outside is told anything by it.
mkdir -p "$folder/deploy/acme" "$folder/deploy/secrets/certificates"
cp docker-compose.scalable.yml .env "$folder/"
cp -r deploy/nginx deploy/postgres "$folder/deploy/"
# Compose wants all of them to be there; those of the backup come in their place.
grep -oE 'deploy/secrets/[a-z]+_[a-z_]+' docker-compose.scalable.yml | while read -r file; do echo >"$folder/$file"; done
install -m 444 "$key" "$folder/deploy/secrets/recovery_key"
if $is_offsite; then install -m 444 deploy/secrets/offsite_env "$folder/deploy/secrets/offsite_env"; fi
from=(--volume "$volume")
if $is_offsite; then from=(--offsite); fi
for each in COMPOSE_PROJECT_NAME="$project" HTTP_PORT="127.0.0.1:$http_port" HTTPS_PORT="127.0.0.1:$(free_port)" PUBLIC_ORIGIN= API_REPLICAS=1 \
  RECOVERY_IMAGE="$image" "${settings[@]}"; do
  from+=(--set "$each")
done

say "from $($is_offsite && setting OFFSITE_REPOSITORY || echo "the volume $volume") to $url"
docker compose --project-name "$project" down --volumes --timeout 5 >/dev/null 2>&1 || true
began=$EPOCHREALTIME copied_at=$(date -u +%FT%T.%NZ)
"$here/rebuild.sh" "${from[@]}" --directory "$folder" --only-service --hours-max "$BACKUP_AGE_HOURS_MAX" --yes >"$times" \
  2> >(tee "$log" | grep --line-buffered ' rebuild: ' >&2) || code=$?
if ((code)); then
  sed 's/^/    /' "$log" | tail -15 >&2
  step=$(sed -n 's/.* rebuild: failed at //p' "$log" | tail -1)
  reason=$(last_words)
  exit "$code"
fi

in_database() { compose exec -T postgres psql --no-psqlrc --no-align --tuples-only --username simgen --dbname simgen --command "$1"; }

# Whose it is comes from the restored database, and the signature of their cookie from the restored secret.
own_simulation() {
  local simulation owner visitor signature cookie
  IFS='|' read -r simulation owner < <(in_database "select id, owner from simulations where owner like 'visitor:%' order by created_at desc limit 1")
  [[ -n ${simulation:-} ]] || fail "$EXIT_FAILED" "the restored database has no person's simulation to watch"
  visitor=${owner#visitor:}
  signature=$(printf %s "$visitor" | openssl dgst -sha256 -hmac "$(<"$folder/deploy/secrets/cookie_secret")" -binary | base64 | tr '+/' '-_' | tr -d '=')
  cookie=$visitor.$signature
  curl --silent --show-error --fail --cookie "simgen_visitor=$cookie" "$url/api/v1/simulations/$simulation" >/dev/null
  # Only theirs.
  [[ $(curl --silent --output /dev/null --write-out '%{http_code}' "$url/api/v1/simulations/$simulation") == 404 ]] ||
    fail "$EXIT_FAILED" "somebody else sees the simulation $simulation"
  echo "$simulation $cookie" >"$folder/own"
}

watch() {
  local node simulation cookie
  read -r simulation cookie <"$folder/own"
  node=$(compgen -G '.node/node_modules/node-*/bin/node' || type -P node)
  "$node" --conditions=holdfast-source recovery/watch.ts "$url" "$simulation" "$cookie"
}

step owner own_simulation
watched=api
if [[ -n $(type -P chromium chromium-headless-shell) ]]; then
  step browser watch
  watched=browser
else
  say "not watched in a browser: there is no Chromium here"
fi
rto=$(since "$began")
lost=$(in_database "select greatest(0, extract(epoch from '$copied_at'::timestamptz - at))::numeric(12, 1) from holdfast.canary" || echo null)
bytes=$(in_database "select pg_database_size('simgen')")
took=$(awk '{ printf "%s\"%s\": %s", sep, $1, $2; sep = ", " }' "$times")
jq --null-input --compact-output --arg at "$at" --argjson rto "$rto" --argjson rpo "${lost:-null}" --argjson bytes "$bytes" --argjson took "{$took}" \
  --arg watched "$watched" '{at: $at, ok: true, rto_seconds: $rto, rpo_seconds: $rpo, database_bytes: $bytes,
  restore_mb_per_second: ($bytes / 1e6 / $took.restore * 10 | floor / 10), watched: $watched, seconds: $took}' | tee -a "$history"
say "GREEN: back after $rto s, the newest change that came back is from ${lost:-?} s before; watched by $watched"
show_history >&2
