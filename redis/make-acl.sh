#!/usr/bin/env bash
# One Redis user per service, with credentials made on this device, and the ACL file that says what
# each may do. Runs before each start: the file always fits this version of Redis and this table.
#
#   make-acl.sh CREDENTIALS_DIR ACL_FILE
#
# - CREDENTIALS_DIR/<user>/password holds the password in clear: 256 bits from the kernel's random
#   generator as 64 hexadecimal digits. Each of these folders is a volume that only this container
#   and the service of that name mount. The ACL file holds SHA-256 digests only (no salt is needed:
#   nobody can try out 2^256 passwords).
# - A good password is kept for ever; a missing or damaged one is made anew, and the service reads
#   it before its next attempt to connect.
# - A user whose password cannot be stored is left out; the others are not affected.
#
# How to read a rule (Redis ACL): everything is forbidden unless allowed. `+x` allows a command,
# `%R~k` reading and `%W~k` writing keys like k, `~k` both, `&c` subscribing to channels like c. Each
# pair of parentheses stands alone: its commands on its keys only. The keys are those of
# redis/client/src/keys.ts; a test goes through them one by one.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
credentials=${1:?usage: make-acl.sh CREDENTIALS_DIR ACL_FILE}
acl_file=${2:?usage: make-acl.sh CREDENTIALS_DIR ACL_FILE}
# shellcheck source-path=SCRIPTDIR source=log.sh
source "$here/log.sh"

# What every client needs to log in, to name itself and to see that Redis is there. INFO is how
# ioredis sees that loading is over, and where the sensor reads `run_id`.
connect='+auth +hello +ping +info +select +quit +client|setname'
if ! redis-server --version | grep -q 'v=7\.0\.'; then connect+=' +client|setinfo'; fi

# watch KEY_PATTERN...: being told at once when such a key changes.
watch() {
  printf '+subscribe +unsubscribe'
  printf ' &__keyspace@*__:%s' "$@"
}

# own_status SERVICE: every service writes events, and its status.
own_status() { printf '(+xadd %%W~events) (+hset +hdel +del ~%s:status)' "$1"; }

# Reading data of every type, never key names (KEYS, SCAN) and never the whole database.
read='+get +mget +exists +type +strlen +hget +hmget +hgetall +hlen'
read+=' +xlen +xrange +xrevrange +xread +xinfo|stream'
transaction='+multi +exec +discard +watch +unwatch'

# Appends readings by one script, which searches the newest entries and keeps the count; puts back
# in one transaction what a killed Redis has lost. Cannot take a reading away or move anybody's
# cursor. Reads which line the button is on.
rules_sensor() {
  echo "$(watch measurement:enabled measurement:interval)" \
    '+multi +exec' \
    '(+eval +evalsha ~measurement:values ~measurement:sequence)' \
    '(+xadd +xrevrange ~measurement:values) (+hmget +hset ~measurement:sequence)' \
    '(+get +mget %R~measurement:enabled %R~measurement:interval)' \
    '(+hget +hgetall %R~startstopbutton:status)' \
    "$(own_status sensor)"
}

# Toggles one flag or asks for provisioning: what is changed, the event and the presses already
# carried out change in one script, and a script must find all of its keys in one pair of
# parentheses. Reads what its LED shows, and which sensors are on the wires of its pin.
rules_startstopbutton() {
  echo "$(watch measurement:enabled)" \
    '(+eval +evalsha ~measurement:enabled ~events ~startstopbutton:status ~provisioning:request)' \
    '(+get +mget +set +del ~measurement:enabled) (+set %W~provisioning:request)' \
    '(+hget ~startstopbutton:status) (+hgetall %R~sensor:status %R~mqtthandler:status)' \
    "$(own_status startstopbutton)"
}

# Reads and trims the buffer, owns the cursors, carries out remote commands (the keys they may set),
# reports the status of the others, alone reads the hub's credentials. ECHO marks the end of ranges
# that are read as bytes.
rules_mqtthandler() {
  echo "$(watch 'measurement:*' 'mqtt_sender:*' 'hub_sender:*' 'hub:*' 'provisioning:*')" \
    "$transaction +echo" \
    "($read +memory|usage +xdel +xtrim +eval +evalsha" \
    '~measurement:values ~mqtt_sender:* ~hub_sender:*)' \
    "($read +set +del +xadd +hset +hdel ~mqtt_sender:* ~hub_sender:*" \
    '~measurement:enabled ~measurement:interval)' \
    "($read +set +del +xadd +xdel +hset +hdel ~commands:*)" \
    '(+set %W~provisioning:request)' \
    "($read %R~measurement:* %R~mqtt_sender:* %R~hub_sender:* %R~*:status" \
    '%R~hub:* %R~provisioning:*)' \
    "$(own_status mqtthandler)"
}

# Keeps its own state and writes what the mqtthandler needs to reach the hub; reads how that fared.
rules_provisioner() {
  echo "$(watch 'provisioning:*' 'hub:*' 'provisioner:*')" \
    "$transaction" \
    "($read +set +del +hset +hdel +expire +pexpire +persist +ttl +pttl +xadd +xdel +xtrim" \
    '+eval +evalsha ~provisioning:* ~hub:* ~provisioner:*)' \
    '(+hget +hmget +hgetall %R~hub_sender:link)' \
    "$(own_status provisioner)"
}

# Reads what a dashboard shows. Of `hub:*` only the assignment: the rest are the hub's credentials.
rules_grafana() {
  echo "($read +memory|usage %R~measurement:* %R~mqtt_sender:* %R~hub_sender:*" \
    '%R~events %R~*:status %R~provisioning:* %R~hub:assignment)'
}

# The button of the dashboard, used only with DASHBOARD_CONTROL=true: the one switch, not even read.
rules_dashboard() { echo '(+set %W~measurement:enabled)'; }

# A program of the user's own: stores readings, and may stop when measuring is switched off.
rules_program() {
  echo "$(watch measurement:enabled measurement:interval)" \
    '(+xadd %W~measurement:values)' \
    '(+get +mget %R~measurement:enabled %R~measurement:interval)'
}

# The health check of this container: PING.
rules_healthcheck() { :; }

# This container's own scripts, and a person who repairs something by hand.
rules_redis() { echo '+@all ~* &*'; }

# What is to be on the disk after a power cut is written beside, synced and renamed.
# store FILE MODE: stdin becomes the file.
store() {
  local fresh="$1.new"
  rm -f -- "$fresh"
  (umask 077 && cat >"$fresh") && chmod "$2" "$fresh" && sync -- "$fresh" &&
    mv -f -- "$fresh" "$1" && sync -- "$(dirname "$1")"
}

# password_of USER: prints the user's password, made now if there is no good one.
password_of() {
  local file="$credentials/$1/password" password=''
  [[ ! -f $file ]] || password=$(tr -d '\0\n' <"$file")
  if [[ ! $password =~ ^[0-9a-f]{64}$ ]]; then
    password=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')
    [[ $password =~ ^[0-9a-f]{64}$ ]] || return 1
    mkdir -p "$credentials/$1" || return 1
    store "$file" 0440 <<<"$password" || return 1
    log info credential_made user "$1" >&2
  fi
  printf '%s' "$password"
}

acl() {
  local user password digest
  # Nobody can be this user: it is off and has no password. It has every right nevertheless, because
  # Redis replays its log as this user, and checks the rights of whatever stands there as a
  # transaction, which includes scripts: without them all of these would be left out at the start.
  echo 'user default off resetpass ~* &* +@all'
  for user in redis healthcheck sensor startstopbutton mqtthandler provisioner grafana dashboard \
    program; do
    if ! password=$(password_of "$user"); then
      log error credential_failed user "$user" >&2
      continue
    fi
    digest=$(printf '%s' "$password" | sha256sum | cut -d' ' -f1)
    echo "user $user on #$digest resetchannels -@all $connect $("rules_$user")"
  done
}

rules=$(acl)
store "$acl_file" 0600 <<<"$rules"
