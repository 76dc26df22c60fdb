#!/bin/sh
# The container is privileged, the service is not: root hands the I2C buses to the user `node`, which
# then runs the service, without any capability and without a way to get one.
#
# Why here and not by the image's USER: the nodes of /dev belong to root, and which of them there are
# is known only on the device. A `devices:` entry in the compose file is no way either: a container
# with an entry that is missing on the board does not start at all.
set -eu
service_user=node

# The driver that makes /dev/i2c-*; boards whose image does not load it by itself have it as a module.
if [ ! -e /sys/class/i2c-dev ]; then modprobe i2c-dev 2>/dev/null || true; fi

for bus in /sys/class/i2c-dev/i2c-*; do
  [ -r "$bus/dev" ] || continue
  node=/dev/${bus##*/}
  # /dev shows what was there when the container was made; a bus found since has no node yet.
  if [ ! -e "$node" ]; then
    IFS=: read -r major minor <"$bus/dev"
    mknod -m 0600 "$node" c "$major" "$minor" || continue
  fi
  chown "$service_user" "$node" || true
done

exec setpriv --reuid "$service_user" --regid "$service_user" --clear-groups --no-new-privs -- "$@"
