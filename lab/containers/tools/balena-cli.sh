#!/usr/bin/env bash
# Installs the balena CLI from npm in a folder of its own, with the Node it asks for, and prints the
# folder: FOLDER/balena is the command, FOLDER/cli/node_modules has balena's libraries.
#
# No install script of its 1,100 packages is run: they fetch from outside the registry, or compile what
# is not needed here. One is then missed: the program of the compose parser. It is fetched where that
# is possible; elsewhere ours stands in for it (../parser), and that is said.
set -euo pipefail
version=25.2.6
here=$(dirname "$(readlink -f "$0")")
folder=${HOLDFAST_CACHE:-$HOME/.cache/holdfast}/balena-cli-$version
cli=$folder/cli
export PATH=$folder/node/bin:$PATH

install_node() {
  local arch
  arch=$(node -p process.arch)
  mkdir -p "$folder/node/bin"
  cd "$folder/node"
  echo '{"private":true}' >package.json
  npm install --silent --ignore-scripts --no-audit --no-fund "node-linux-$arch@24" npm@11
  ln -sf "../node_modules/node-linux-$arch/bin/node" bin/node
  ln -sf ../node_modules/npm/bin/npm-cli.js bin/npm
}

install_cli() {
  mkdir -p "$cli"
  cd "$cli"
  # Overrides: versions that the registry has, for two packages that no command of ours uses.
  cat >package.json <<JSON
{
  "private": true,
  "dependencies": { "balena-cli": "$version" },
  "overrides": { "unbzip2-stream": "1.4.3", "balena-preload": "18.0.5" }
}
JSON
  npm install --silent --ignore-scripts --no-audit --no-fund
}

install_parser() {
  local package=$cli/node_modules/@balena/compose-parser
  local program=$package/bin/balena-compose-parser
  # What an install script would have done; it does not tell by its exit code whether it could.
  [ -e "$program" ] || (cd "$package" && timeout 60 node scripts/fetch-binary.js) >/dev/null 2>&1 || true
  [ ! -e "$program" ] || grep -q '^# stand-in' "$program" || return 0
  mkdir -p "$package/bin"
  # A stand-in, because the package's own program cannot be fetched here.
  printf '#!/bin/sh\n# stand-in\nexec "%s/node/bin/node" "%s/parser/main.ts" "$@"\n' "$folder" "${here%/*}" >"$program"
  chmod +x "$program"
}

{
  [ -x "$folder/node/bin/node" ] || (install_node)
  if [ "$(cat "$folder/done" 2>/dev/null)" != "$version" ]; then
    (install_cli)
    echo "$version" >"$folder/done"
  fi
  install_parser
  cat >"$folder/balena" <<SH
#!/bin/sh
export PATH="$folder/node/bin:\$PATH" BALENARC_DATA_DIRECTORY="$folder/data"
export BALENARC_NO_ANALYTICS=1 BALENARC_NO_SENTRY=1
exec node "$cli/node_modules/balena-cli/bin/run.js" "\$@"
SH
  chmod +x "$folder/balena"
} >&2
echo "$folder"
