#!/usr/bin/env bash
# Runs a command with a Docker engine: the one that answers already, or one started for it with all of
# its data in a folder of its own, and stopped behind it.
#
#   engine.sh COMMAND [ARGUMENT...]
#
# Root on Debian or Ubuntu: what is missing is installed by apt. Where no engine can be had it says why
# and ends with 0, unless CONTAINERS_REQUIRED is set. HOLDFAST_CACHE: where data is kept between runs.
set -euo pipefail
cache=${HOLDFAST_CACHE:-$HOME/.cache/holdfast}
state=$cache/engine
engine_pid=''
# The classic builder is the one balena's engine and live mode have.
export DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0 DOCKER_CLI_HINTS=false

give_up() {
  echo "Container tests skipped: $*." >&2
  [ -z "${CONTAINERS_REQUIRED:-}" ] || exit 1
  exit 0
}

answers() { timeout 20 docker version >/dev/null 2>&1; }

install_missing() {
  local missing=()
  command -v docker >/dev/null || missing+=(docker.io)
  command -v dockerd >/dev/null || missing+=(docker.io)
  docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || missing+=(docker-compose)
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || give_up "missing: ${missing[*]}"
  echo "Installing ${missing[*]} (Debian packages)"
  export DEBIAN_FRONTEND=noninteractive
  # Debian starts a new engine at once; this one is started below.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' RETURN
  fi
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" tini >/dev/null || give_up "apt-get install failed"
}

stop_engine() {
  [ -n "$engine_pid" ] || return 0
  kill "$engine_pid" 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 0.2
  done
  kill -9 "$engine_pid" 2>/dev/null || true
}

start_engine() {
  mkdir -p "$state"
  export DOCKER_HOST=unix://$state/docker.sock
  ! answers || return 0
  dockerd --data-root "$state/data" --exec-root "$state/exec" --pidfile "$state/pid" \
    --host "$DOCKER_HOST" >"$state/log" 2>&1 &
  engine_pid=$!
  trap stop_engine EXIT
  for _ in $(seq 100); do
    ! answers || return 0
    kill -0 "$engine_pid" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 5 "$state/log" >&2
  give_up "the Docker engine does not start here"
}

if ! answers; then
  [ "$(id -u)" -eq 0 ] || give_up "no Docker engine answers, and starting one needs root"
  install_missing
  start_engine
fi
"$@"
