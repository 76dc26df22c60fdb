#!/bin/sh
# Health check of a Node service: healthy means that its event loop turns and that Redis has answered
# it within the last minute. The service leaves a sign of life there every 10 s (kit/src/health.ts): the
# time since boot in seconds, and `ok` or what is wrong.
#
# No engine restarts an unhealthy container. A service that has said nothing for three minutes hangs,
# and nothing else would ever end it: it is killed, and `restart: always` brings it back. That needs
# `init: true` in the compose file, because a PID 1 cannot be killed from inside.
alive=/run/holdfast/alive
unhealthy_s=60
hung_s=180

if ! read -r since state <"$alive" 2>/dev/null; then
  echo 'no sign of life yet'
  exit 1
fi
read -r uptime _ </proc/uptime
silent=$((${uptime%.*} - ${since%.*}))
if [ "$silent" -gt "$hung_s" ]; then
  echo "silent for $silent s: killed"
  kill -9 -1
fi
if [ "$silent" -gt "$unhealthy_s" ]; then
  echo "silent for $silent s"
  exit 1
fi
echo "$state"
[ "$state" = ok ]
