#!/usr/bin/env bash
# Start of the redis container: credentials and access rules, repair of the data file, then Redis in
# this very process (so that it gets SIGTERM). Arguments go to redis-server, after redis.conf:
# `--maxmemory 256mb`. Environment variables: README.md.
set -uo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
data=${DATA_DIR:-/data}
conf=${REDIS_CONF:-/etc/redis/redis.conf}
credentials=${CREDENTIALS_DIR:-/credentials}
port=${REDIS_PORT:-6379}
db=${REDIS_DB:-0}
# The services end on such a value and name it.
[[ $db =~ ^([0-9]|1[0-5])$ ]] || db=0
# Beside the passwords of the container's own users, and like them in memory: made anew at each start,
# one never without the other, whatever state the card is in.
acl_file="$credentials/users.acl"
pending="$data/repairs.pending"
# Stands there while a start is not complete.
marker="$data/starting"
# What the names of the files that hold the data begin with.
aof="$data/appendonlydir/appendonly.aof"
readonly here data conf credentials port db acl_file pending marker aof
# shellcheck source-path=SCRIPTDIR source=log.sh
source "$here/log.sh"

# The container starts as root only to hand the volumes to the users that need them: a volume may
# come from another image or from a backup.
prepare_volumes() {
  local folder
  mkdir -p "$data" "$credentials"
  make_acl || return
  chown -R "$RUN_AS:$RUN_AS" "$data"
  for folder in "$credentials"/*/; do
    # The folder of a service is mounted by that service only; its user may read it.
    chown -R "${CREDENTIALS_OWNER:-1000:1000}" "$folder"
    chmod 0755 "$folder"
  done
  chown -R "$RUN_AS:$RUN_AS" "$credentials/redis" "$credentials/healthcheck" "$acl_file"
}

make_acl() {
  # Earlier versions kept the rules on the card.
  rm -f -- "$data/users.acl"
  "$here/make-acl.sh" "$credentials" "$acl_file" && return
  # No room where the credentials are. The rules of the last start, if they are there, still hold.
  log error acl_not_written file "$acl_file"
  [[ -s $acl_file ]]
}

heal() {
  local marked=()
  if [[ -e $marker ]]; then
    log warn last_start_incomplete
    marked=("$conf")
  fi
  "$here/heal-aof.sh" "$data" "${marked[@]}" || {
    log error healing_failed
    # Without a manifest Redis would start empty and write over what is there, sooner or later.
    if [[ ! -e $aof.manifest ]] && compgen -G "$aof.[0-9]*" >/dev/null; then
      log error data_without_manifest folder "${aof%/*}"
      exit 1
    fi
  }
  : >"$marker"
}

# cli ARGUMENT...: a command as the container's own user; fails when Redis answers with an error.
cli() {
  REDISCLI_AUTH=$admin_password redis-cli -h 127.0.0.1 -p "$port" -n "$db" --user redis \
    --no-auth-warning -e "$@" 2>&1
}

# report_repair TIME_MS REASON FILE BYTES_CUT QUARANTINE
report_repair() {
  cli xadd events MAXLEN '~' 1000 '*' service redis event data_repaired reason "$2" file "$3" \
    bytes_cut "$4" quarantine "$5" repaired_ms "$1" &&
    cli hset redis:status last_repair "$1" last_repair_reason "$2" last_repair_file "$3" \
      last_repair_bytes_cut "$4" last_repair_quarantine "$5" &&
    cli hincrby redis:status repairs 1
}

# Runs beside Redis until it answers: the start is complete then, and repairs can be told. What
# cannot be told now (Redis is full) is told after the next start.
after_start() {
  local time reason file bytes quarantine answer admin_password
  admin_password=$(<"$credentials/redis/password")
  until answer=$(cli ping) && [[ $answer == PONG ]]; do
    kill -0 $$ 2>/dev/null || return
    if [[ $answer == *WRONGPASS* ]]; then
      # Rules older than the password. Redis says so while it is loading too, so the mark stays: the
      # next start tries the load first.
      log error own_user_refused answer "$answer"
      return
    fi
    sleep 0.1
  done
  rm -f -- "$marker"
  cli hsetnx redis:status repairs 0 >/dev/null
  cli hset redis:status started "$(date +%s%3N)" >/dev/null
  [[ -f $pending ]] || return
  while IFS=$'\t' read -r time reason file bytes quarantine; do
    if ! answer=$(report_repair "$time" "$reason" "$file" "$bytes" "$quarantine"); then
      log error repair_not_reported reason "$reason" answer "$answer"
      return
    fi
  done <"$pending"
  rm -f -- "$pending"
}

if [[ -n ${RUN_AS-} && $(id -u) == 0 ]]; then
  prepare_volumes || exit 1
  exec setpriv --reuid "$RUN_AS" --regid "$RUN_AS" --clear-groups -- "$0" --prepared "$@"
fi
trap 'exit 143' TERM
mkdir -p "$data" "$credentials"
if [[ ${1-} == --prepared ]]; then shift; else make_acl || exit 1; fi
heal
after_start &
exec redis-server "$conf" --dir "$data" --aclfile "$acl_file" --port "$port" "$@"
