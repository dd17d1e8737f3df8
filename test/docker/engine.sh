#!/usr/bin/env bash
# Summary: a real Docker engine with Compose and Buildx, in a folder of its own, for machines that have none.
# Usage: test/docker/engine.sh start FOLDER    fetches what is missing, starts it, waits until it answers
#        test/docker/engine.sh stop FOLDER     stops it; images and volumes stay in the folder, unless it is in memory
# After start, in a shell: . FOLDER/env         puts its docker first in PATH and points it at the engine
# Needs root, Debian 12 or later and its package mirror. Exits with: 0 done, 1 it did not work, 2 wrong usage.
set -euo pipefail

SUITE=forky
WAIT_SECONDS_MAX=60

usage() { sed -n 's/^# \{0,1\}//; 2,6p' "$0"; }
say() { echo "engine: $*" >&2; }

case "${1:-}" in
  --help) usage; exit 0 ;;
  start | stop) ;;
  *) say "expected start or stop, got ${1:-nothing}"; usage >&2; exit 2 ;;
esac
[[ -n ${2:-} ]] || { say "expected a folder, got nothing"; usage >&2; exit 2; }
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/../.."

# On an overlay, as in a container, Docker would copy whole images for each layer: so its folder is in memory there.
if [[ $1 == start && $(stat --file-system --format %T "$folder") == overlayfs ]]; then
  mount -t tmpfs -o size=60% holdfast-engine "$folder"
fi

# Newer than this Debian's own: a source list of its own, so that nothing else is installed from it.
fetch() {
  [[ -x $folder/root/usr/sbin/dockerd ]] && return
  say "fetching Docker from Debian's $SUITE …"
  apt-get install -y -qq --no-install-recommends runc iptables iproute2 debootstrap tini >"$folder/apt.log" 2>&1
  local mirror
  # shellcheck disable=SC2016  # apt's own variable
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/*$')
  mkdir -p "$folder"/apt/{lists/partial,archives/partial,sources} "$folder/debs"
  cat >"$folder/apt/sources/$SUITE.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: $SUITE
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
Check-Valid-Until: no
SOURCES
  local options=(
    -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$folder/apt/sources"
    -o "Dir::State::lists=$folder/apt/lists" -o "Dir::Cache=$folder/apt" -o "APT::Sandbox::User=root"
  )
  apt-get "${options[@]}" update >>"$folder/apt.log" 2>&1
  (cd "$folder/debs" && apt-get "${options[@]}" download docker.io docker-cli containerd docker-buildx docker-compose) >>"$folder/apt.log" 2>&1
  for package in "$folder"/debs/*.deb; do dpkg -x "$package" "$folder/unpacked"; done
  # Debian links it to tini, which belongs to containers here, whatever they are made of.
  ln -sf /usr/bin/tini-static "$folder/unpacked/usr/bin/docker-init"
  mkdir -p "$folder/config/cli-plugins"
  ln -sf "$folder"/root/usr/libexec/docker/cli-plugins/{docker-buildx,docker-compose} "$folder/config/cli-plugins/"
  cat >"$folder/env" <<ENV
export PATH="$folder/root/usr/bin:$folder/root/usr/sbin:\$PATH" DOCKER_HOST="unix://$folder/sock" DOCKER_CONFIG="$folder/config"
ENV
  mv "$folder/unpacked" "$folder/root"
}

# One that has ended and that nobody waits for, such as under an init that is none, is no more, either.
isAlive() { [[ -e /proc/$1/status ]] && ! grep -q '^State:.*zombie' "/proc/$1/status" 2>/dev/null; }
isRunning() { [[ -e $folder/pid ]] && isAlive "$(cat "$folder/pid")"; }

start() {
  # shellcheck source=/dev/null
  . "$folder/env"
  if ! isRunning; then
    say "starting …"
    nohup test/docker/rooted.sh dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" --host "$DOCKER_HOST" \
      >"$folder/dockerd.log" 2>&1 </dev/null &
  fi
  for ((waited = 0; waited < 2 * WAIT_SECONDS_MAX; waited++)); do
    if docker version >/dev/null 2>&1; then
      say "Docker $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short)"
      return
    fi
    sleep 0.5
  done
  say "it did not answer within $WAIT_SECONDS_MAX s:"
  tail -5 "$folder/dockerd.log" >&2
  exit 1
}

stop() {
  isRunning || return 0
  local pid
  pid=$(cat "$folder/pid")
  kill "$pid"
  for ((waited = 0; waited < 2 * WAIT_SECONDS_MAX; waited++)); do
    isAlive "$pid" || return 0
    sleep 0.5
  done
  say "process $pid did not end within $WAIT_SECONDS_MAX s"
  exit 1
}

if [[ $1 == start ]]; then
  fetch
  start
else
  stop
  if [[ $(findmnt --noheadings --output SOURCE --mountpoint "$folder") == holdfast-engine ]]; then umount --lazy "$folder"; fi
fi
