# shellcheck shell=bash disable=SC2034 # machine.sh uses what is set here
# SPDX-License-Identifier: MIT
# Disk images: an MBR disk with one EFI system partition (FAT16), made without mounting anything.

IMAGE_CYLINDERS_MIN=130
IMAGE_HEADS=16
IMAGE_SECTORS=63
IMAGE_OFFSET=$((2048 * 512))

# image_copy <image@@offset> <source> <destination>: copy a file, making the folders on the way.
image_copy() {
	local target=$1 source=$2 dest=${3#/} dir=
	local -a parts

	IFS=/ read -ra parts <<<"$(dirname "$dest")"
	for part in "${parts[@]}"; do
		[ "$part" != . ] || continue
		dir=$dir/$part
		mmd -D s -i "$target" "::$dir" </dev/null >/dev/null 2>&1 || true
	done
	mcopy -o -i "$target" "$source" "::/$dest"
}

# image_config <text> <file>: write a nestor.cfg: ';' ends a line, "@path" takes a file as it is.
image_config() {
	if [[ $1 == @* ]]; then
		cp "${1#@}" "$2"
	else
		tr ';' '\n' <<<"$1" >"$2"
	fi
}

# image_fill <image@@offset> <efi application or ''> <nestor.cfg or ''> [dest=source ...]: what every ESP of ours holds.
image_fill() {
	local target=$1 efi=$2 config=$3 pair
	shift 3

	[ -z "$efi" ] || image_copy "$target" "$efi" EFI/BOOT/BOOTX64.EFI
	[ -z "$config" ] || image_copy "$target" "$config" nestor/nestor.cfg
	for pair in "$@"; do
		image_copy "$target" "${pair#*=}" "${pair%%=*}"
	done
}

# image_size <dest=source ...>: set IMAGE_CYLINDERS so that these fit beside what every ESP has.
image_size() {
	local file bytes=0 cylinder=$((IMAGE_HEADS * IMAGE_SECTORS * 512))

	for file in "${@#*=}"; do
		bytes=$((bytes + $(stat -Lc %s "$file")))
	done
	IMAGE_CYLINDERS=$((IMAGE_CYLINDERS_MIN + bytes / cylinder))
}

# image_make <image> <efi application or ''> <nestor.cfg or ''> [dest=source ...]: for a test machine, which the shell switches
# off when the application comes back to the firmware.
image_make() {
	local image=$1 total count le
	shift
	image_size "${@:3}"
	total=$((IMAGE_CYLINDERS * IMAGE_HEADS * IMAGE_SECTORS))
	count=$((total - 2048))

	rm -f "$image"
	truncate -s $((total * 512)) "$image"
	# One MBR entry: type EFh, first sector 2048, count; then the signature.
	printf -v le '\\x%02x\\x%02x\\x%02x\\x%02x' $((count & 255)) $((count >> 8 & 255)) \
		$((count >> 16 & 255)) $((count >> 24 & 255))
	printf '%b' "\\x80\\x20\\x21\\x00\\xef\\xff\\xff\\xff\\x00\\x08\\x00\\x00$le" |
		dd of="$image" bs=1 seek=446 conv=notrunc status=none
	printf '\x55\xaa' | dd of="$image" bs=1 seek=510 conv=notrunc status=none
	mformat -i "$image@@$IMAGE_OFFSET" -T "$count" -h $IMAGE_HEADS -s $IMAGE_SECTORS -H 2048 ::
	image_copy "$image@@$IMAGE_OFFSET" "$RUN_DIR/startup.nsh" startup.nsh
	image_fill "$image@@$IMAGE_OFFSET" "$@"
}

# image_adopt <image> <source image> [dest=source ...]: a copy of a finished disk, whose ESP is where ours is, for a test
# machine.
image_adopt() {
	local image=$1 source=$2
	shift 2

	cp --sparse=always "$source" "$image"
	image_copy "$image@@$IMAGE_OFFSET" "$RUN_DIR/startup.nsh" startup.nsh
	image_fill "$image@@$IMAGE_OFFSET" '' '' "$@"
}
