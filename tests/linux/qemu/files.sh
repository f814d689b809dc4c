#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What Debian's QEMU needs in an initramfs, as dest=source for tests/linux/initramfs.sh: of its two builds the small one, for
# microvm machines, its shared libraries, the firmware of that machine and the option ROM that starts a PVH kernel.
set -euo pipefail

QEMU=/usr/bin/qemu-system-x86_64-microvm
FIRMWARE=/usr/share/qemu

libraries=$(ldd "$QEMU" | grep -o '/[^ ]*')
for library in $libraries; do
	echo "${library#/}=$library"
done
echo "bin/=$QEMU"
# QEMU looks for it beside the folder that it was started from.
for file in bios-microvm.bin pvh.bin; do
	echo "share/qemu/=$FIRMWARE/$file"
done
