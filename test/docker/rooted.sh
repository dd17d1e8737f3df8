#!/usr/bin/env bash
# Summary: runs a command in mounts of its own, whose root is this process's root, also where that is a chroot.
# Usage: test/docker/rooted.sh COMMAND [ARGUMENT…]
# An engine needs that: whoever enters a container comes in by the root of its mounts, which in a chroot is the one outside.
# Needs root. Exits with what the command exits with, or with 2 for wrong usage.
set -euo pipefail

case "${1:-}" in
  --help) sed -n 's/^# \{0,1\}//; 2,5p' "$0"; exit 0 ;;
  "") echo "rooted: expected a command, got nothing" >&2; exit 2 ;;
esac

own=$(stat --format %d:%i /)
true=$(nsenter --mount=/proc/self/ns/mnt stat --format %d:%i /)
[[ $own != "$true" ]] || exec unshare --mount -- "$@"
# There: this root is laid over the one outside, in this namespace alone.
# shellcheck disable=SC2016  # the inner shells' own arguments
exec unshare --mount -- bash -c 'exec nsenter --mount=/proc/self/ns/mnt --wd=/ bash -c "mount --move . / && exec chroot . \"\$@\"" bash "$@"' bash "$@"
