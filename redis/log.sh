# shellcheck shell=bash
# Log lines of the redis container's own scripts: one JSON object per line on stdout, the same first
# members as every service writes. To be sourced.

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
