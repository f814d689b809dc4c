#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a boot of Debian's kernel costs: instructions from its entry to /init on the bare CPU and under Nestor, and the exits
# meanwhile. Bochs' TSC counts instructions; one vCPU, so that nobody waits for another.
set -euo pipefail

# Bochs has neither the MSRs that bare Linux takes for granted nor the TSC's frequency that its CPUID tells.
export CMDLINE='console=ttyS0 quiet panic=-1 rdinit=/bin/bench_init tsc_early_khz=50000'
export MACHINE=bochs CPUS=1

# boot <name> <setting=value ...>
boot() {
	env NAME="$1" "${@:2}" tests/linux/run.sh </dev/null >"build/logs/$1.out" 2>&1
}

# value <name> <regex with a group>: the one number that its log has there.
value() {
	local found

	found=$(sed -nE "s/.*$2.*/\1/p" "build/logs/$1.log")
	[[ $found =~ ^[0-9.]+$ ]] || {
		echo "bench: build/logs/$1.log has not one '$2'" >&2
		exit 1
	}
	echo "$found"
}

# instructions <name>: from the kernel's entry to the first process.
instructions() {
	local from to

	from=$(value "$1" 'first instruction: TSC ([0-9]+)') || exit
	to=$(value "$1" 'BENCH linux_init tsc=([0-9]+)') || exit
	echo $((to - from))
}

# idle <name>: seconds that its CPU idled by then.
idle() {
	value "$1" 'linux_init .*idle=([0-9.]+)'
}

mkdir -p build/logs
echo "bench: two boots, some minutes"
boot bench-linux-bare CONFIG='mode = bare' MSRS=zero STOP_AT='System halted' &
boot bench-linux CONFIG=
wait $!
bare=$(instructions bench-linux-bare)
nestor=$(instructions bench-linux)
idle_bare=$(idle bench-linux-bare)
idle_nestor=$(idle bench-linux)
awk -v bare="$bare" -v nestor="$nestor" 'BEGIN {
	printf "kernel entry to /init   %14s instructions\n", "";
	printf "  bare                  %14d\n  under Nestor          %14d   %+.1f %%\n", bare, nestor, 100 * (nestor - bare) / bare
}'
echo "idle by then            $idle_bare s, $idle_nestor s"
sed -n 's/^\[0\] report: *\([0-9]* *exit .*\)/  \1/p' build/logs/bench-linux.log
