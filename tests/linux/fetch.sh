#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Get Debian's kernel and a static busybox by apt, unpacked and not installed: fetch.sh <folder>.
# Leaves there: bzImage, config, modules/ with KVM, busybox.
set -euo pipefail

# shellcheck source=tests/run/apt.sh
. "$(dirname "$0")/../run/apt.sh"

FOLDER=$1
KERNEL_META=linux-image-amd64

fail() {
	printf 'linux: %s\n' "$1" >&2
	exit 1
}

# The package of the kernel itself; empty where apt knows none.
kernel_package() {
	apt-cache depends "$KERNEL_META" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1
}

# unpack <package>: download it, and put its files into $FOLDER/tree.
unpack() {
	echo "linux: downloading $1"
	(cd "$FOLDER" && apt-get download "$1") >>"$APT_LOG" 2>&1 ||
		fail "apt-get download $1 failed (no network?), see $APT_LOG"
	dpkg-deb -x "$FOLDER/$1"_*.deb "$FOLDER/tree"
	rm -f "$FOLDER/$1"_*.deb
}

command -v apt-get >/dev/null || fail "this is not a Debian system: the kernel comes by apt-get"
mkdir -p "$FOLDER" "${APT_LOG%/*}"
rm -rf "$FOLDER/tree"
[ -n "$(kernel_package)" ] || apt_as_root "no package lists" update
kernel=$(kernel_package)
[ -n "$kernel" ] || fail "apt knows no package $KERNEL_META"
unpack "$kernel"
unpack busybox-static
version=${kernel#linux-image-}
mv -f "$FOLDER/tree/boot/config-$version" "$FOLDER/config"
mkdir -p "$FOLDER/modules"
for module in virt/lib/irqbypass arch/x86/kvm/kvm arch/x86/kvm/kvm-intel; do
	mv -f "$FOLDER/tree/lib/modules/$version/kernel/$module.ko" "$FOLDER/modules"
done
mv -f "$FOLDER/tree/bin/busybox" "$FOLDER/busybox"
mv -f "$FOLDER/tree/boot/vmlinuz-$version" "$FOLDER/bzImage" # last: make looks at it
touch "$FOLDER/busybox" "$FOLDER/bzImage"
rm -rf "$FOLDER/tree"
