#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the log of L1's writes costs by PML and by write protection, as a table. Settings as machine.sh's, by the environment.
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)

mkdir -p build/logs
for pml in auto off; do
	# A run needs a test; this one is short. L1 leaves memory for the region.
	NAME=bench-dirty-$pml "$RUN_DIR/machine.sh" CONFIG="memory = 128M;test_calls = on;log = none;pml = $pml;cmdline = \
test=vendor_string_is_stable bench=dirty_log_write,dirty_log_round" > "build/logs/bench-dirty-$pml.out" 2>&1 || {
		tail -n 1 "build/logs/bench-dirty-$pml.out" >&2
		exit 1
	}
done
echo "Instructions (docs/bench.md); ${CPU:-skylake-x}"
printf '%9s %16s %16s\n' pml dirty_log_write dirty_log_round
for pml in auto off; do
	tr -d '\r' < "build/logs/bench-dirty-$pml.log" | awk -v pml="$pml" '
	/^BENCH dirty_log_/ {
		for (i = 3; i <= NF; i++)
			if (split($i, pair, "=") == 2 && (pair[1] == "insns" || pair[1] == "ticks"))
				value[$2] = pair[2]
	}
	/^# BENCH dirty_log_/ { print }
	END { printf "%9s %16s %16s\n", pml, value["dirty_log_write"], value["dirty_log_round"] }'
done
