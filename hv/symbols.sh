#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# symbols.sh <linked image>: the C source of the table of its function names (hv/symbols.h), for a second link.
# symbols.sh --check <first> <second>: fail when a function stands elsewhere in the second link than in the first.
set -euo pipefail

functions() {
	# gcc's clones (recurse.constprop.0) go by the name in the source; labels inside functions (..@, .L) have none.
	nm --defined-only "$1" |
		awk '$2 ~ /^[tT]$/ && $3 !~ /^(__|\.)/ { sub(/\..*/, "", $3); print $1, $3 }' |
		LC_ALL=C sort -u -k1,1
}

if [ "$1" = --check ]; then
	if ! diff <(functions "$2") <(functions "$3") >&2; then
		echo "symbols.sh: the second link moved functions; their names in stack traces would be wrong" >&2
		exit 1
	fi
	exit 0
fi

functions "$1" | awk '
	{ offsets[NR] = "0x" substr($1, length($1) - 7); names[NR] = $2; size += length($2) + 1 }
	END {
		if (NR == 0) {
			print "symbols.sh: no functions" > "/dev/stderr"
			exit 1
		}
		printf "#include \"hv/types.h\"\n"
		printf "static const struct {\n\tu32 count;\n\tu32 entries[%d];\n\tchar names[%d];\n}\n", 2 * NR, size + 1
		printf "symbols __attribute__((used, section(\".symbols\"))) = {\n\t%d,\n\t{\n", NR
		for (i = 1; i <= NR; i++) {
			printf "\t\t%s, %d,\n", offsets[i], at
			at += length(names[i]) + 1
		}
		printf "\t},\n"
		for (i = 1; i <= NR; i++)
			printf "\t\"%s\\0\"\n", names[i]
		printf "};\n"
	}'
