#!/usr/bin/env bash
# Makes the append-only file (AOF) loadable before Redis starts, and saves what can be saved.
#
#   heal-aof.sh DATA_DIR              before every start
#   heal-aof.sh DATA_DIR CONF_FILE    the same after a start that did not come up: also tries to load
#
# Redis itself goes on after a file that merely ends too early. It refuses to start on one that ends
# in zeros (what a power cut leaves behind where the file system had the length but not yet the
# data), in garbage, on a damaged base file or manifest; and with no manifest at all it starts empty
# and writes over the data.
#
# Why a check before each start and not only after a failed one: it is cheap (measured 14 ms per MB
# of AOF, which Redis rewrites at 32 MB), and it also notices what Redis would silently shorten:
# every loss is counted and reported. What it cannot see, well-formed commands that Redis does not
# know, shows as a start that fails; see rescue.sh.
#
# A check or a load that is killed (for want of memory) says nothing about the data: it is left alone.
#
# Reasons reported: tail_cut, commands_skipped (damage in the middle; what follows it was saved),
# base_lost, manifest_rebuilt, set_aside (nothing could be loaded: Redis starts empty).
set -uo pipefail
shopt -s nullglob
here=$(dirname "${BASH_SOURCE[0]}")
data=${1:?usage: heal-aof.sh DATA_DIR [CONF_FILE]}
aof="$data/appendonlydir"
readonly data aof NAME=appendonly.aof
# Damaged places skipped in one file before the rest is given up.
readonly MAX_SKIPS=64
# For the tools that check and load; gone at the end.
checker=$(mktemp -d) || exit 1
trap 'rm -rf -- "$checker"' EXIT
# shellcheck source-path=SCRIPTDIR source=log.sh
source "$here/log.sh"
# shellcheck source-path=SCRIPTDIR source=quarantine.sh
source "$here/quarantine.sh"
# shellcheck source-path=SCRIPTDIR source=rescue.sh
source "$here/rescue.sh"

# What redis-check-aof says about a file, without the binary garbage it quotes. The file is shown to
# it through a manifest of our own: given a file itself, the tool takes it for a manifest as soon as
# any line in it begins with "file".
# That the tool was killed is noted in $checker/killed: it runs in subshells.
check_output() {
  local link=data.1.incr.aof type=i status
  if is_image "$1"; then link=data.1.base.rdb type=b; fi
  ln -sfn -- "$(readlink -f -- "$1")" "$checker/$link"
  echo "file $link seq 1 type $type" >"$checker/data.manifest"
  {
    redis-check-aof "$checker/data.manifest" 2>&1 | tr -cd '[:print:]\n'
    status=${PIPESTATUS[0]}
  } 2>/dev/null # The shell's own words about a killed program.
  ! killed "$status" || : >"$checker/killed"
}

# To be called before anything is concluded from what the tool said or did not say. An image is read
# into memory by it too: a limit too low for Redis may be too low for the check.
stop_if_check_killed() {
  [[ -e $checker/killed ]] || return 0
  rm -f -- "$data"/temp-heal-*
  log error check_killed file "$(basename "$1")"
  exit 1
}

# Whether FILE begins with an RDB image.
is_image() { [[ $(head -c 5 -- "$1" | tr -d '\0') == REDIS ]]; }

# From that output: bytes from the start of the file that are whole commands and closed
# transactions. Nothing when the tool gave up earlier.
ok_up_to() { sed -n 's/.*ok_up_to=\([0-9]*\),.*/\1/p' | tail -n 1; }

# A tool that does not do what is expected of it here must not cut anything.
checker_works() {
  # shellcheck disable=SC2016 # A dollar of the protocol.
  printf '*1\r\n$4\r\nPING\r\n*1\r\n$4' >"$checker/sample"
  [[ $(check_output "$checker/sample" | ok_up_to) == 14 ]]
}

# good_bytes FILE: how many bytes from its start Redis can read.
good_bytes() {
  local size good
  size=$(size_of "$1")
  good=$(check_output "$1" | ok_up_to)
  if [[ -n $good || -e $checker/killed ]]; then
    echo "${good:-0}"
  elif ((size == 0)) || is_image "$1"; then
    echo 0 # Empty, or a damaged RDB image: there is no reading only half of that.
  else
    bisect_good_bytes "$1" "$size"
  fi
}

# redis-check-aof dies of a length beyond the machine's memory. The longest beginning of the file
# that it survives ends in front of that number.
bisect_good_bytes() {
  local low=0 high=$2 middle good=0 found part="$data/temp-heal-part.aof"
  while ((high - low > 1)) && [[ ! -e $checker/killed ]]; do
    middle=$(((low + high) / 2))
    if ! head -c "$middle" -- "$1" >"$part"; then
      low=0 # A full card: nothing can be found out.
      break
    fi
    found=$(check_output "$part" | ok_up_to)
    if [[ -n $found ]]; then low=$middle good=$found; else high=$middle; fi
  done
  rm -f -- "$part"
  # A single byte is always survived. If not even that, the file is not to blame and stays.
  if ((low > 0)); then echo "$good"; else echo "$2"; fi
}

# first_match FILE FROM GREP_ARGUMENTS...: offset of the first match at or after FROM, if any.
first_match() {
  local file=$1 from=$2 found
  shift 2
  found=$(tail -c "+$((from + 1))" -- "$file" 2>/dev/null |
    LC_ALL=C grep -abom1 "$@" | head -n 1 | cut -d: -f1)
  [[ -z $found ]] || echo $((from + found))
}

# next_command FILE BAD: where to go on behind the unreadable command at offset BAD: at what looks
# like the head of a command (`*`, a number of arguments, a line end). Behind a transaction that is
# not whole only after its end: half a transaction is none.
next_command() {
  local from=$(($2 + 1))
  # shellcheck disable=SC2016
  if [[ $(tail -c "+$from" -- "$1" | head -c 15 | tr -cd '[:print:]') == '*1$5MULTI' ]]; then
    from=$(first_match "$1" "$from" -xF -e $'EXEC\r')
    [[ -n $from ]] || return 0
  fi
  first_match "$1" "$from" -E -e $'\\*[1-9][0-9]{0,3}\r$'
}

# salvage FILE: leaves of a file of commands what Redis can read. A damaged end is cut off. Readable
# commands behind the damage (a lost block of the card) are kept: a hole in the readings' `_seq`
# tells the receiver what is missing.
salvage() {
  local size good next
  size=$(size_of "$1")
  good=$(good_bytes "$1")
  stop_if_check_killed "$1"
  ((good < size)) || return 0
  keep_copy "$1" "$good"
  next=$(next_command "$1" "$good")
  if [[ -n $next ]] && skip_damage "$1" "$good" "$next"; then
    report commands_skipped "$(basename "$1")" $((size - $(size_of "$1")))
  else
    truncate -s "$good" -- "$1"
    report tail_cut "$(basename "$1")" $((size - good))
  fi
  sync -- "$1"
}

# skip_damage FILE GOOD NEXT: rewrites FILE as its first GOOD bytes and every readable stretch from
# NEXT on. Fails, leaving FILE as it is, when that gains nothing or the card is full.
skip_damage() {
  local next=$3 good size saved_size skips=0
  local saved="$data/temp-heal-saved.aof" rest="$data/temp-heal-rest.aof"
  size=$(size_of "$1")
  head -c "$2" -- "$1" >"$saved" || return 1
  while [[ -n $next ]] && ((skips++ < MAX_SKIPS)); do
    tail -c "+$((next + 1))" -- "$1" >"$rest" || break
    good=$(good_bytes "$rest")
    stop_if_check_killed "$1"
    head -c "$good" -- "$rest" >>"$saved" || break
    ((next + good < size)) || break
    next=$(next_command "$1" $((next + good)))
  done
  rm -f -- "$rest"
  saved_size=$(size_of "$saved")
  good=$(good_bytes "$saved")
  stop_if_check_killed "$1"
  if ((saved_size > $2 && good == saved_size)); then
    sync -- "$saved"
    mv -- "$saved" "$1"
  else
    rm -f -- "$saved"
    return 1
  fi
}

# heal_base FILE: a base file is an RDB image, all or nothing. Fails when it was set aside.
heal_base() {
  local size good=0
  size=$(size_of "$1")
  if [[ $1 != *.aof ]] && ((size > 0)); then
    good=$(good_bytes "$1")
    stop_if_check_killed "$1"
  fi
  if [[ $1 == *.aof ]] || ((good > 0)); then
    salvage "$1"
  else
    set_aside "$1"
    report base_lost "$(basename "$1")" "$size"
    return 1
  fi
}

# manifest_names TYPES: the files of these types (b base, i increment) that the manifest names.
manifest_names() { sed -n "s/^file \([^ ]*\) seq [0-9]* type [$1].*/\1/p" "$aof/$NAME.manifest"; }

# Whether each line of the manifest is one that Redis wrote, and every file it names is there.
manifest_sound() {
  local name line='^file [A-Za-z0-9._-]+ seq [0-9]+ type [bhi]( [ -~]*)?$'
  [[ -f $aof/$NAME.manifest && -s $aof/$NAME.manifest ]] || return 1
  LC_ALL=C grep -qavE "$line" "$aof/$NAME.manifest" && return 1
  [[ $(tail -c 1 -- "$aof/$NAME.manifest" | wc -l) == 1 ]] || return 1
  for name in $(manifest_names bi); do
    [[ -f $aof/$name ]] || return 1
  done
}

# numbered KIND: the files of that kind (base, incr) in the folder, by their numbers, oldest first.
numbered() {
  (cd "$aof" && printf '%s\n' "$NAME".[0-9]*."$1".*) | grep . | sort -t. -k3,3n
}

manifest_line() {
  local rest=${1#"$NAME".}
  printf 'file %s seq %s type %s\n' "$1" "${rest%%.*}" "$2"
}

# Writes a manifest for what stands in the folder: the newest base file that can be read, then every
# file of commands. Commands older than the base do no harm: Redis refuses stream ids it already
# had, and the last value of a string or hash field stays the last.
rebuild_manifest() {
  local name base='' fresh="$aof/temp-heal.manifest"
  for name in $(numbered base | tac); do
    [[ -z $base ]] && heal_base "$aof/$name" && base=$name
  done
  {
    [[ -z $base ]] || manifest_line "$base" b
    for name in $(numbered incr); do manifest_line "$name" i; done
  } >"$fresh"
  for name in $(numbered incr); do salvage "$aof/$name"; done
  [[ ! -e $aof/$NAME.manifest ]] || set_aside "$aof/$NAME.manifest"
  if [[ -s $fresh ]]; then
    sync -- "$fresh"
    mv -- "$fresh" "$aof/$NAME.manifest"
  fi
  sync -- "$aof"
  report manifest_rebuilt "$NAME.manifest" 0
}

heal_folder() {
  local name sound=1
  if [[ ! -e $aof/$NAME.manifest && -z $(numbered base)$(numbered incr) ]]; then
    return 0 # Nothing yet: Redis begins.
  fi
  manifest_sound || sound=0
  if ((sound)); then
    for name in $(manifest_names b); do heal_base "$aof/$name" || sound=0; done
  fi
  if ((sound)); then
    for name in $(manifest_names i); do salvage "$aof/$name"; done
  else
    rebuild_manifest
  fi
}

# What an interrupted rewrite leaves behind. It holds nothing that the AOF does not hold, unless the
# AOF was damaged.
clear_temporary() {
  local files
  mapfile -t files < <(find "$data" -maxdepth 2 -not -path '*/quarantine/*' \( \
    -name 'temp-rewriteaof-*.aof' -o -name 'temp-[0-9]*.rdb' -o -name 'temp-heal*' \
    -o -name "temp_$NAME.manifest" \) 2>/dev/null)
  ((${#files[@]})) || return 0
  if [[ -n $quarantine_dir ]]; then set_aside "${files[@]}"; else rm -f -- "${files[@]}"; fi
  log info temporary_files_cleared count "${#files[@]}"
}

if ! checker_works; then
  stop_if_check_killed "$checker/sample"
  log error checker_fails output "$(check_output "$checker/sample" | tail -n 1)"
  exit 1
fi
if [[ -e $aof && ! -d $aof ]]; then
  set_aside "$aof"
  report set_aside "$(basename "$aof")" 0
fi
[[ ! -d $aof ]] || heal_folder
# The single file of Redis 6, which Redis takes over at its first start.
[[ ! -f $data/$NAME ]] || salvage "$data/$NAME"
[[ -z ${2-} ]] || rescue "$2"
clear_temporary
