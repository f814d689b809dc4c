#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Write a disk image for a USB stick: a GPT with one EFI system partition that holds Nestor (and CONFIG, a file).
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091 # it stands beside this file
. "$RUN_DIR/image.sh"

efi=$1 image=$2 config=${CONFIG:-}
first=2048 mib=64
last=$((mib * 2048 - 2048)) # the backup GPT needs 33 sectors at the end

rm -f "$image"
truncate -s "${mib}M" "$image"
sgdisk -n "1:$first:$last" -t 1:ef00 -c 1:Nestor "$image" >/dev/null
mformat -i "$image@@$((first * 512))" -T $((last - first + 1)) -h 16 -s 63 -H $first ::
image_fill "$image@@$((first * 512))" "$efi" "${config#@}"
echo "usb: $image: $mib MiB, GPT, one EFI system partition"
echo "usb: write it with: sudo dd if=$image of=/dev/sdX bs=4M conv=fsync (sdX: the stick; all on it is lost)"
