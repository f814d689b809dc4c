#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Run fuzz targets, JOBS at a time, for so many seconds each: run.sh <seconds>=<target> ...
# One TAP line a target, with what it executed; the input that a target broke on stays beside it, its output in a log.
set -u

fuzz_one() {
	local seconds=${1%%=*} bin=${1#*=} name status=0 log execs options=()
	name=fuzz/${bin##*/}
	log=$bin.log
	[ "$name" != fuzz/memory ] || options=(-len_control=0) # long sequences from the beginning

	mkdir -p "$bin.corpus"
	"$bin" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 -artifact_prefix="$bin.found-" \
		"${options[@]}" "$bin.corpus" >"$log" 2>&1 || status=$?
	execs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	if [ "$status" -eq 0 ] && [ "${execs:-0}" -gt 0 ]; then
		echo "ok - $name # $execs inputs in $seconds s"
		return
	fi
	echo "not ok - $name # status $status, see $log: $(grep -am1 -E 'ERROR|Assertion|differs' "$log")"
	return 1
}

status=0 running=0
for target in "$@"; do
	if [ "$running" -ge "${JOBS:-1}" ]; then
		wait -n || status=1
		running=$((running - 1))
	fi
	fuzz_one "$target" &
	running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
	wait -n || status=1
	running=$((running - 1))
done
exit "$status"
