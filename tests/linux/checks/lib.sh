# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# What checks say at their end.

fail() {
	echo "$1"
	exit 1
}

# expect <what> <got> <wanted>
expect() {
	[ "$2" = "$3" ] || fail "$1: expected $3, got $2"
}
