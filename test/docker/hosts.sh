#!/usr/bin/env bash
# Summary: hosts for a swarm, on one machine: each with its own network, processes and Docker engine. One can be switched off.
# Usage: test/docker/hosts.sh start FOLDER COUNT   COUNT hosts 10.77.0.11, .12 …; FOLDER: that of engine.sh, started
#        test/docker/hosts.sh off FOLDER NUMBER    ends everything that runs on that host, at once
#        test/docker/hosts.sh stop FOLDER          all of them; nothing stays
# A host's engine: docker -H unix://FOLDER/host-NUMBER/sock. Needs root. Exits with: 0 done, 1 it did not work, 2 wrong usage.
set -euo pipefail

BRIDGE=holdfast0
WAIT_SECONDS_MAX=60

usage() { sed -n 's/^# \{0,1\}//; 2,6p' "$0"; }
say() { echo "hosts: $*" >&2; }

case "${1:-}:$#" in
  --help:*) usage; exit 0 ;;
  start:3 | off:3 | stop:2) ;;
  *) say "wrong usage"; usage >&2; exit 2 ;;
esac
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/../.."

start_host() {
  local number=$1 name=holdfast-host-$1 home=$folder/host-$1
  mkdir -p "$home"
  ip netns add "$name"
  ip link add "hf-$number" type veth peer name eth0 netns "$name"
  ip link set "hf-$number" master $BRIDGE up
  ip -n "$name" addr add "10.77.0.1$number/24" dev eth0
  ip -n "$name" link set lo up
  ip -n "$name" link set eth0 up
  ip -n "$name" route add default via 10.77.0.1
  # shellcheck disable=SC2016  # the inner shell's own arguments
  # Its processes end with the first of them, as on a host that is switched off. Not `ip netns exec`, which hides the cgroups.
  nsenter --net="/var/run/netns/$name" unshare --uts --pid --fork --kill-child --mount-proc \
    bash -c 'hostname "$0" && exec "$@"' "host$number" test/docker/rooted.sh dockerd \
    --data-root "$home/data" --exec-root "$home/exec" --pidfile "$home/pid" --host "unix://$home/sock" \
    >"$home/dockerd.log" 2>&1 </dev/null &
  echo $! >"$home/unshare"
}

await_host() {
  local home=$folder/host-$1
  for ((waited = 0; waited < 2 * WAIT_SECONDS_MAX; waited++)); do
    docker --host "unix://$home/sock" version >/dev/null 2>&1 && return
    sleep 0.5
  done
  say "host $1 did not answer within $WAIT_SECONDS_MAX s:"
  tail -5 "$home/dockerd.log" >&2
  return 1
}

off() {
  local home=$folder/host-$1 pid
  [[ -e $home/unshare ]] || return 0
  pid=$(cat "$home/unshare")
  # nsenter has become unshare, whose child is the host's first process.
  if kill -KILL "$pid" 2>/dev/null; then
    for ((waited = 0; waited < 100; waited++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  rm -f "$home/unshare"
}

stop() {
  local home number
  for home in "$folder"/host-*; do
    [[ -d $home ]] || continue
    number=${home##*-}
    off "$number"
    ip netns delete "holdfast-host-$number" 2>/dev/null || true
    ip link delete "hf-$number" 2>/dev/null || true
    # What the engine has mounted went with its processes.
    rm -rf "$home"
  done
  iptables -D FORWARD -i $BRIDGE -j ACCEPT 2>/dev/null || true
  ip link delete $BRIDGE 2>/dev/null || true
}

case $1 in
  off) off "$3" ;;
  stop) stop ;;
  start)
    stop
    ip link add $BRIDGE type bridge
    ip addr add 10.77.0.1/24 dev $BRIDGE
    ip link set $BRIDGE up
    # The machine's own engine forwards nothing that it does not know.
    iptables -I FORWARD -i $BRIDGE -j ACCEPT
    for ((number = 1; number <= $3; number++)); do start_host "$number"; done
    for ((number = 1; number <= $3; number++)); do await_host "$number"; done
    say "$3 hosts, Docker $(docker --host "unix://$folder/host-1/sock" version --format '{{.Server.Version}}')"
    ;;
esac
