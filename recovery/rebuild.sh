#!/usr/bin/env bash
# Summary: brings the whole stack back on an empty host, or in an empty folder, from its backups: settings, secrets, database, servers.
# Usage: recovery/rebuild.sh --offsite | --volume NAME  [options]
#   --offsite            from the copies at OFFSITE_REPOSITORY of .env, with deploy/secrets/offsite_env and deploy/secrets/recovery_key
#   --volume NAME        from a Docker volume with backups; of it, what is newest
#   --directory FOLDER   of the stack, with docker-compose.scalable.yml, deploy/ and .env; .
#   --set NAME=VALUE     another setting than that of the backup
#   --only-service       without what makes backups and tells people: for drills
#   --hours-max N        refuses when the newest verified backup is older: for drills
#   --yes                without asking; else the name of the project has to be typed
#   --help
# What it does: fetches; takes .env and the secrets out of the backup; proves the dump; starts Postgres and Redis; restores all that was
# streamed; starts the rest. It wants a project without volumes: on a host that still has its database, restore.sh is what you want.
# On standard output, a line "STEP SECONDS" after each step. Exits with: 0 all runs, 1 failed, 2 wrong usage, and as the scripts that
# it calls: 4 disk full, 5 out of reach, 6 damaged, 7 refused, 8 wrong key, 9 wrong version, 10 the backup is too old
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"
# Containers' users read what is written here; whom else it does not concern is kept out by the folder of the secrets.
umask 022

volume="" hours_max="" is_offsite=false directory=. is_service_only=false is_sure=false
settings=()
while (($#)); do
  case "$1" in
    --help) usage; exit 0 ;;
    --offsite) is_offsite=true ;;
    --only-service) is_service_only=true ;;
    --yes) is_sure=true ;;
    --volume | --directory | --set | --hours-max)
      [[ -n ${2:-} ]] || wrong_usage "$1: expected a value, got nothing"
      case "$1" in
        --volume) volume=$2 ;;
        --directory) directory=$2 ;;
        --hours-max) [[ $2 =~ ^[0-9]+$ ]] || wrong_usage "--hours-max: expected hours, got $2"; hours_max=$2 ;;
        --set) [[ $2 =~ ^[A-Z_]+= ]] || wrong_usage "--set: expected NAME=VALUE, got $2"; settings+=("$2") ;;
      esac
      shift ;;
    *) wrong_usage "unknown option $1" ;;
  esac
  shift
done
if $is_offsite; then [[ -z $volume ]]; else [[ -n $volume ]]; fi || wrong_usage "expected one of --offsite and --volume"
cd "$directory"
[[ -e .env && -e docker-compose.scalable.yml && -e deploy/secrets/recovery_key ]] ||
  fail "$EXIT_USAGE" "expected docker-compose.scalable.yml, .env and deploy/secrets/recovery_key in $PWD: deploy/first-run.sh makes what is missing"

put_settings() {
  local each
  for each in "${settings[@]}"; do
    sed -i "/^${each%%=*}=/d" .env
    echo "$each" >>.env
  done
}
put_settings
compose() { docker compose --file docker-compose.scalable.yml "$@"; }
# A script of the image, on the backups.
recover() { compose run --rm --no-deps --no-TTY backup "$@"; }

# step NAME COMMAND…: in a shell of its own, where the first command that fails ends it.
step() {
  local start=$EPOCHREALTIME code
  say "$1 …"
  set +e
  (
    set -e
    "${@:2}"
  ) >&2
  code=$?
  set -e
  ((code == 0)) || fail "$code" "failed at $1"
  awk -v name="$1" -v a="${start/,/.}" -v b="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%s %.1f\n", name, b - a }'
}

fetch() {
  compose up --no-start --no-deps backup
  if $is_offsite; then recover offsite.sh fetch; return; fi
  # shellcheck disable=SC2016  # for the shell in the container
  compose run --rm --no-deps --no-TTY --volume "$volume:/from:ro" backup bash -c '
    set -euo pipefail
    . /opt/holdfast/recovery/settings.sh
    . /opt/holdfast/recovery/contents.sh
    . /opt/holdfast/recovery/wal-files.sh
    name=$(BACKUP_DIR=/from newest_backup verified)
    [[ -n $name ]] || fail $EXIT_STALE "there is no verified backup"
    cp -a "/from/$name" /backups/
    mkdir -p /backups/base /backups/wal
    base=$(find /from/base -mindepth 1 -maxdepth 1 -name "[0-9]*Z" | sort | tail -1)
    [[ -z $base ]] || cp -a "$base" /backups/base/
    [[ -z $base ]] || wal_copy "/from/wal/$(<"$base/system")" /backups/wal/' fetch
}

is_fresh() {
  # shellcheck disable=SC2016  # for the shell in the container
  recover bash -c '
    . /opt/holdfast/recovery/settings.sh
    . /opt/holdfast/recovery/contents.sh
    name=$(newest_backup verified)
    [[ -n $name ]] || fail $EXIT_STALE "there is no verified backup"
    age=$(((EPOCHSECONDS - $(date -u --date "$(time_of "$name")" +%s)) / 3600))
    ((age < $1)) || fail $EXIT_STALE "the newest verified backup, $name, is $age hours old: expected less than $1"' freshness "$hours_max"
}

# From here on, nothing is known but what was in the backup, and the key.
configure() {
  local folder
  folder=$(mktemp -d)
  # However it ends, no secret stays in there. A step is a shell of its own.
  # shellcheck disable=SC2064  # of now
  trap "rm -rf '$folder'" EXIT
  recover bash -c 'restore.sh latest --config /tmp/config >&2 && tar -C /tmp/config -c .' >"$folder/config.tar"
  tar --extract --file "$folder/config.tar" --directory "$folder"
  # The key, which is not in it, stays.
  cp --force "$folder/run/secrets/"* deploy/secrets/
  chmod 444 deploy/secrets/*_*
  if [[ -d $folder/config/certificates ]]; then cp -r "$folder/config/certificates" deploy/secrets/; fi
  cp "$folder/config/env" .env
  put_settings
}

project=$(compose config --format json | sed -n '/^  "name":/s/.*"name": "\(.*\)",*$/\1/p')
# The backup's may be another, and what is fetched is in volumes of this one.
settings+=("COMPOSE_PROJECT_NAME=$project")
left=$(docker volume ls --quiet --filter "label=com.docker.compose.project=$project")
[[ -z $left ]] || fail "$EXIT_REFUSED" "the project $project has volumes (${left//$'\n'/, }): with the database there, use restore.sh; else remove them first"
if ! $is_sure; then
  say "will build $project anew in $PWD from $($is_offsite && echo "the copies elsewhere" || echo "the volume $volume"); .env and deploy/secrets are replaced by those of the backup"
  [[ -t 0 ]] || fail "$EXIT_REFUSED" "not confirmed: expected --yes, or a terminal to type the name of the project"
  read -r -p "Type the name of the project to go on: " typed
  [[ $typed == "$project" ]] || fail "$EXIT_REFUSED" "not confirmed: expected $project, got ${typed:-nothing}"
fi

services=(nginx api cv)
$is_service_only || services+=(wal backup alert)
step fetch fetch
[[ -z $hours_max ]] || step freshness is_fresh
step configuration configure
step verify recover verify.sh
step database compose up --detach --wait --wait-timeout 120 postgres redis
step tables compose run --rm --no-deps --no-TTY migrate
step restore recover restore.sh --to now --yes
step servers compose up --detach --wait --wait-timeout 180 "${services[@]}"
say "all runs"
