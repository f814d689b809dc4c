#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Make the initramfs: initramfs.sh <archive> <busybox> <program ...>, with init and checks/ from beside this file, and the
# modules from beside busybox.
set -euo pipefail

HERE=$(dirname "$0")
archive=$1 busybox=$2
shift 2

tree=$(mktemp -d "$archive.XXXXXX")
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{bin,checks,dev,modules,proc,sys,tmp}
install -m 755 "$HERE/init" "$tree/init"
install -m 644 "$HERE"/checks/* "$tree/checks"
install -m 644 "$(dirname "$busybox")"/modules/* "$tree/modules"
install -m 755 "$busybox" "$tree/bin/busybox"
for program in "$@"; do
	install -m 755 -s "$program" "$tree/bin"
done
(cd "$tree" && find . | LC_ALL=C sort | bin/busybox cpio -o -H newc 2>/dev/null) >"$archive.part"
mv "$archive.part" "$archive"
