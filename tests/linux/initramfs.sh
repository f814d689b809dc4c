#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Make an initramfs: initramfs.sh <archive> <busybox> <dest=source ...>. A dest that ends in / is a folder; programs are
# stripped.
set -euo pipefail

archive=$1 busybox=$2
shift 2

tree=$(mktemp -d "$archive.XXXXXX")
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{bin,dev,proc,sys,tmp}
install -m 755 "$busybox" "$tree/bin/busybox"
for file in "$@"; do
	dest=$tree/${file%%=*} source=${file#*=}
	[[ $dest != */ ]] || dest=$dest${source##*/}
	mkdir -p "${dest%/*}"
	case $dest in
	"$tree"/bin/*) install -m 755 -s "$source" "$dest" ;;
	"$tree"/init | "$tree"/next | "$tree"/lib64/*) install -m 755 "$source" "$dest" ;;
	*) install -m 644 "$source" "$dest" ;;
	esac
done
(cd "$tree" && find . | LC_ALL=C sort | bin/busybox cpio -o -H newc 2>/dev/null) >"$archive.part"
mv "$archive.part" "$archive"
