#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Name the files that clang-format would change, with the first lines of what it would do.
status=0
for file in "$@"; do
	change=$(clang-format "$file" | diff -u --label "$file" --label "$file (formatted)" "$file" -) && continue
	head -n 8 <<< "$change"
	status=1
done
exit "$status"
