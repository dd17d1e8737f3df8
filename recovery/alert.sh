#!/usr/bin/env bash
# Summary: tells people, by webhook and mail, when something has turned bad and when it is good again; not in between.
# Usage: recovery/alert.sh check     looks once, for cron
#        recovery/alert.sh watch     looks for ever, until SIGTERM
#        recovery/alert.sh test      sends a test message on each way, and says whether it arrived
#        recovery/alert.sh status    says what is known
#        recovery/alert.sh alive     whether the one that watches is at work, for health checks
#        recovery/alert.sh --help
# What it looks at:
#   backup   bad when the time in BACKUP_DIR/last-verified is older than BACKUP_AGE_HOURS_MAX, or none; or there is no such file,
#            and the first look was as long ago
#   health   bad when HEALTH_URL answers other than 2xx, or not within 10 s, for HEALTH_BAD_MINUTES; not set: not looked at
#   wal      bad when nothing takes from the replication slot WAL_SLOT for HEALTH_BAD_MINUTES; not set, or no database: as above
#   disk     bad when less than DISK_FREE_PERCENT_MIN of the file system of BACKUP_DIR is free
# Whom it tells, each only when set. A message that does not arrive is tried again at each look, on that way only.
#   ALERT_WEBHOOK_URL   gets {"text", "condition", "state", "since", "host"}: Slack, Mattermost, Discord's …/slack
#   ALERT_SMTP_URL      smtp://HOST:PORT, or smtps://USER:PASSWORD@HOST:465; with a password, always by TLS
#   ALERT_MAIL_FROM     an address
#   ALERT_MAIL_TO       addresses, commas between
#   PING_URL            is asked after each look that worked and left no message behind: who misses it knows that this is dead
# Settings: BACKUP_DIR=./backups        ALERT_STATE_DIR=BACKUP_DIR/.alerts, which has to outlive restarts
#           BACKUP_AGE_HOURS_MAX=26     HEALTH_BAD_MINUTES=3         DISK_FREE_PERCENT_MIN=10
#           ALERT_REPEAT_HOURS=24       so often what stays bad is said again; 0: never
#           ALERT_INTERVAL_SECONDS=60   from the end of a look to the next, of watch
# ALERT_WEBHOOK_URL, ALERT_SMTP_URL, PING_URL and DATABASE_URL may also come from the file that NAME_FILE names.
# A look prints one line: {"at", "bad": ["backup"], "sent": 1, "pending": 0}.
# Exits with: 0 all is good, 1 a message did not arrive or a state was not kept, 2 wrong usage or settings,
#             3 another one is at work, 10 something is bad. watch: 0 when told to end.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=recovery/settings.sh
. "$here/settings.sh"

conditions=(backup health wal disk)

readonly WHOLE='select(length == 1) | .[0]
  | select((.state == "good" or .state == "bad") and (.detail | type == "string")
      and all(.first, .since, .change, .told[].change, .told[].at; type == "number")
      and all(.failingSince, .badSince; . == null or type == "number"))'

# ---- settings ----

readonly HTTP='^(https?://[^[:space:]"\\]+)?$' SMTP='^smtps?://([^[:space:]"\\@/]+@)?[^[:space:]"\\@/]+$'
readonly MAIL='[^][:space:]<>()",:;@\\]+@[^][:space:]<>()",:;@\\]+'

# expect NAME PATTERN EXPECTED
expect() {
  local got=${!1:-nothing}
  if [[ ${!1:-} =~ $2 ]]; then return; fi
  # URLs may be secret.
  if [[ $1 == *_URL && -n ${!1:-} ]]; then got="something else"; fi
  fail "$EXIT_USAGE" "$1: expected $3, got $got"
}

settings() {
  local name
  number BACKUP_AGE_HOURS_MAX 26 1
  number HEALTH_BAD_MINUTES 3
  number DISK_FREE_PERCENT_MIN 10
  number ALERT_REPEAT_HOURS 24
  number ALERT_INTERVAL_SECONDS 60 1
  expect DISK_FREE_PERCENT_MIN '^0*(100|[0-9]{1,2})$' "a whole number of 0 to 100"
  expect WAL_SLOT '^[a-z0-9_]{0,63}$' "the name of a replication slot, of small letters, digits and _"
  for name in ALERT_WEBHOOK_URL ALERT_SMTP_URL PING_URL DATABASE_URL; do secret "$name"; done
  for name in ALERT_WEBHOOK_URL PING_URL HEALTH_URL; do expect "$name" "$HTTP" "http://… or https://…"; done
  ways=(log)
  if [[ -n ${ALERT_WEBHOOK_URL:-} ]]; then ways+=(webhook); fi
  if [[ -n ${ALERT_SMTP_URL:-}${ALERT_MAIL_TO:-} ]]; then
    expect ALERT_SMTP_URL "$SMTP" "smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT"
    expect ALERT_MAIL_FROM "^$MAIL\$" "an address"
    expect ALERT_MAIL_TO "^$MAIL(, ?$MAIL)*\$" "addresses with commas between"
    ways+=(mail)
  fi
  if [[ -z ${DATABASE_URL:-}${PGDATABASE:-} ]]; then WAL_SLOT=""; fi
  if [[ -n ${WAL_SLOT:-} ]]; then connect_database; fi
  ALERT_STATE_DIR=${ALERT_STATE_DIR:-$BACKUP_DIR/.alerts}
}

# ---- what is seen: each sets seen, to good, bad, unknown (it stays as it was) or off; detail; and grace, in seconds ----

look_at_backup() {
  local file=$BACKUP_DIR/last-verified text time age_max=$((10#$BACKUP_AGE_HOURS_MAX * 3600))
  if [[ ! -e $file ]]; then
    detail="there is no $file: no backup was verified yet"
    # A new installation has some time until its first.
    ((now - $(jq .first <<<"$record") >= age_max)) || seen=unknown
  elif ! text=$(head -c 100 "$file" 2>/dev/null); then
    detail="$file cannot be read"
  elif ! [[ $text =~ ^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){1,2}([.,][0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})$ ]] ||
    ! time=$(date -d "$text" +%s 2>/dev/null); then
    detail="$file: expected a time like 2026-11-29T02:00:00Z, got ${text:-nothing}"
  elif ((time > now + 3600)); then
    detail="$file: expected a time that is past, got $text"
  elif ((now - time > age_max)); then
    detail="the newest verified backup is of $text, $(((now - time) / 3600)) h ago: expected at most $BACKUP_AGE_HOURS_MAX h"
  else seen=good; fi
}

look_at_health() {
  local failing=""
  grace=$((10#$HEALTH_BAD_MINUTES * 60))
  if [[ -z ${HEALTH_URL:-} ]]; then seen=off
  elif http "$HEALTH_URL"; then seen=good
  else
    failing=$(jq -r '[.checks | to_entries[] | select(.value.status != "pass").key] | join(", ")' <<<"$body" 2>/dev/null) || true
    detail="$said${failing:+; not passing: $failing}"
  fi
}

look_at_wal() {
  local active
  grace=$((10#$HEALTH_BAD_MINUTES * 60))
  if [[ -z ${WAL_SLOT:-} ]]; then seen=off; return; fi
  active=$(timeout --foreground 20 psql --no-psqlrc --quiet --no-align --tuples-only --dbname "$PGDATABASE" \
    --command "SELECT active FROM pg_replication_slots WHERE slot_name = '$WAL_SLOT'") || active=unknown
  case $active in
    unknown) seen=unknown ;;
    t) seen=good ;;
    f) detail="nothing takes the log of changes from the replication slot $WAL_SLOT" ;;
    *) detail="the database has no replication slot $WAL_SLOT" ;;
  esac
}

look_at_disk() {
  local used
  used=$(df --output=pcent "$BACKUP_DIR" | tr -dc 0-9) || true
  if [[ -z $used ]]; then seen=unknown
  elif ((100 - used >= 10#$DISK_FREE_PERCENT_MIN)); then seen=good
  else detail="$((100 - used)) % of the file system of $BACKUP_DIR are free: expected $DISK_FREE_PERCENT_MIN % or more"; fi
}

# ---- how it is told: each takes a message, and sets said, for people, when it does not arrive ----

# URLs and what else is secret come as a file, since arguments are seen by all.
quiet_curl() { curl --disable --silent --globoff --max-time 10 "$@"; }

# http URL [OPTION…]: whether 2xx came, whole. Sets body, and said.
http() {
  local answer status=000 problem=""
  body=""
  answer=$(quiet_curl --config <(printf 'url = "%s"\n' "$1") --write-out '\n%{http_code} %{errormsg}' "${@:2}" | tail -c 65536) &&
    body=${answer%$'\n'*} || problem="no answer"
  read -r status said <<<"${answer##*$'\n'}" || true
  said=${problem:+$problem: $said}
  : "${said:=HTTP $status}"
  [[ -z $problem && $status == 2?? ]]
}

tell_log() { say "$(jq -r .text <<<"$1")"; }

tell_webhook() { http "$ALERT_WEBHOOK_URL" --header "Content-Type: application/json" --data-binary @- <<<"$1"; }

tell_mail() {
  local to tls=() subject
  IFS=', ' read -ra to <<<"$ALERT_MAIL_TO"
  if [[ $ALERT_SMTP_URL == *@* ]]; then tls=(--ssl-reqd); fi
  subject=$(jq -r '"Holdfast on \(.host): \(.condition) is \(.state)"' <<<"$1")
  said=$({
    printf '%s\r\n' "From: $ALERT_MAIL_FROM" "To: ${ALERT_MAIL_TO//,/, }" "Subject: $subject" "Date: $(date -R)" \
      "Message-ID: <$(date +%s%N).$$@$HOSTNAME>" "Auto-Submitted: auto-generated" "MIME-Version: 1.0" \
      "Content-Type: text/plain; charset=utf-8" "Content-Transfer-Encoding: base64" ""
    jq -r .text <<<"$1" | base64 | sed 's/$/\r/'
  } | quiet_curl --show-error "${tls[@]}" --mail-rcpt-allowfails --upload-file - --config <(
    printf 'url = "%s"\nmail-from = "%s"\n' "$ALERT_SMTP_URL" "$ALERT_MAIL_FROM"
    printf 'mail-rcpt = "%s"\n' "${to[@]}"
  ) 2>&1)
}

# ---- what is known ----

# record_of CONDITION: {first, state, since, change, failingSince, badSince, detail, told: {WAY: {state, change, at}}}.
record_of() {
  local file=$ALERT_STATE_DIR/$1.json first=$now
  if [[ -e $file ]]; then
    if jq -ce --slurp "$WHOLE" "$file" 2>/dev/null; then return; fi
    say "$file is damaged: begun anew"
    # This is no new installation.
    first=0
  fi
  jq -cn --argjson first "$first" --argjson since "$now" \
    '{$first, state: "good", $since, change: 0, failingSince: null, badSince: null, detail: "", told: {}}'
}

# keep CONDITION RECORD
keep() {
  local file=$ALERT_STATE_DIR/$1.json
  if [[ -f $file && $2 == "$(tr -d '\0' <"$file")" ]]; then return; fi
  printf '%s\n' "$2" >"$file.new" && mv -T "$file.new" "$file" && return
  say "$file cannot be written: what is said now may be said again"
  is_kept=false
}

# ---- the work ----

# Its code is that of check.
look() {
  local now at condition record lines line way message seen detail grace bad=() sent=0 pending=0 is_kept=true
  local -A to_tell records
  now=$(date +%s)
  at=$(date -u -d "@$now" +%FT%TZ)
  for condition in "${conditions[@]}"; do
    record=$(record_of "$condition")
    seen=bad detail="" grace=0
    "look_at_$condition"
    if [[ $seen == off ]]; then
      rm -f "$ALERT_STATE_DIR/$condition.json"
      continue
    fi
    lines=$(jq -r --arg condition "$condition" --arg seen "$seen" --arg detail "$detail" --argjson grace "$grace" \
      --argjson now "$now" --argjson repeat "$((10#$ALERT_REPEAT_HOURS * 3600))" --arg host "$HOSTNAME" \
      --from-file "$here/alert.jq" --args "${ways[@]}" <<<"$record")
    { read -r line && read -r record && to_tell[$condition]=$(cat); } <<<"$lines"
    if [[ $line == bad ]]; then bad+=("$condition"); fi
    # Before it is told, so that it is not forgotten when this is killed meanwhile.
    keep "$condition" "$record"
    records[$condition]=$record
  done
  for condition in "${!to_tell[@]}"; do
    while read -ru 8 way message; do
      [[ -n $way ]] || continue
      if "tell_$way" "$message"; then
        records[$condition]=$(jq -c --arg way "$way" --argjson now "$now" \
          '.told[$way] = {state, change, at: $now}' <<<"${records[$condition]}")
        keep "$condition" "${records[$condition]}"
        if [[ $way != log ]]; then sent=$((sent + 1)); fi
      else
        say "$condition: the message did not arrive by $way, and is tried again at the next look: $said"
        pending=$((pending + 1))
      fi
    done 8<<<"${to_tell[$condition]}"
  done
  touch "$ALERT_STATE_DIR/lock" || is_kept=false
  jq -cn --arg at "$at" --argjson sent "$sent" --argjson pending "$pending" \
    '{$at, bad: $ARGS.positional, $sent, $pending}' --args "${bad[@]}"
  if ((pending)) || ! $is_kept; then exit "$EXIT_FAILED"; fi
  if [[ -n ${PING_URL:-} ]]; then http "$PING_URL" || say "PING_URL: $said"; fi
  if ((${#bad[@]})); then exit "$EXIT_STALE"; fi
}

watch() {
  # Each look and each pause is a job of its own, which ends with this at once, whatever it waits for.
  set -m
  trap 'kill %% 2>/dev/null || true; exit 0' INT TERM
  while true; do
    look &
    wait $! || true
    sleep "$ALERT_INTERVAL_SECONDS" 9>&- &
    wait $! || true
  done
}

try_ways() {
  local way message code=0
  message=$(jq -cn --arg host "$HOSTNAME" --arg since "$(date -u +%FT%TZ)" \
    '{text: "Holdfast on \($host): this is a test, nothing has happened", condition: "test", state: "good", $since, $host}')
  ((${#ways[@]} > 1)) || fail "$EXIT_USAGE" "expected ALERT_WEBHOOK_URL or ALERT_SMTP_URL, got neither: nobody would be told"
  for way in "${ways[@]:1}"; do
    if "tell_$way" "$message"; then say "$way: it arrived"; else say "$way: it did not arrive: $said"; code=$EXIT_FAILED; fi
  done
  return "$code"
}

status() {
  local condition file
  echo "looked last at $(date -u -r "$ALERT_STATE_DIR/lock" +%FT%TZ 2>/dev/null || echo "no time yet")"
  for condition in "${conditions[@]}"; do
    file=$ALERT_STATE_DIR/$condition.json
    if [[ ! -e $file ]]; then echo "$condition: not looked at"; continue; fi
    jq -re --arg condition "$condition" --slurp "$WHOLE"' | .change as $change
      | "\($condition): \(.state) since \(.since | todate)",
        if .state == "bad" or .failingSince != null then "  \(.detail)" else empty end,
        (.told | to_entries[] | select(.value.change != $change) | "  not told yet by \(.key)")' "$file" 2>/dev/null ||
      echo "$condition: not known, $file is damaged"
  done
}

if [[ ${1:-} == --help ]]; then
  usage
  exit 0
fi
[[ $# == 1 && $1 =~ ^(check|watch|test|status|alive)$ ]] || wrong_usage "expected check, watch, test, status or alive, got ${*:-nothing}"
settings
case $1 in
  test) try_ways ;;
  status) status ;;
  alive) [[ -n $(find "$ALERT_STATE_DIR/lock" -mmin -$((ALERT_INTERVAL_SECONDS / 60 + 5)) 2>/dev/null) ]] ;;
  *)
    mkdir -p "$ALERT_STATE_DIR"
    exec 9>>"$ALERT_STATE_DIR/lock"
    flock --nonblock 9 || fail "$EXIT_BUSY" "another one is at work in $ALERT_STATE_DIR"
    if [[ ${#ways[@]} == 1 ]]; then say "nobody is told: neither ALERT_WEBHOOK_URL nor ALERT_SMTP_URL is set"; fi
    if [[ $1 == watch ]]; then watch; else look; fi
    ;;
esac
