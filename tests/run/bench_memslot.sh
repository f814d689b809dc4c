#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the caches of L1's pages save: the rows of bench-memslot.txt with pfn_cache = cached, lookup and mapped, then those
# that want few contexts or two CPUs. One table, a CSV and a chart. JOBS machines at a time; CPU as machine.sh's.
# shellcheck disable=SC1091 # the table stands beside this file
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
. "$RUN_DIR/memslot_table.sh"

rows=$RUN_DIR/bench-memslot.txt
csv=build/bench-memslot.csv
chart=build/bench-memslot.svg
jobs=${JOBS:-1}

# What is a run's own; 256 L2s are below the capacity of contexts but in `few`.
declare -A config=([cached]='contexts = 256;pfn_cache = cached' [lookup]='contexts = 256;pfn_cache = lookup'
	[mapped]='contexts = 256;pfn_cache = mapped' [few]='contexts = 8' [smp]='contexts = 8'
	[smp_mapped]='contexts = 8;pfn_cache = mapped' [smp_global]='contexts = 8;pfn_cache = global')
declare -A cpus=([smp]=2 [smp_mapped]=2 [smp_global]=2)

# measure <run>; a run needs a test, and this one is short.
measure() {
	local name=bench-memslot-$1 output=build/logs/bench-memslot-$1.out

	local options

	options="test=vendor_string_is_stable bench=$(memslot_rows "$rows" "$1")"
	NAME=$name CPUS=${cpus[$1]:-1} MEM=1024 LIMIT=${LIMIT:-400} \
		CONFIG="memory = 256M;test_calls = on;${config[$1]};cmdline = $options" \
		"$RUN_DIR/machine.sh" >"$output" 2>&1 || {
		tail -n 1 "$output" >&2
		return 1
	}
}

mkdir -p build/logs
consoles=()
running=0
for run in $(memslot_runs "$rows"); do
	if [ "$running" -ge "$jobs" ]; then
		wait -n
		running=$((running - 1))
	fi
	measure "$run" &
	running=$((running + 1))
	consoles+=("$run=build/logs/bench-memslot-$run.log")
done
while [ "$running" -gt 0 ]; do
	wait -n
	running=$((running - 1))
done

memslot_csv "$rows" "${consoles[@]}" >"$csv"
memslot_plot "$csv" | gnuplot >"$chart"
echo "Instructions for one iteration (docs/bench.md), and what Nestor does for it; ${CPU:-skylake-x}"
echo
memslot_table "$csv"
echo
echo "also in $csv and $chart"
