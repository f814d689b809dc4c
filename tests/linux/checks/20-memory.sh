# shellcheck shell=sh source=tests/linux/checks/lib.sh
# SPDX-License-Identifier: MIT
# Expect: Linux' System RAM is what the memory map told it, and files in memory keep their checksum.
. /checks/lib.sh

COPIES='1 2 3 4'

# The bytes of ranges "first last", in hexadecimal, inclusive.
sum() {
	total=0
	while read -r first last; do
		total=$((total + 0x$last - 0x$first + 1))
	done
	echo "$total"
}

ram=$(sed -n 's/^\([0-9a-f]*\)-\([0-9a-f]*\) : System RAM$/\1 \2/p' /proc/iomem | sum)
map=$(grep -lx 'System RAM' /sys/firmware/memmap/*/type | while read -r type; do
	entry=${type%/type}
	echo "$(sed s/^0x// "$entry/start") $(sed s/^0x// "$entry/end")"
done | sum)
echo "System RAM: $ram bytes, by the memory map $map; $(grep MemFree /proc/meminfo)"
# Linux keeps the first page to itself.
expect 'System RAM' "$ram" $((map - 4096))
wanted=$(md5sum </bin/busybox)
echo "checksum of $(wc -c </bin/busybox) bytes: ${wanted%% *}"
for copy in $COPIES; do
	cat /bin/busybox >"/tmp/copy$copy"
done
for copy in $COPIES; do
	expect "checksum of copy $copy" "$(md5sum <"/tmp/copy$copy")" "$wanted"
	rm "/tmp/copy$copy"
done
