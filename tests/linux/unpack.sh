#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The ELF file in a bzImage, decompressed here: an emulated CPU takes minutes for that. unpack.sh <bzImage> <vmlinux>
# Source: Linux' Documentation/arch/x86/boot.rst, fields setup_sects, payload_offset and payload_length.
set -euo pipefail

image=$1 out=$2

fail() {
	printf 'linux: %s: %s\n' "$image" "$1" >&2
	exit 1
}

# field <offset> <bytes>: an unsigned number of the setup header.
field() {
	od -An -t "u$2" -j "$1" -N "$2" "$image" | tr -d ' '
}

# From the first bytes of the payload to what decompresses it. Behind the data stand 4 bytes with its size.
decompressor() {
	case $(od -An -t x1 -j "$start" -N 4 "$image" | tr -d ' ') in
	fd377a58) echo xz -dc --single-stream ;;
	28b52ffd) echo zstd -dcq ;;
	1f8b*) echo gzip -dcq ;;
	*) fail "its payload at byte $start is of no known compression (xz, zstd, gzip)" ;;
	esac
}

[ "$(field $((0x202)) 4)" = $((0x53726448)) ] || fail "no HdrS at 202h: this is no bzImage"
start=$((($(field $((0x1f1)) 1) + 1) * 512 + $(field $((0x248)) 4)))
length=$(field $((0x24c)) 4)
read -ra command <<<"$(decompressor)"
dd if="$image" bs=1M iflag=skip_bytes,count_bytes skip="$start" count=$((length - 4)) status=none |
	"${command[@]}" >"$out.part"
mv "$out.part" "$out"
