#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Run one row of a case table (columns: tests/run/cases.txt). The last line says why it failed.
# shellcheck disable=SC1091 # the parts stand beside this file
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
. "$RUN_DIR/image.sh"
. "$RUN_DIR/verdict.sh"
. "$RUN_DIR/expect.sh"
. "$RUN_DIR/starts.sh"

fail() {
	echo "$1"
	exit 1
}

IFS='|' read -r name machine cpu cpus mem config arguments expect <<<"$1"
for column in name machine cpu cpus mem config arguments expect; do
	read -r "${column?}" <<<"${!column}"
done
[ -n "$expect" ] || fail "case '$name': a row has 8 columns"

log=build/logs/$name.log output=build/logs/$name.out tap=build/logs/$name.tap
rm -f "$log" "$output" "$tap" # what an earlier run left must not count
table=
[[ $expect != each\ * ]] || table=${expect#each }

board=pc
[[ $machine != */* ]] || board=${machine#*/}
settings=("NAME=$name" "MACHINE=${machine%/*}" "BOARD=$board" "CPU=$cpu" "CPUS=$cpus" "MEM=$mem" "CONFIG=$config")
read -ra more <<<"$arguments"
if [ -n "$table" ]; then
	scripts=build/runs/$name-starts-$$
	mkdir -p "$scripts"
	trap 'rm -rf "$scripts"' EXIT
	starts_prepare "$table" "$scripts"
	settings+=(EFI= "${STARTS_FILES[@]}")
fi

# Its output goes through a file and it runs in the background, so that a signal to this script ends the machine too.
"$RUN_DIR/machine.sh" "${settings[@]}" "${more[@]}" >"$output" 2>&1 &
machine_pid=$!
trap 'kill -TERM "$machine_pid" 2>/dev/null || true; wait; exit 130' INT TERM HUP
wait "$machine_pid" || true
result=$(tail -n 1 "$output")
result=${result#machine: }
[ -e "$log" ] || fail "$result"

if [ -n "$table" ]; then
	starts_report "$table" "$log" "$name" >"$tap"
	[[ $result == 'refused: '* ]] || fail "$result"
	! grep -q '^not ok' "$tap" || fail "$(grep -c '^not ok' "$tap") of $(grep -c ok "$tap") starts; $result"
else
	expect_check "$expect" "$log" "$result"
fi
