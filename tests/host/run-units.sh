#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Run host test programs one after the other; their TAP goes to stdout. Fails when one of them fails or runs no test.
set -u
status=0
for bin in "$@"; do
	output=$(CMOCKA_MESSAGE_OUTPUT=TAP "$bin" 2>&1)
	rc=$?
	printf '# %s\n%s\n' "${bin#*/host/tests/unit/}" "$output"
	if [ "$rc" -ne 0 ]; then
		printf '# %s ended with status %d\n' "$bin" "$rc"
		status=1
	fi
	if ! grep -q '^ok ' <<<"$output"; then
		printf 'not ok - %s # no test ran\n' "$bin"
		status=1
	fi
done
exit "$status"
