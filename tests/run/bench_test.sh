#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The table of `make bench` from recorded consoles. Each row: what its line must match.
set -uo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091 # it stands beside this file
. "$RUN_DIR/bench_table.sh"

logs=$RUN_DIR/logs
table=$(bench_rows "$logs/bench-vmx.txt"; bench_table "$logs/bench-vmx.txt" "$logs/bench-vmx.log" "$logs/bench.log")
number=0
status=0
while read -r want; do
	number=$((number + 1))
	if grep -Eq -- "$want" <<<"$table"; then
		echo "ok $number - bench/ $want"
	else
		echo "not ok $number - bench/ $want # no such line in: $(tr '\n' '/' <<<"$table")"
		status=1
	fi
done <<'EOT'
^fast,slow,absent,l1_cpuid$
^ +Nestor +floor +KVM +bare +exits +vmread 
^fast +812 +900 +5,799 +- +2 +31 +20\.50 +-( +-)*$
^slow +12,345,678! +900 +- +- +3 +-( +-)*$
^absent +- +- +1,000 +- +not run: no EPT$
^l1_cpuid +- +- +- +199 +not run$
^slow needs 12,345,678, 12,344,778 more than its floor$
EOT
echo "1..$number"
exit "$status"
