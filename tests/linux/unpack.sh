#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The ELF file in a bzImage, decompressed here: an emulated CPU takes minutes for that. unpack.sh <bzImage> <vmlinux>
# Its last segment has 20 MiB of zeros in the file (.bss, and .init.scratch behind it): they are left out, with the sections.
# Sources: Linux' Documentation/arch/x86/boot.rst, fields setup_sects, payload_offset and payload_length; the ELF specification.
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

# put <file> <offset> <bytes> <number>: little endian.
put() {
	local value=$4 text=

	for ((i = 0; i < $3; i++)); do
		printf -v text '%s\\x%02x' "$text" $((value >> 8 * i & 255))
	done
	printf '%b' "$text" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# drop_zeros <ELF file>: its last segment that is loaded ends in the file where .bss begins.
drop_zeros() {
	local row at bytes bss

	read -r row at bytes < <(readelf -lW "$1" |
		awk '$2 !~ /^0x/ { next } $1 == "LOAD" { last = row + 0 " " $2 " " $5 } { row++ } END { print last }')
	bss=$((16#$(readelf -SW "$1" | sed -n 's/^.* \.bss *NOBITS *[0-9a-f]* \([0-9a-f]*\) .*/\1/p')))
	((bss > at && bss < at + bytes)) || fail "its last segment has no .bss: leave drop_zeros() out"
	cmp -s -n $((at + bytes - bss)) -i "$bss:0" "$1" /dev/zero || fail "not only zeros from .bss on: leave drop_zeros() out"
	truncate -s "$bss" "$1"
	put "$1" $((64 + 56 * row + 32)) 8 $((bss - at)) # p_filesz
	put "$1" 40 8 0                           # e_shoff
	put "$1" 60 4 0                           # e_shnum, e_shstrndx
}

[ "$(field $((0x202)) 4)" = $((0x53726448)) ] || fail "no HdrS at 202h: this is no bzImage"
start=$((($(field $((0x1f1)) 1) + 1) * 512 + $(field $((0x248)) 4)))
length=$(field $((0x24c)) 4)
read -ra command <<<"$(decompressor)"
dd if="$image" bs=1M iflag=skip_bytes,count_bytes skip="$start" count=$((length - 4)) status=none |
	"${command[@]}" >"$out.part"
drop_zeros "$out.part"
mv "$out.part" "$out"
