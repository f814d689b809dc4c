#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Run host test programs one after the other; their TAP goes to stdout. Fails when one of them fails, runs no test, or has not
# ended after UNIT_LIMIT seconds.
set -u
limit=${UNIT_LIMIT:-600}
status=0
for bin in "$@"; do
	output=$(CMOCKA_MESSAGE_OUTPUT=TAP timeout -s KILL "$limit" "$bin" 2>&1)
	rc=$?
	printf '# %s\n%s\n' "${bin#*/host/tests/unit/}" "$output"
	if [ "$rc" -eq 137 ]; then
		printf 'not ok - %s # still running after %d s\n' "$bin" "$limit"
		status=1
	elif [ "$rc" -ne 0 ]; then
		printf '# %s ended with status %d\n' "$bin" "$rc"
		status=1
	fi
	if [ "$rc" -ne 137 ] && ! grep -q '^ok ' <<<"$output"; then
		printf 'not ok - %s # no test ran\n' "$bin"
		status=1
	fi
done
exit "$status"
