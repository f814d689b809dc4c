#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Print the big table of cases: the suite under Nestor on every CPU model with 1, 2 and 4 CPUs, Linux with 1 and 4, bare, then
# what tests/run/soak.txt adds, then all of make check that is not the suite.
set -euo pipefail

dir=$(dirname "$0")

# linux <model> <cpus>: the Linux run of make check on another machine.
linux() {
	awk -F '|' -v OFS='|' -v model="$1" -v cpus="$2" \
		'$1 ~ /^linux-2 / { $1 = "linux-" model "-" cpus " "; $3 = " " model " "; $4 = " " cpus " "; print }' "$dir/cases.txt"
}

while read -r model _; do
	[ "$model" != penryn ] || continue
	for cpus in 4 2 1; do
		echo "suite-$model-$cpus | bochs | $model | $cpus | 512 | test_calls = on | | pass"
	done
	linux "$model" 1
	linux "$model" 4
	echo "suite-bare-$model | bochs | $model | 1 | 512 | mode = bare | | pass"
done < <(grep -v '^#' "$dir/models.txt")
grep -hv -e '^#' -e '^[[:space:]]*$' "$dir/soak.txt"
# The default model once more with all that make check asks of it.
grep -e '^suite-skylake-x ' "$dir/cases.txt" | sed 's/^suite-skylake-x/suite-with-caps/'
grep -v -e '^#' -e '^suite-' -e '^[[:space:]]*$' "$dir/cases.txt"
