#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What no compiler checks: sizes of files, widths of lines, SPDX lines, header comments, and that includes only go down.
# Sizes of functions are clang-tidy's.
set -u
export LC_ALL=C.UTF-8
cd "${LINT_ROOT:-$(dirname "$0")/../..}" || exit 1
max_lines=500
max_columns=100 # of C; clang-format leaves comments as they are
failed=0

complain() {
	printf '%s: %s\n' "$1" "$2"
	failed=1
}

# The layer of a file, lowest first. Test guests stand beside hv's low part: they take tables and helpers from it.
layer() {
	case $1 in
	boot/*) echo 6 ;;
	hv/main.[ch] | hv/machine.[ch] | hv/l1_board.[ch] | hv/report.[ch] | hv/guest/* | hv/dev/*) echo 5 ;;
	# Tables of the architecture, which tests of VMX share.
	vmx/vmcs_fields.[hd]* | vmx/exit_reasons.[hd]* | vmx/controls.[hd]* | vmx/event.h | vmx/access_rights.h | \
		vmx/ept_caps.def | vmx/nested/vmx_error.h | vmx/qualification.h) echo 1 ;;
	vmx/nested/*) echo 4 ;;
	vmx/*) echo 3 ;;
	mm/*) echo 2 ;;
	hv/*) echo 1 ;;
	tests/guest/*) echo 1 ;;
	*) echo 0 ;;
	esac
}

mapfile -t sources < <(git ls-files 2> /dev/null | grep . || find Makefile linker.ld boot hv mm vmx tests -type f)

for file in "${sources[@]}"; do
	case $file in *.[ch] | *.def | *.asm | *.sh | *.mk | *.ld | *.in | Makefile | .ci/run) ;; *) continue ;; esac
	[ -f "$file" ] || continue
	lines=$(wc -l < "$file")
	[ "$lines" -le "$max_lines" ] || complain "$file" "$lines lines, at most $max_lines are allowed"
	case $file in *.[ch])
		columns=$(wc -L < "$file")
		[ "$columns" -le "$max_columns" ] || complain "$file" "a line of $columns columns, at most $max_columns are allowed"
		;;
	esac
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || complain "$file" "no SPDX line at the top"
	sed -n '/SPDX-License/ { n; p; q }' "$file" | grep -qE '^(/\*|# |; )' || complain "$file" "no comment that says what it is"
done

while IFS=: read -r file line include; do
	case $file in boot/* | hv/* | mm/* | vmx/* | tests/guest/*) ;; *) continue ;; esac
	[ "$(layer "$include")" -le "$(layer "$file")" ] ||
		complain "$file:$line" "includes $include, which stands in a layer above"
done < <(grep -rnHo '^#include "\(boot\|hv\|mm\|vmx\)/[^"]*"' boot hv mm vmx tests/guest 2>/dev/null |
	sed 's/#include "\(.*\)"/\1/')

exit "$failed"
