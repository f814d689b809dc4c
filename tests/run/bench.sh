#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The benches of VMX, bare and under Nestor on the same machine, as one table. Settings as machine.sh's, by the environment.
# shellcheck disable=SC1091 # the table stands beside this file
set -euo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
. "$RUN_DIR/bench_table.sh"

rows=$RUN_DIR/bench.txt
peer=$RUN_DIR/bench_kvm.txt
# A run needs a test; this one is short.
options="test=vendor_string_is_stable bench=$(bench_rows "$rows")"

# measure <name> <nestor.cfg>
measure() {
	local output=build/logs/$1.out

	mkdir -p build/logs
	NAME=$1 CONFIG="$2;cmdline = $options" "$RUN_DIR/machine.sh" >"$output" 2>&1 || {
		tail -n 1 "$output" >&2
		exit 1
	}
}

measure bench-bare 'mode = bare'
measure bench 'log = none'
echo "Instructions for one iteration (docs/bench.md), and what Nestor executes for it; ${CPU:-skylake-x}, ${CPUS:-1} CPUs"
echo "KVM: $(sed -n '2s/^# //p' "$peer")"
echo
bench_table "$rows" "$peer" build/logs/bench.log build/logs/bench-bare.log
