#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Run all lint checks in parallel and close with one line. Usage: lint.sh MAKE CHECKS STAMPDIR
set -u
make=$1 checks=$2 stamps=$3
start=$SECONDS
log=$stamps/log
mkdir -p "$stamps"
"$make" --no-print-directory -k -j"$(nproc)" --output-sync=target lint-checks > "$log" 2>&1
status=$?
# make's own lines about failed targets and what it was told repeat what the checks said.
grep -v -e '^make\(\[[0-9]*\]\)\?: ' "$log"
failed=$(grep -c '^lint: ' "$log")
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
	cat "$log"
	failed=1
fi
if [ "$failed" -ne 0 ]; then
	echo "lint: FAILED: $failed of $checks checks ($((SECONDS - start)) s)"
	exit 1
fi
echo "lint: ok: $checks checks ($((SECONDS - start)) s)"
