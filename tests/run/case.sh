#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Run one row of a case table (columns: tests/run/cases.txt). The last line says why it failed.
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091 # it stands beside this file
. "$RUN_DIR/verdict.sh"

fail() {
	echo "$1"
	exit 1
}

IFS='|' read -r name machine cpu cpus mem config files expect <<<"$1"
for column in name machine cpu cpus mem config files expect; do
	read -r "${column?}" <<<"${!column}"
done
[ -n "$expect" ] || fail "case '$name': a row has 8 columns"

board=pc
[[ $machine != */* ]] || board=${machine#*/}
settings=("NAME=$name" "MACHINE=${machine%/*}" "BOARD=$board" "CPU=$cpu" "CPUS=$cpus" "MEM=$mem" "CONFIG=$config")
read -ra pairs <<<"$files"
for pair in "${pairs[@]}"; do
	settings+=("${pair/#efi=/EFI=}")
done

# Its output goes through a file and it runs in the background, so that a signal to this script ends the machine too.
output=build/logs/$name.out
"$RUN_DIR/machine.sh" "${settings[@]}" >"$output" 2>&1 &
machine_pid=$!
trap 'kill -TERM "$machine_pid" 2>/dev/null || true; wait; exit 130' INT TERM HUP
wait "$machine_pid" || true
result=$(tail -n 1 "$output")
log=build/logs/$name.log
regex=${expect#* }
case $expect in
pass)
	[[ $result == 'machine: pass: '* ]] || fail "$result"
	;;
shows\ *)
	[[ $result == 'machine: pass: '* ]] || fail "$result"
	grep -aEq -- "$regex" "$log" || fail "passed, but no console line matches '$regex'"
	;;
refused\ *)
	[[ $result == 'machine: refused: '* ]] || fail "expected a refusal; $result"
	grep -aEq -- "nestor: refused: .*$regex" "$log" || fail "the refusal does not match '$regex'; $result"
	[ "$(grep -ac 'nestor: refused: ' "$log")" -ge 2 ] || fail "not on both serial and the firmware's console; $result"
	grep -aq "$FIRMWARE_MARKER" "$log" || fail "refused, but not back in the firmware; $result"
	;;
*) fail "case '$name': unknown expectation '$expect'" ;;
esac
