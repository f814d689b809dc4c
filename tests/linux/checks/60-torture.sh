# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Expect: no byte is wrong while Nestor changes L1's memory under Linux. The kernel's command line asks for it, by
# torture=<rounds> and perhaps seed=<number>; Nestor's test_calls must be on.
[ -n "${torture:-}" ] || {
	echo 'no torture=<rounds> on the command line'
	exit 77
}
exec /bin/torture "$torture" "${seed:-1}"
