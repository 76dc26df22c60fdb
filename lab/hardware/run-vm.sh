#!/usr/bin/env bash
# run-vm.sh [options] [--] COMMAND [ARGUMENT...]
# Runs COMMAND as root in a small virtual machine with a GPIO chip like a Pi's and a USB host
# controller for the modelled I2C bus. The VM sees this machine's files, read-only with a RAM overlay:
# what it writes is gone afterwards. stdout and stderr come back live; the exit status is COMMAND's,
# 124 after the time limit, 125 when the VM ended without one, 75 where there can be no VM.
#   --time-limit S    default 300
#   --memory MB       default 1024
#   --cpus N          default 1: QEMU translates, a second one only helps on an idle machine
#   --gpio ARGUMENTS  parameters of the module labgpio, e.g. 'label=pinctrl-rp1 base=571 ngpio=54'
#   --pass NAME       passes an environment variable on (may be repeated; NODE_* are always)
#   --console FILE    keeps the kernel's messages
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${HARDWARE_LAB_CACHE:-$HOME/.cache/holdfast-hardware-lab}
limit=300 memory=1024 cpus=1 gpio=count=2 console='' passed=()
while [ $# -gt 0 ]; do
  case $1 in
    --time-limit) limit=$2 ;;
    --memory) memory=$2 ;;
    --cpus) cpus=$2 ;;
    --gpio) gpio=$2 ;;
    --pass) passed+=("$2") ;;
    --console) console=$2 ;;
    --)
      shift
      break
      ;;
    -*)
      echo "run-vm.sh: unknown option $1" >&2
      exit 2
      ;;
    *) break ;;
  esac
  shift 2
done
if [ $# -eq 0 ]; then
  sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//' >&2
  exit 2
fi
"$here/build.sh"

job=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-vm.XXXXXX")
children=()
cleanup() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$job"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
quoted() { printf '%q ' "$@"; }
{
  echo "cd $(quoted "$PWD")"
  for name in PATH HOME CI "${passed[@]}" $(compgen -e | grep '^NODE_' || true); do
    [ -z "${!name+x}" ] || echo "export $name=$(quoted "${!name}")"
  done
  echo "exec $(quoted "$@")"
} >"$job/command.sh"
{
  echo "version=$(cat "$cache/kernel-version"); cache=$(quoted "$cache"); gpio=$(quoted "$gpio")"
  cat "$here/guest/guest.sh"
} >"$job/guest.sh"
share=security_model=none
arguments=(-M pc,accel=tcg,usb=off,vmport=off -cpu max -smp "$cpus" -m "$memory"
  -nodefaults -no-user-config -display none -no-reboot -nic none
  -kernel "$cache/vmlinuz" -initrd "$cache/initramfs.gz"
  -append "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr audit=0 apparmor=0 random.trust_cpu=on 8250.nr_uarts=1 i8042.nokbd i8042.noaux"
  -serial "file:$job/console"
  -device virtio-serial-pci
  -chardev "file,id=out,path=$job/out" -device virtserialport,chardev=out,name=out
  -fsdev "local,id=root,path=/,$share,readonly=on,multidevs=remap"
  -device virtio-9p-pci,fsdev=root,mount_tag=root
  -fsdev "local,id=job,path=$job,$share" -device virtio-9p-pci,fsdev=job,mount_tag=job)
mkfifo "$job/out"
cat "$job/out" &
output=$!
qemu-system-x86_64 "${arguments[@]}" </dev/null &
vm=$!
children=("$vm")
# Its sleep must not keep our output open after the VM has ended.
(
  sleep "$limit" >/dev/null 2>&1 &
  trap 'kill $! 2>/dev/null; exit' TERM
  wait $!
  : >"$job/too-late"
  kill "$vm" 2>/dev/null
) &
watchdog=$!
children+=("$watchdog")
wait "$vm" || true
kill "$watchdog" 2>/dev/null || true
wait "$watchdog" "$output" 2>/dev/null || true
children=()
[ -z "$console" ] || cp "$job/console" "$console"
if [ -e "$job/status" ]; then exit "$(cat "$job/status")"; fi
if [ -e "$job/too-late" ]; then
  echo "run-vm.sh: ended after $limit s" >&2
  exit 124
fi
echo "run-vm.sh: the VM ended without a result; its console:" >&2
tail -40 "$job/console" >&2
exit 125
