# shellcheck shell=bash
# What the redis container's own scripts share. To be sourced.
#
# Log lines: one JSON object per line on stdout, the same first members as every service writes.

# json_string TEXT: TEXT as a JSON string. Control characters become spaces: what is logged here are
# file names and messages of Redis' own tools.
json_string() {
  local text=${1//[[:cntrl:]]/ }
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# log LEVEL EVENT [NAME VALUE]...: whole numbers are written as numbers.
log() {
  local line
  line="{\"time\":\"$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)\",\"level\":\"$1\",\"service\":\"redis\""
  line+=",\"event\":$(json_string "$2")"
  shift 2
  while (($# >= 2)); do
    line+=",$(json_string "$1"):"
    if [[ $2 =~ ^(0|[1-9][0-9]{0,14})$ ]]; then line+=$2; else line+=$(json_string "$2"); fi
    shift 2
  done
  printf '%s}\n' "$line"
}

# killed EXIT_STATUS: whether that of a program that was killed from outside, which says nothing about
# what it worked on. 137 is SIGKILL: the kernel, when the container or the machine is out of memory.
# The signals left out are those of faults of its own.
killed() {
  (($1 > 128)) && [[ ! $(kill -l "$1" 2>/dev/null) =~ ^(ILL|ABRT|BUS|FPE|SEGV)?$ ]]
}
