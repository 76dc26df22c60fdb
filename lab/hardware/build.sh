#!/usr/bin/env bash
# Makes what the hardware VM consists of, once, in $HARDWARE_LAB_CACHE (default
# ~/.cache/holdfast-hardware-lab): Debian's kernel with the few modules needed, labgpio.ko built
# against its headers, busybox, and the tools of package gpiod. Kernel, headers, busybox and gpiod
# are downloaded and unpacked, never installed; QEMU and a compiler are installed where missing.
#
# Ends with 75 and one line on stderr where this machine cannot have the VM.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${HARDWARE_LAB_CACHE:-$HOME/.cache/holdfast-hardware-lab}
PATH=$PATH:/usr/sbin:/sbin
log() { echo "hardware lab: $*" >&2; }
cannot() {
  log "$*"
  exit 75
}

# shellcheck source=/dev/null
codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") || codename=
[ "$(uname -m)" = x86_64 ] || cannot "needs an x86-64 machine"
[ "$codename" = bookworm ] || cannot "needs Debian 12 (bookworm), whose kernel 6.1 it runs"
[ "$(id -u)" -eq 0 ] || cannot "needs root: the VM reads this machine's files as they are"
command -v apt-get >/dev/null || cannot "needs apt-get"

mkdir -p "$cache"
exec 9>"$cache/.lock"
flock 9
stamp=$(cat "$here/build.sh" "$here/guest/init" "$here"/labgpio/* | sha256sum | cut -c1-16)
if [ "$(cat "$cache/stamp" 2>/dev/null)" = "$stamp" ] && command -v qemu-system-x86_64 >/dev/null; then
  exit 0
fi

declare -A packages=([qemu-system-x86_64]=qemu-system-x86 [gcc-12]=gcc-12 [make]=make [depmod]=kmod
  [xz]=xz-utils [gzip]=gzip)
missing=()
for tool in "${!packages[@]}"; do
  command -v "$tool" >/dev/null || missing+=("${packages[$tool]}")
done
for library in libelf1 libssl3; do
  dpkg -s "$library" >/dev/null 2>&1 || missing+=("$library")
done
[ -e /usr/share/seabios/bios-256k.bin ] || missing+=(seabios)
# The lists of an image built last week name files that are no longer there.
apt-get -qq update >/dev/null 2>&1 || log "apt-get update failed; going on with the lists there are"
if [ ${#missing[@]} -gt 0 ]; then
  log "installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "${missing[@]}" \
    >/dev/null || cannot "${missing[*]} cannot be installed"
fi

# The newest 6.1 kernel of the archive, with exactly its headers.
dependency() {
  apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n 's/^Depends: //p' | tr , '\n' |
    sed 's/^ *//; s/ *(.*//' | grep -m1 -E "$2" || cannot "apt knows no $1 that needs $2"
}
image=$(dependency linux-image-amd64 '^linux-image-6\.1')
version=${image#linux-image-}
compiler=$(dependency "linux-headers-$version" '^linux-compiler')
debs=$cache/debs
rm -rf "$debs"
mkdir -p "$debs"
log "downloading kernel $version and its headers, busybox, gpiod"
(cd "$debs" && apt-get -qq -o APT::Sandbox::User=root download "$image" "linux-headers-$version" \
  "linux-headers-${version%-amd64}-common" linux-kbuild-6.1 "$compiler" busybox-static gpiod \
  libgpiod2) || cannot "the packages cannot be downloaded"

work=$cache/work
rm -rf "$work"
mkdir -p "$work"/{headers,image,busybox}
for deb in "$debs"/linux-headers-* "$debs"/linux-kbuild-* "$debs"/linux-compiler-*; do
  dpkg -x "$deb" "$work/headers"
done
dpkg -x "$debs"/linux-image-*.deb "$work/image"
dpkg -x "$debs"/busybox-static*.deb "$work/busybox"
rm -rf "$cache/gpiod"
for deb in "$debs"/gpiod_*.deb "$debs"/libgpiod2_*.deb; do dpkg -x "$deb" "$cache/gpiod"; done

headers=$work/headers/usr/src/linux-headers-$version
sed -i "s#include /usr/src#include $work/headers/usr/src#" "$headers/Makefile"
cp -r "$here/labgpio" "$work/labgpio"
if ! make -s -C "$headers" M="$work/labgpio" modules >"$work/labgpio.log" 2>&1; then
  cat "$work/labgpio.log" >&2
  exit 1
fi

# modules_for TREE NAME...: the files of these modules and of those they depend on, in this order.
modules_for() {
  local tree=$1 name
  shift
  for name in "$@"; do
    modprobe -d "$tree" -S "$version" --show-depends "$name" 2>/dev/null || true
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}
depmod -b "$work/image" "$version"
kernel=lib/modules/$version
modules=$cache/modules/$kernel
rm -rf "$cache/modules"
mkdir -p "$modules/extra"
modules_for "$work/image" virtio_pci virtio_console 9pnet_virtio 9p overlay i2c-dev i2c-tiny-usb \
  vhci-hcd usbip-core | while read -r file; do
  install -D -m644 "$file" "$modules/${file#"$work/image/$kernel/"}"
done
cp "$work/image/$kernel"/modules.{builtin,order,builtin.modinfo} "$modules/"
strip --strip-debug -o "$modules/extra/labgpio.ko" "$work/labgpio/labgpio.ko"
depmod -b "$cache/modules" "$version"

install -m755 "$work/busybox/bin/busybox" "$cache/busybox"
cp "$work/image/boot/vmlinuz-$version" "$cache/vmlinuz"
root=$work/initramfs
mkdir -p "$root"/{bin,dev,proc,sys,mnt,modules}
install -m755 "$cache/busybox" "$root/bin/busybox"
install -m755 "$here/guest/init" "$root/init"
modules_for "$cache/modules" virtio_pci virtio_console 9pnet_virtio 9p overlay |
  while read -r file; do
    cp "$file" "$root/modules/"
    echo "/modules/$(basename "$file")"
  done >"$root/load-these"
(cd "$root" && find . | "$cache/busybox" cpio -o -H newc 2>/dev/null | gzip -1) \
  >"$cache/initramfs.gz"
echo "$version" >"$cache/kernel-version"
rm -rf "$work" "$debs"
echo "$stamp" >"$cache/stamp"
log "ready: $(du -sh "$cache" | cut -f1) in $cache"
