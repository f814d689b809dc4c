#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Print the big table of cases: the suite on every CPU model with 1, 2 and 4 CPUs, under Nestor and bare, then the
# refusals of make check.
set -euo pipefail

dir=$(dirname "$0")
while read -r model _; do
	[ "$model" != penryn ] || continue
	for cpus in 4 2 1; do
		echo "suite-$model-$cpus | bochs | $model | $cpus | 512 | | | pass"
		echo "suite-bare-$model-$cpus | bochs | $model | $cpus | 512 | mode = bare | | pass"
	done
done < <(grep -v '^#' "$dir/models.txt")
grep '^refuse-\|^kernel-' "$dir/cases.txt"
