#!/usr/bin/env bash
# Summary: Postgres asks it for a file of the log of changes while it restores to a point in time; see restore.sh.
# Usage: recovery/fetch-wal.sh FOLDER FILE TARGET       FOLDER: BACKUP_DIR/wal/SYSTEM
# Exits with: 0 it is at TARGET, 1 there is none of this name (the end of the log, for Postgres), 2 wrong usage,
# 255 it is there, and cannot be read or written: Postgres gives up, instead of taking it for the end of the log.
set -euo pipefail

readonly SEGMENT_BYTES=$((16 * 1024 * 1024))

case "${1:-}" in
  --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
if (($# != 3)); then
  echo "fetch-wal: expected FOLDER FILE TARGET, got $*" >&2
  exit 2
fi

# Whole ones first. After the stream began anew, a file may be there twice: the last one has more.
shopt -s nullglob
files=()
for file in "$1"/*/"$2.partial"; do
  # A shorter one is new, and was being filled with zeros: there is nothing in it.
  if (($(stat --format %s "$file") == SEGMENT_BYTES)); then files+=("$file"); fi
done
files+=("$1"/*/"$2.gz" "$1"/*/"$2")
((${#files[@]} > 0)) || exit 1
file=${files[-1]}
case "$file" in
  *.gz) gzip --decompress --stdout "$file" >"$3" || exit 255 ;;
  # One that is whole by now has lost its .partial meanwhile.
  *) cp "$file" "$3" || { [[ -e $file ]] || exec "$0" "$@"; exit 255; } ;;
esac
