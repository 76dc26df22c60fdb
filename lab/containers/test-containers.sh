#!/usr/bin/env bash
# The container tests, complete: balena's parser, the whole stack under docker compose, `balena build`,
# live mode. One file after the other: they share the engine and its cache.
#
#   test-containers.sh [FILE...]      default: all below test/
#
# Runs wherever a Docker engine can be had (tools/engine.sh); says why when it does not.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=lab/containers

if [ "${1:-}" != --with-engine ]; then
  exec "$here/tools/engine.sh" "$here/test-containers.sh" --with-engine "$@"
fi
shift
files=("$@")
# What says most comes first, for runs with little time.
[ ${#files[@]} -gt 0 ] || files=("$here"/test/{parser,stack,sensor-entrypoint,livepush,balena-build}.test.ts)

"$here/tools/base-images.sh"
BALENA_CLI=$("$here/tools/balena-cli.sh")
export BALENA_CLI
parser=$BALENA_CLI/cli/node_modules/@balena/compose-parser/bin/balena-compose-parser
if grep -q '^# stand-in' "$parser"; then
  echo "The program of balena's compose parser cannot be fetched here: ours stands in for it, balena's own checks run on what it prints."
fi

EXCLUDED_SERVICES=''
grafana=$(sed -n 's/^FROM \(\S*\).*/\1/p' grafana/Dockerfile | head -n 1)
if ! docker image inspect "$grafana" >/dev/null 2>&1 && ! timeout 60 docker pull -q "$grafana" >/dev/null 2>&1; then
  EXCLUDED_SERVICES=grafana
  echo "Service grafana is left out: $grafana is neither in Debian nor in npm, and no image registry can be reached. Dashboards and entrypoint have tests of their own."
fi
export EXCLUDED_SERVICES

# A test file after the other, in this order (one call would sort them); --test-force-exit as in the Makefile.
status=0
for file in "${files[@]}"; do
  node --import tsx --test --test-force-exit --test-reporter=spec "$file" || status=1
done
exit "$status"
