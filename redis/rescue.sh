# shellcheck shell=bash
# After a start that did not come up: tries to load the data, and takes away what keeps Redis from
# loading it. Part of heal-aof.sh, to be sourced by it.
#
# The last start may also have been cut short by a power cut, or the fault may lie elsewhere (a
# wrong line in redis.conf, a full card, too little memory for the data): then nothing is touched.

: "${data:?}" "${aof:?}" "${NAME:?}" "${checker:?}"
# Well-formed commands that Redis does not know, taken out one by one before all is given up.
readonly MAX_UNKNOWN_COMMANDS=20

# trial DIR: whether Redis, with the configuration of this device, comes up on the data in DIR. It
# listens on a socket file only. What it logged stands in $trial_dir/log, how it ended in trial_status.
trial_status=0
trial() {
  local child
  redis-server "$conf" --dir "$1" --port 0 --unixsocket "$trial_dir/socket" --aclfile '' \
    --logfile '' --auto-aof-rewrite-percentage 0 >"$trial_dir/log" 2>&1 &
  child=$!
  until [[ $(redis-cli -s "$trial_dir/socket" ping 2>/dev/null) == PONG ]]; do
    if ! kill -0 "$child" 2>/dev/null; then
      wait "$child" 2>/dev/null
      trial_status=$?
      return 1
    fi
    sleep 0.05
  done
  redis-cli -s "$trial_dir/socket" shutdown nosave >/dev/null 2>&1
  wait "$child"
  return 0
}

# Takes out the command Redis complained about: its name's length is made unreadable, and the usual
# repair skips what it cannot read. Fails when Redis complained about something else.
drop_unknown_command() {
  local line name file offset
  line=$(LC_ALL=C grep -aom1 "Unknown command '.*' reading the append only file .*" "$trial_dir/log")
  name=${line#*\'}
  name=${name%\'*}
  file="$aof/${line##* }"
  [[ -n $name && -f $file ]] || return 1
  offset=$(LC_ALL=C grep -abom1 -xF -e "$name"$'\r' "$file" | head -n 1 | cut -d: -f1)
  [[ -n $offset ]] && ((offset > 2)) || return 1
  keep_copy "$file" $((offset - 2))
  printf x | dd of="$file" bs=1 seek=$((offset - 2)) conv=notrunc status=none
  salvage "$file"
}

# Whether Redis cannot even start on an empty folder of the same disk: then the data is not at fault.
fails_when_empty() {
  local empty status=0
  empty=$(mktemp -d "$data/temp-trial-XXXXXX") || return 0
  trial "$empty" && status=1
  rm -rf -- "$empty"
  return "$status"
}

# Tries the data as it stands. Succeeds when there is nothing more to do: it loads, or the trial was
# killed. Then Redis starts as usual and is killed as well: the container's restarts are spaced out,
# and the data waits for more memory.
settled() {
  trial "$data" && return
  killed "$trial_status" || return 1
  log error load_killed signal "$(kill -l "$trial_status")"
}

set_all_aside() {
  local bytes
  bytes=$(du -sb "$aof" 2>/dev/null | cut -f1)
  set_aside "$aof" || return 1
  report set_aside "$(basename "$aof")" "${bytes:-0}"
}

try_everything() {
  local n
  settled && return
  if fails_when_empty; then
    log error start_fails_whatever_the_data reason "$(tail -n 1 "$trial_dir/log")"
    return
  fi
  settled && return # Once more, for its log.
  for ((n = 0; n < MAX_UNKNOWN_COMMANDS; n++)); do
    drop_unknown_command || break
    settled && return
  done
  if [[ -d $aof ]]; then
    rebuild_manifest
    settled && return
    set_all_aside
  fi
  if [[ -f $data/$NAME ]] && ! settled; then
    set_aside "$data/$NAME"
    report set_aside "$NAME" 0
  fi
}

# rescue CONF_FILE
rescue() {
  conf=$1
  trial_dir="$checker/trial"
  mkdir "$trial_dir" || return 1
  try_everything
}
