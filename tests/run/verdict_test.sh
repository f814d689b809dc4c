#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The verdict function against recorded consoles. Each row: log | how the run ended | the verdict line (a pattern).
set -uo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091 # it stands beside this file
. "$RUN_DIR/verdict.sh"

number=0
status=0
while IFS='|' read -r log ending want; do
	number=$((number + 1))
	got=$(verdict "$RUN_DIR/logs/$log.log" "$ending")
	# shellcheck disable=SC2053 # a pattern is meant
	if [[ $got == $want ]]; then
		echo "ok $number - verdict/$log: $got"
	else
		echo "not ok $number - verdict/$log # expected '$want' got '$got'"
		status=1
	fi
done <<'EOF'
pass|poweroff|pass: nestor: END code=0
bare|poweroff|pass: guest: END code=0 *
skip|poweroff|pass: nestor: END code=0
not-ok|poweroff|failed: 1 tests failed, first: not ok 2 - msr/unknown_faults # *
code|poweroff|failed: nestor: END code=2; nestor: L1 stopped: *
none|poweroff|failed: no test passed: *
cut-plan|poweroff|failed: 3 tests planned, 2 reported
no-end|poweroff|no-end: switched off without 'nestor: END'; last console line: ok 1 - cpuid/vendor_string_is_stable
guest-end-only|poweroff|no-end: switched off without 'nestor: END'; last console line: guest: END *
no-end|limit 60|hung: still running after 60 s; last console line: ok 1 - cpuid/vendor_string_is_stable
pass|limit 60|hung: *
no-end|died Bochs ended with status 1: triple fault|crashed: Bochs ended with status 1: triple fault; last console line: ok 1 - *
panic|poweroff|crashed: nestor: PANIC: assertion failed: index < count (mm/page.c:12)
panic|limit 60|crashed: nestor: PANIC: *
firmware|limit 60|crashed: !!!! X64 Exception Type - 0D(#GP - General Protection) *
refused|poweroff|refused: this CPU has no EPT; *
refused|limit 60|hung: *
empty|poweroff|no-end: *
EOF
echo "1..$number"
exit "$status"
