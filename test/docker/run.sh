#!/usr/bin/env bash
# Summary: runs the Docker suite on this machine's engine, or on one that it fetches, starts and stops again.
# Usage: npm run test:docker [-- SUITE…]    (which calls: test/docker/run.sh NODE [SUITE…])
#   SUITE: stack, recovery, scale, faults, runbooks, swarm, or all of them; default: the first three, a quarter of an hour
# Exits with: 0 all passed, 1 something failed, 2 wrong usage, 3 no engine, or no images, can be had here.
set -euo pipefail

case "${1:-}" in
  --help) sed -n 's/^# \{0,1\}//; 2,5p' "$0"; exit 0 ;;
  "") echo "run: expected the path of node, got nothing" >&2; exit 2 ;;
esac
node=$1
shift
declare -A files=(
  [stack]=test/docker/stack.ts
  [recovery]=test/docker/recovery.ts
  [runbooks]=test/docker/runbooks.ts
  [scale]=test/docker/scale.ts
  [faults]=test/docker/faults.ts
  [swarm]=test/docker/swarm.ts
)
(($#)) || set -- stack recovery scale
[[ $* != all ]] || set -- stack recovery scale faults runbooks swarm
for suite; do
  [[ -n ${files[$suite]:-} ]] || { echo "run: expected stack, recovery, scale, faults, runbooks, swarm or all, got $suite" >&2; exit 2; }
done
PATH="$(dirname "$node"):$PATH"
export PATH
cd "$(dirname "$0")/../.."
folder=${HOLDFAST_ENGINE_DIR:-${TMPDIR:-/tmp}/holdfast-engine}

# An issuer of certificates, and who asks it for one; and a place for copies of backups.
for program in pebble pebble-challtestsrv certbot openssl rclone; do
  type -P "$program" >/dev/null && continue
  apt-get install -y -qq --no-install-recommends pebble certbot openssl rclone >/dev/null
  break
done

if ! { docker info && docker compose version && docker buildx version; } >/dev/null 2>&1; then
  test/docker/engine.sh start "$folder" || exit 3
  # What the tests say counts, also when it does not end.
  trap 'test/docker/engine.sh stop "$folder" || true' EXIT
  # shellcheck source=/dev/null
  . "$folder/env"
fi
mkdir -p "$folder"
export HOLDFAST_ENGINE_DIR=$folder
test/docker/images.sh "$folder" || exit 3
docker run --rm --network none node:24-trixie-slim true || { echo "run: containers cannot run here" >&2; exit 3; }
status=0
for suite; do
  "$node" --conditions=holdfast-source --test --test-timeout=600000 --test-reporter=spec "${files[$suite]}" || status=1
done
exit $status
