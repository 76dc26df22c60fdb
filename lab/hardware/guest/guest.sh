# Process 1 of the VM once the root is in place. run-vm.sh puts `version`, `cache` and `gpio` before it.
B=$cache/busybox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
$B mkdir -p /dev/shm /dev/pts
$B mount -t tmpfs -o mode=1777 shm /dev/shm
$B mount -t devpts devpts /dev/pts
$B mount -t tmpfs run /run
$B ln -sf /proc/self/fd /dev/fd
$B ln -sf /proc/self/fd/0 /dev/stdin
$B ln -sf /proc/self/fd/1 /dev/stdout
$B ln -sf /proc/self/fd/2 /dev/stderr
$B hostname hardware-lab
$B ip link set lo up
$B mkdir -p /lib/modules
$B ln -sfn "$cache/modules/lib/modules/$version" "/lib/modules/$version"
$B cp -a "$cache/gpiod/usr/." /usr/
for module in i2c-dev i2c-tiny-usb vhci-hcd; do $B modprobe "$module"; done
[ -z "$gpio" ] || $B modprobe labgpio $gpio
for port in /sys/class/virtio-ports/*; do
  [ "$($B cat "$port/name")" = out ] && out=/dev/${port##*/}
done
/bin/sh /.job/command.sh </dev/null >"$out" 2>&1
echo $? >/.job/status.new
$B mv /.job/status.new /.job/status
$B sync
$B poweroff -f
