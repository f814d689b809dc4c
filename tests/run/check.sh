#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# All tests: host units, the runner's own test, models, fuzz targets where FUZZ names a target of make's, then the machine
# cases of a table, JOBS at a time. ONLY=name: the units, the runner's own, and the cases whose name contains it.
# Prints a TAP line for each case, and each start in it, and closes with "N passed, N failed, N skipped": host tests +
# guest tests + starts + cases.
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
TABLE=$1
JOBS=${JOBS:-2}
ONLY=${ONLY:-}
OUT=build/check-$$
mkdir -p "$OUT" build/logs

passed=0 failed=0 skipped=0 case_number=0
declare -A running=() started=()

stop() {
	local pid

	for pid in "${!running[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	wait
	rm -rf "$OUT"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

# count_tap <file>: add its TAP lines to the sums; true where there was one.
count_tap() {
	local ok skip bad

	ok=$(grep -ac '^ok ' "$1") || true
	skip=$(grep -aci '^ok .*# skip' "$1") || true
	bad=$(grep -ac '^not ok ' "$1") || true
	passed=$((passed + ok - skip)) skipped=$((skipped + skip)) failed=$((failed + bad))
	[ $((ok + bad)) -gt 0 ]
}

# host_tests <name> <command...>: TAP programs on the host; one that fails without a "not ok" counts as a failure.
host_tests() {
	local name=$1 status=0 log=build/logs/$1.log
	shift

	"$@" >"$log" 2>&1 || status=$?
	grep -a '^not ok' "$log" || true
	if ! count_tap "$log" || { [ "$status" -ne 0 ] && ! grep -aq '^not ok ' "$log"; }; then
		failed=$((failed + 1))
		echo "not ok - $name # ended with status $status, see $log: $(tail -n 1 "$log")"
	else
		echo "# $name: $(grep -ac '^ok ' "$log") host tests passed"
	fi
}

# case_finish <pid> <name> <status>: print the case's line and count what its machine reported.
case_finish() {
	local name=${running[$1]} line tap
	unset "running[$1]"

	tap=build/logs/$name.tap
	line="case/$name ($((SECONDS - started[$name])) s)"
	case_number=$((case_number + 1))
	[ ! -e "build/logs/$name.log" ] || count_tap "build/logs/$name.log" || true
	if [ -e "$tap" ]; then
		count_tap "$tap" || true
		cat "$tap"
	fi
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $case_number - $line"
	else
		failed=$((failed + 1))
		echo "not ok $case_number - $line # $(tail -n 1 "$OUT/$name")"
	fi
}

reap_one() {
	local pid status=0

	wait -n -p pid "${!running[@]}" || status=$?
	case_finish "$pid" "$status"
}

run_cases() {
	local name row

	while IFS= read -r row; do
		name=${row%%|*}
		name=${name//[[:space:]]/}
		[ -z "$ONLY" ] || [[ $name == *$ONLY* ]] || continue
		[ -z "${started[$name]:-}" ] || { failed=$((failed + 1)) && echo "not ok - two cases $name" && continue; }
		[ ${#running[@]} -lt "$JOBS" ] || reap_one
		"$RUN_DIR/case.sh" "$row" >"$OUT/$name" 2>&1 &
		running[$!]=$name
		started[$name]=$SECONDS
	done < <(grep -v -e '^#' -e '^[[:space:]]*$' "$TABLE")
	while [ ${#running[@]} -gt 0 ]; do
		reap_one
	done
}

rm -rf build/acpi # the units leave tables there, which iasl judges
host_tests units "${MAKE:-make}" --no-print-directory unit
host_tests acpi "$RUN_DIR/acpi_test.sh" build/acpi
host_tests runner "$RUN_DIR/verdict_test.sh"
host_tests expectations "$RUN_DIR/expect_test.sh"
host_tests watch "$RUN_DIR/watch_test.sh"
host_tests bench-table "$RUN_DIR/bench_test.sh"
[ -n "$ONLY" ] || host_tests model "${MAKE:-make}" --no-print-directory model
host_tests hot-path "$RUN_DIR/hot_path_test.sh" build/tests/hot_path.o
[ -z "${FUZZ:-}" ] || [ -n "$ONLY" ] || host_tests fuzz "${MAKE:-make}" --no-print-directory "$FUZZ"
run_cases
[ "$case_number" -gt 0 ] || { failed=$((failed + 1)) && echo "not ok - no case ran"; }
echo "# $case_number machine cases, ${SECONDS} s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
