#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The tables of `make bench`, `make bench-memslot` and `make profile` from recorded consoles and traces. Each row: what a line must match.
set -uo pipefail

RUN_DIR=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1090,SC1091 # they stand beside this file
for part in bench_table memslot_table profile_table profile_steps; do
	. "$RUN_DIR/$part.sh"
done

logs=$RUN_DIR/logs
csv=$(mktemp)
peer=$(mktemp)
trap 'rm -f "$csv" "$peer"' EXIT
table=$(
	bench_rows "$logs/bench-vmx.txt"
	bench_peer "$logs/bench-vmx.txt" "$logs/bench-kvm.log" haswell >"$peer"
	sed 's/^/peer /' "$peer"
	bench_table "$logs/bench-vmx.txt" "$peer" "$logs/bench-vmx.log" "$logs/bench.log"
	memslot_runs "$logs/memslot.txt" | paste -sd' ' | sed 's/^/runs /'
	memslot_rows "$logs/memslot.txt" few | sed 's/^/few /'
	memslot_csv "$logs/memslot.txt" cached="$logs/memslot-cached.log" lookup="$logs/memslot-lookup.log" \
		mapped="$logs/memslot-mapped.log" few="$logs/memslot-few.log" >"$csv"
	sed 's/^/csv /' "$csv"
	memslot_table "$csv" | sed 's/^/memslot /'
	memslot_plot "$csv" | sed 's/^/plot /'
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
^peer # Linux 6\.1\.0-56-amd64 as the hypervisor on Bochs' haswell,
^peer fast +[|] 5799$
^peer absent +[|] 1000$
^ +Nestor +floor +KVM +ratio +bare +exits +vmread 
^fast +812 +900 +5,799 +7\.1 +- +2 +31 +20\.50 +-( +-)*$
^slow +12,345,678! +900 +- +- +- +3 +-( +-)*$
^absent +- +- +1,000 +- +- +not run: no EPT$
^l1_cpuid +- +- +- +- +199 +not run$
^slow needs 12,345,678, 12,344,778 more than its floor$
^runs cached lookup mapped few$
^few two,three$
^csv row,run,insns,window_pte_writes,invlpg,region_lookups,cache_hits,cache_refreshes,kicks,exits,contexts_recycled,pages_migrated$
^csv one,cached,1237,0,0,0,0,0,0,2,0,0$
^csv two,few,9000,1,1,1,0,0,0\.5,3,1,0$
^csv three,few,13000,0,0,0,0,0,0,3,0,0\.67$
^memslot one +1,237 +2,417 +1,234,567 +0 +0 +8 +0 +0 +4 +0 +4 +4 +0 +4 +0 +0 +0 +0 +0 +0 +0$
^memslot two +2,000 +3,000 +- +0\.01 +0 +- +0 +0 +- +0 +5 +- +3 +5 +- 
^memslot two +few +9,000 +1 +1 +1 +0 +0 +0\.5 +3 +1 +0$
^memslot three +few +13,000 
^plot one 1237 2417 1234567$
^plot one 0 0 8$
^plot two 2000 3000 0$
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
