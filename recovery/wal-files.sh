#!/usr/bin/env bash
# Summary: the files of the log of changes (WAL) that wal.sh writes: which there are, and whether one is missing.
# Usage: . recovery/wal-files.sh (after settings.sh)
#
# BACKUP_DIR/wal/SYSTEM/START/: SYSTEM is the cluster's own number, START when wal.sh began to write without a gap. A file's name is
# of 24 hexadecimal digits: its timeline, then its number, in two parts. It may end in .gz, or in .partial while it is being written.

readonly SEGMENT_BYTES=$((16 * 1024 * 1024))
readonly SEGMENTS_A_LOG=$((0x100000000 / SEGMENT_BYTES))

# wal_number FILE: its number; or not, when it is another kind of file.
wal_number() {
  [[ $1 =~ (^|/)[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})(\.gz|\.partial)?$ ]] || return 1
  echo $((16#${BASH_REMATCH[2]} * SEGMENTS_A_LOG + 16#${BASH_REMATCH[3]}))
}

# wal_numbers SYSTEM [whole]: of the files that are there, ascending, each once; or only of those that are written no more.
wal_numbers() {
  local file
  for file in "$BACKUP_DIR/wal/$1"/*/*; do
    [[ ${2:-} == whole && $file == *.partial ]] || wal_number "$file" || true
  done | sort --numeric-sort --unique
}

# wal_copy FOLDER TARGET: while wal.sh writes: a file that is whole loses its .partial meanwhile, so that cp no longer finds it.
wal_copy() {
  local said tries=0
  until said=$(cp -a --update "$1" "$2" 2>&1); do
    ((++tries < 5)) || fail "$EXIT_FAILED" "the log of changes cannot be copied: $(head -1 <<<"$said")"
  done
}

# lsn_number LSN: of the file that this place is in.
lsn_number() { echo $((16#${1%/*} * SEGMENTS_A_LOG + 16#${1#*/} / SEGMENT_BYTES)); }

# base_number BASE Start-LSN|End-LSN: of the file that this base backup begins, or ends, in.
base_number() {
  local lsn
  lsn=$(jq -r --arg which "$2" '.["WAL-Ranges"][0][$which]' "$BACKUP_DIR/base/$1/backup_manifest")
  lsn_number "$lsn"
}

# The names of files without their timeline, as people find them.
wal_name() { printf '%08X%08X' $(($1 / SEGMENTS_A_LOG)) $(($1 % SEGMENTS_A_LOG)); }

# wal_is_whole BASE: from the end of this base backup to the newest file, none is missing; or a word on the first that is.
wal_is_whole() {
  local system next last number
  system=$(<"$BACKUP_DIR/base/$1/system")
  next=$(base_number "$1" End-LSN)
  last=$(wal_numbers "$system" | tail -1)
  if [[ -z $last ]] || ((last < next)); then
    fail "$EXIT_DAMAGED" "the log of changes since the base backup $1 is missing (file …$(wal_name "$next")): does wal.sh run?"
  fi
  while read -r number; do
    ((number >= next)) || continue
    ((number == next)) || fail "$EXIT_DAMAGED" "the log of changes has a gap: file …$(wal_name "$next") is missing; base backup $1 restores only up to it"
    next=$((number + 1))
  done < <(wal_numbers "$system")
}
