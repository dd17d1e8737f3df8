#!/usr/bin/env bash
# Summary: the images that the Compose file starts from: pulled, or, where no registry can be reached, made of Debian's packages.
# Usage: . FOLDER/env; test/docker/images.sh FOLDER    FOLDER: that of engine.sh
# Needs node and npm of the version the image shall have. Exits with: 0 they are there, 1 they could not be made, 2 wrong usage.
set -euo pipefail

SUITE=forky
PULL_SECONDS_MAX=120

usage() { sed -n 's/^# \{0,1\}//; 2,4p' "$0"; }
say() { echo "images: $*" >&2; }

case "${1:-}" in
  --help) usage; exit 0 ;;
  "") say "expected a folder, got nothing"; usage >&2; exit 2 ;;
esac
folder=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

declare -A stands_in=(
  [node]=node:24-trixie-slim
  [nginx]=nginx:1.30
  [redis]=redis:8
  [postgres]=postgres:18
)

version=$(node --version)
[[ ${stands_in[node]} == "node:${version:1:2}-"* ]] || { say "expected the node of ${stands_in[node]} in PATH, got $version"; exit 2; }

isThere() { docker image inspect "$1" >/dev/null 2>&1; }

base() {
  isThere holdfast-test/base && return
  say "making a Debian $SUITE …"
  local tree=$folder/base mirror
  # shellcheck disable=SC2016  # apt's own variable
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/*$')
  debootstrap --variant=minbase "$SUITE" "$tree" "$mirror" /usr/share/debootstrap/scripts/sid >"$folder/debootstrap.log" 2>&1
  echo 'Acquire::Check-Valid-Until "false";' >"$tree/etc/apt/apt.conf.d/99valid"
  # Whoever this machine trusts, so that npm works from within.
  mkdir -p "$tree/etc/ssl/certs"
  cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
  tar -C "$tree" --exclude './var/cache/apt/archives/*.deb' -c . | docker import - holdfast-test/base >/dev/null
  rm -rf "$tree"
}

context() {
  cp -r "$here/images" "$folder/context"
  cp "$(node -p process.execPath)" "$folder/context/node"
  # Its program is npm/bin/npm-cli.js.
  cp -rL "$(dirname "$(readlink -f "$(command -v npm)")")/.." "$folder/context/npm"
}

# Of a run that did not end.
rm -rf "$folder/context"
for name in "${!stands_in[@]}"; do
  image=${stands_in[$name]}
  isThere "$image" && continue
  if timeout "$PULL_SECONDS_MAX" docker pull --quiet "$image" >/dev/null 2>&1; then
    say "$image: pulled"
    continue
  fi
  base
  [[ -d $folder/context ]] || context
  say "$image: no registry, so one is made of Debian's packages …"
  docker build --quiet --tag "$image" --file "$folder/context/Dockerfile.$name" "$folder/context" >/dev/null
done
rm -rf "$folder/context"
