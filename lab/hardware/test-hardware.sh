#!/usr/bin/env bash
# Runs the tests of the hardware VM; the services must have been bundled. Ends with 0 and says why
# where this machine cannot have the VM.
#   HARDWARE_TESTS=sensor,onoff   only these groups (test/vm/main.ts)
#   SOAK_SECONDS=300               unplugging at random for so long
#   SOAK_SEED=1                    another sequence
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
status=0
"$here/build.sh" || status=$?
if [ "$status" -eq 75 ]; then
  echo "hardware tests skipped: this machine cannot have the virtual machine, see the line above"
  exit 0
fi
[ "$status" -eq 0 ] || exit "$status"
node "$here/bundle.mjs"
cd "$here"
exec ./run-vm.sh --time-limit $((${HARDWARE_TIME_LIMIT_SECONDS:-900} + ${SOAK_SECONDS:-0} * 2)) \
  --pass HARDWARE_TESTS --pass SOAK_SECONDS --pass SOAK_SEED -- \
  node --enable-source-maps --test-reporter=spec dist/tests.js
