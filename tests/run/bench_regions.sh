#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a look-up and an update of regions cost beside many of them, as a table. Settings as machine.sh's, by the environment.
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
counts='64 8192 32768'
benches=
for count in $counts; do
	benches+=region_lookup_$count,region_update_$count,
done

mkdir -p build/logs
# A run needs a test; this one is short. L1 leaves memory for the regions.
NAME=bench-regions LIMIT=${LIMIT:-300} "$RUN_DIR/machine.sh" CONFIG="memory = 128M;test_calls = on;log = none;cmdline = \
test=vendor_string_is_stable bench=${benches%,}" > build/logs/bench-regions.out 2>&1 || {
	tail -n 1 build/logs/bench-regions.out >&2
	exit 1
}
echo "Instructions (docs/bench.md); ${CPU:-skylake-x}"
tr -d '\r' < build/logs/bench-regions.log | awk -v counts="$counts" '
/^BENCH region_/ {
	for (i = 3; i <= NF; i++)
		if (split($i, pair, "=") == 2 && (pair[1] == "insns" || pair[1] == "ticks"))
			value[$2] = pair[2]
}
/^# BENCH region_/ { print }
END {
	printf "%9s %9s %9s\n", "regions", "look-up", "update"
	n = split(counts, count, " ")
	for (i = 1; i <= n; i++)
		printf "%9d %9s %9s\n", count[i], value["region_lookup_" count[i]], value["region_update_" count[i]]
}'
