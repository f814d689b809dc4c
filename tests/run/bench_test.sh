#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The tables of `make bench` and `make profile` from recorded consoles and traces. Each row: what a line must match.
set -uo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1090,SC1091 # they stand beside this file
for part in bench_table profile_table profile_steps; do
	. "$RUN_DIR/$part.sh"
done

logs=$RUN_DIR/logs
table=$(
	bench_rows "$logs/bench-vmx.txt"
	bench_table "$logs/bench-vmx.txt" "$logs/bench-vmx.log" "$logs/bench.log"
	profile_table "$logs/trace.log" "$logs/trace.txt" /dev/stderr 2>&1 | sed 's/^/profile/'
	profile_steps "$logs/trace.log" "$logs/trace-chains.txt" "$logs/trace-steps.txt"
)
number=0
status=0
while read -r want; do
	number=$((number + 1))
	if grep -Eq -- "$want" <<<"$table"; then
		echo "ok $number - tables/ $want"
	else
		echo "not ok $number - tables/ $want # no such line in: $(tr '\n' '/' <<<"$table")"
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
^profile +5  instructions$
^profile +2  L0 +handle +vmread 1  vmresume 1$
^profile +2  L1/L2 bench *$
^profile +1  L0 +copy *$
^[|] exit of L1 [|] reads [|] 2 [|] 1 [|]
^[|] exit of L1 [|] enters [|] 1 [|]  [|]  [|]  [|]  [|]  [|]  [|] 1 [|]$
^[|] [|] L1 and L2 themselves [|] 2 [|]
^[|] [|] all of Nestor [|] 3 [|] 1 [|]
EOT
echo "1..$number"
exit "$status"
