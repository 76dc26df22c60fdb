#!/usr/bin/env bash
# Runs the unit, contract and integration tests of the services on the other supported Node versions.
# The Node binaries come from the npm registry (packages node-linux-<arch>), kept in a cache folder.
# Native modules are those built for the present Node: what needs them is skipped by its own tests.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${HOLDFAST_CACHE:-$HOME/.cache/holdfast}/node
arch=$(node -p process.arch)

for version in "$@"; do
  dir=$cache/$version
  if [ ! -x "$dir/bin/node" ]; then
    mkdir -p "$dir"
    archive=$(cd "$dir" && npm pack "node-linux-$arch@$version" --silent | tail -n 1)
    tar -xzf "$dir/$archive" -C "$dir" --strip-components=1
    rm "$dir/$archive"
  fi
  echo "== $("$dir/bin/node" --version)"
  # shellcheck disable=SC2046 # a list of files
  PATH=$dir/bin:$PATH node --import tsx --test --test-reporter=dot \
    $(ls ./*/test/unit/*.test.ts redis/client/test/unit/*.test.ts sensor/test/integration/*.test.ts \
      startstopbutton/test/integration/*.test.ts mqtthandler/test/integration/*.test.ts \
       provisioner/test/integration/*.test.ts grafana/api/test/unit/*.test.ts \
       grafana/api/test/integration/{routes,service}.test.ts)
done
