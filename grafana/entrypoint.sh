#!/bin/sh
# Start of the grafana container: turns the three variables of README.md into Grafana's own settings,
# then becomes Grafana's start script (RUN_SCRIPT, for tests another one), so that Grafana gets
# SIGTERM. A setting that cannot be right ends with code 78 and one line on stderr.
set -eu

run_script=${RUN_SCRIPT:-/run.sh}
data=${GF_PATHS_DATA:-/var/lib/grafana}
umask 027

refuse() {
  echo "grafana: $1" >&2
  exit 78
}

# lower VALUE
lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }

password=${GRAFANA_ADMIN_PASSWORD-}
if [ -n "${GRAFANA_ADMIN_PASSWORD_FILE-}" ]; then
  [ -z "$password" ] || refuse 'GRAFANA_ADMIN_PASSWORD and GRAFANA_ADMIN_PASSWORD_FILE are both set, allowed: one of them'
  [ -r "$GRAFANA_ADMIN_PASSWORD_FILE" ] ||
    refuse "GRAFANA_ADMIN_PASSWORD_FILE is \"$GRAFANA_ADMIN_PASSWORD_FILE\", allowed: a file that uid $(id -u) may read"
  password=$(cat "$GRAFANA_ADMIN_PASSWORD_FILE")
  [ -n "$password" ] || refuse 'GRAFANA_ADMIN_PASSWORD_FILE names an empty file'
fi
unset GRAFANA_ADMIN_PASSWORD GRAFANA_ADMIN_PASSWORD_FILE

case $(lower "${GRAFANA_ANONYMOUS:-true}") in
  1 | true | yes | on) anonymous=true ;;
  0 | false | no | off) anonymous=false ;;
  *) refuse "GRAFANA_ANONYMOUS is \"$GRAFANA_ANONYMOUS\", allowed: true or false (also 1/0, yes/no, on/off)" ;;
esac

if [ -n "$password" ]; then
  # Grafana would replace ${NAME} and $__file{NAME} by something else, in the password too.
  # shellcheck disable=SC2016 # meant literally
  case $password in
    *'${'* | *'$__'*) refuse 'GRAFANA_ADMIN_PASSWORD is (hidden), allowed: no ${ and no $__ in it' ;;
    *[[:cntrl:]]*) refuse 'GRAFANA_ADMIN_PASSWORD is (hidden), allowed: one line of text' ;;
  esac
  [ "${#password}" -ge 12 ] ||
    refuse 'GRAFANA_ADMIN_PASSWORD is (hidden), allowed: at least 12 characters'
  export GF_SECURITY_ADMIN_PASSWORD="$password"
  export GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION=false
  export GF_AUTH_DISABLE_LOGIN_FORM=false
fi

if [ "$anonymous" = false ]; then
  [ -n "$password" ] ||
    refuse 'GRAFANA_ANONYMOUS is "false", allowed: only with GRAFANA_ADMIN_PASSWORD, or nobody could look'
  export GF_AUTH_ANONYMOUS_ENABLED=false
fi

# The data source prefixes every query with this address, and allows addresses that begin with it: with
# the slash at its end "http://grafana-api:8080@elsewhere/" is neither.
api=${GRAFANA_API_URL:-http://grafana-api:8080}
api=${api%/}/
host=${api#http://}
host=${host%/}
case $api in
  http://*) ;;
  *) host='' ;;
esac
case $host in
  '' | *[!A-Za-z0-9.:-]*) refuse "GRAFANA_API_URL is \"$GRAFANA_API_URL\", allowed: http://host:port" ;;
esac
export GRAFANA_API_URL="$api"
export GF_SECURITY_DATA_SOURCE_PROXY_WHITELIST="$host"

# The default key is in everybody's hands. It lives as long as the database it protects.
if [ -z "${GF_SECURITY_SECRET_KEY-}" ] && [ -z "${GF_SECURITY_SECRET_KEY__FILE-}" ]; then
  key_file=$data/holdfast-secret-key
  [ -s "$key_file" ] || (umask 077 && od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$key_file")
  GF_SECURITY_SECRET_KEY=$(cat "$key_file")
  export GF_SECURITY_SECRET_KEY
fi

exec "$run_script" "$@"
