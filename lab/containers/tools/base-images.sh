#!/usr/bin/env bash
# The public images that our Dockerfiles begin with. Where no image registry can be reached, local
# stand-ins of the same names are built from Debian and npm packages, so that every Dockerfile builds
# with nothing pulled. An image that is there is kept, a stand-in only while its recipe is the same.
#
#   base-images.sh [IMAGE...]      default: all below
#
# What differs in a stand-in: redis and mosquitto are Debian's, 7.0 and 2.0.11; all carry
# the certificate authorities of this machine, since package registries may be behind a proxy.
set -euo pipefail
suite=bookworm
node=24.21.0
npm_major=11
cache=${HOLDFAST_CACHE:-$HOME/.cache/holdfast}/base-images
label=holdfast.stand-in
images=("node:$node-$suite-slim" "redis:7.2.16-$suite" eclipse-mosquitto:2.0.22)
[ $# -eq 0 ] || images=("$@")
export DOCKER_BUILDKIT=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache"

fail() {
  echo "base-images: $*" >&2
  exit 1
}

# quiet COMMAND...: its output only when it fails.
quiet() {
  "$@" >"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    return 1
  }
}

label_of() { docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null; }

# recipe FUNCTION: changes when the recipe does, or what it stands on.
recipe() {
  { declare -f "$1" && echo "$suite $node $npm_major" &&
    { [ "$1" = make_debian ] || docker image inspect -f '{{.Id}}' "debian:$suite-slim"; }; } |
    sha256sum | cut -c1-16
}

# build TAG FUNCTION FOLDER
build() {
  quiet docker build --force-rm --label "$label=$(recipe "$2")" -t "$1" "$3" || fail "build of $1 failed"
}

make_debian() {
  command -v mmdebstrap >/dev/null ||
    quiet apt-get install -y -qq --no-install-recommends mmdebstrap || fail 'mmdebstrap is missing'
  local sources=/etc/apt/sources.list.d/debian.sources bundle=/etc/ssl/certs/ca-certificates.crt
  [ -f "$sources" ] || sources=/etc/apt/sources.list
  # How this machine reaches its mirror; and, as in the public image, no caches in the layers.
  {
    apt-config dump | grep -E '^Acquire::(Check-|https?::|.*[Pp]roxy)' || true
    echo 'APT::Install-Recommends "false"; Acquire::Languages "none";'
    echo 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";'
    echo 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };'
  } >"$work/apt.conf"
  # shellcheck disable=SC2016 # $1 is mmdebstrap's
  quiet mmdebstrap --quiet --variant=minbase --include=ca-certificates --aptopt="$work/apt.conf" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --customize-hook="cp $work/apt.conf \"\$1\"/etc/apt/apt.conf.d/99machine" \
    --customize-hook="cat $bundle > \"\$1\"$bundle" \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*' \
    "$suite" "$work/root.tar" "$sources" || fail 'mmdebstrap failed'
  docker import --change 'CMD ["bash"]' --change "LABEL $label=$(recipe make_debian)" \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change "ENV SSL_CERT_FILE=$bundle NODE_EXTRA_CA_CERTS=$bundle" \
    "$work/root.tar" "$1" >/dev/null
  rm "$work/root.tar"
}

# archive_of PACKAGE VERSION: the newest of that version; the path of its archive, from the npm registry or from the cache.
archive_of() {
  local version archive
  version=$(npm view "$1@$2" version --json 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | sort -V | tail -n 1)
  [ -n "$version" ] || fail "the npm registry has no $1@$2"
  archive=$cache/$1-$version.tgz
  [ -s "$archive" ] || quiet npm pack --pack-destination "$cache" "$1@$version" || fail "npm pack $1 failed"
  echo "$archive"
}

make_node() {
  local root=$work/node/usr-local archive
  mkdir -p "$root/lib/node_modules/npm"
  archive=$(archive_of "node-linux-$(node -p process.arch)" "$node")
  tar -xzf "$archive" -C "$root" --strip-components=1 package/bin package/include
  tar -xzf "$(archive_of npm "$npm_major")" -C "$root/lib/node_modules/npm" --strip-components=1
  strip --strip-unneeded "$root/bin/node" 2>/dev/null || true
  chmod 755 "$root/bin/node"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/bin/npx"
  cat >"$root/bin/docker-entrypoint.sh" <<'ENTRYPOINT'
#!/bin/sh
set -e
# An option, or a word that is no command, is meant for node.
if [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null 2>&1; then set -- node "$@"; fi
exec "$@"
ENTRYPOINT
  chmod 755 "$root/bin/docker-entrypoint.sh"
  cat >"$work/node/Dockerfile" <<DOCKERFILE
FROM debian:$suite-slim
RUN apt-get update && apt-get install -y libatomic1 libstdc++6 && rm -rf /var/lib/apt/lists/* \\
  && groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node
COPY usr-local/ /usr/local/
RUN node --version && npm --version
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
DOCKERFILE
  build "$1" make_node "$work/node"
}

make_redis() {
  mkdir -p "$work/redis"
  cat >"$work/redis/Dockerfile" <<DOCKERFILE
FROM debian:$suite-slim
RUN groupadd -r -g 999 redis && useradd -r -u 999 -g redis redis \\
  && apt-get update && apt-get install -y redis-server && rm -rf /var/lib/apt/lists/* /etc/redis \\
  && mkdir /data && chown redis:redis /data
VOLUME /data
WORKDIR /data
EXPOSE 6379
CMD ["redis-server"]
DOCKERFILE
  build "$1" make_redis "$work/redis"
}

make_mosquitto() {
  mkdir -p "$work/mosquitto"
  cat >"$work/mosquitto/Dockerfile" <<DOCKERFILE
FROM debian:$suite-slim
RUN groupadd -r -g 1883 mosquitto && useradd -r -u 1883 -g mosquitto mosquitto \\
  && apt-get update && apt-get install -y mosquitto mosquitto-clients \\
  && rm -rf /var/lib/apt/lists/* /etc/mosquitto \\
  && mkdir -p /mosquitto/config /mosquitto/data && chown -R mosquitto:mosquitto /mosquitto
VOLUME /mosquitto/data
EXPOSE 1883
CMD ["mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
DOCKERFILE
  build "$1" make_mosquitto "$work/mosquitto"
}

# stand_in TAG FUNCTION: made unless it is there already.
stand_in() {
  local before=$SECONDS
  [ "$(label_of "$1")" != "$(recipe "$2")" ] || return 0
  "$2" "$1"
  echo "stand-in for $1: $(($(docker image inspect -f '{{.Size}}' "$1") / 1000000)) MB, $((SECONDS - before)) s"
}

# One attempt tells whether there is a registry. BASE_IMAGES=stand-ins does not try.
registry=yes
for image in "${images[@]}"; do
  if docker image inspect "$image" >/dev/null 2>&1 && [ -z "$(label_of "$image")" ]; then continue; fi
  if [ "${BASE_IMAGES:-}" != stand-ins ] && [ "$registry" = yes ]; then
    if timeout 300 docker pull -q "$image" >/dev/null 2>&1; then continue; fi
    registry=no
  fi
  stand_in "debian:$suite-slim" make_debian
  case $image in
    node:*) stand_in "$image" make_node ;;
    redis:*) stand_in "$image" make_redis ;;
    eclipse-mosquitto:*) stand_in "$image" make_mosquitto ;;
    *) fail "no image registry, and no stand-in for $image" ;;
  esac
done
