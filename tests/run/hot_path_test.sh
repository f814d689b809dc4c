#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# hot_path_test.sh <objects...>: count the instructions of what stands on a hot path by itself (tests/run/hot_path.c),
# without the function around it: its return, and the frame pointer that debug builds and backtraces want.
set -uo pipefail

LIMIT=12
number=0
status=0
for object in "$@"; do
	number=$((number + 1))
	count=$(objdump -d --no-show-raw-insn "$object" | awk '
		/<hot_path_check>:/ { inside = 1; next }
		inside && /^ +[0-9a-f]+:/ && $2 !~ /^(ret|push|pop|endbr64|nop|leave)/ && $0 !~ /mov +%rsp,%rbp/ { count++ }
		END { print count + 0 }')
	if [ "$count" -gt 0 ] && [ "$count" -le "$LIMIT" ]; then
		echo "ok $number - hot-path/the check of a pfn-cache has $count instructions"
	else
		echo "not ok $number - hot-path/the check of a pfn-cache # expected 1 to $LIMIT instructions got $count"
		status=1
	fi
done
echo "1..$number"
exit "$status"
