#!/usr/bin/env bash
# Finds redis-server and mosquitto; installs what is missing where that is possible without asking
# (root on Debian or Ubuntu), else prints the line to run and ends with 1.
set -euo pipefail
PATH=$PATH:/usr/sbin:/usr/local/sbin

# The access rules of the redis container need selectors, which came with Redis 7.0.
require_redis_7() {
  local version
  version=$(redis-server --version)
  [[ $version =~ v=([0-9]+)\. ]] && [ "${BASH_REMATCH[1]}" -ge 7 ] && return
  echo "redis-server 7.0 or newer is needed; found: $version. Install a newer one and run this again." >&2
  exit 1
}

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v mosquitto >/dev/null || missing+=(mosquitto)
if [ ${#missing[@]} -eq 0 ]; then
  require_redis_7
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "Missing: ${missing[*]}. Install them with your system's package manager and run this again." >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "Missing: ${missing[*]}. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

echo "Installing ${missing[*]} (Debian packages)"
export DEBIAN_FRONTEND=noninteractive
# Debian starts a new server at once; we only want the program.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
require_redis_7
