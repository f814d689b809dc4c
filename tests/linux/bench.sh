#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a boot of Debian's kernel costs: instructions from its entry to /init on the bare CPU and under Nestor, and the exits
# meanwhile. Bochs' TSC counts instructions; one vCPU, so that nobody waits for another.
set -euo pipefail

# Bochs has neither the MSRs that bare Linux takes for granted nor the TSC's frequency that its CPUID tells.
APPEND='console=ttyS0 quiet panic=-1 rdinit=/bin/bench_init tsc_early_khz=50000'
FILES=(nestor/vmlinux=build/linux/vmlinux nestor/initramfs=build/linux/initramfs)
export MACHINE=bochs CPUS=1 LIMIT=900

# boot <name> <config> <setting ...>
boot() {
	local name=$1 config=$2
	shift 2

	tests/run/machine.sh NAME="$name" CONFIG="$config;kernel = \\nestor\\vmlinux;module = \\nestor\\initramfs;cmdline = $APPEND" \
		"$@" "${FILES[@]}" >"build/logs/$name.out" 2>&1
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

instructions() {
	echo $(($(value "$1" 'BENCH linux_init tsc=([0-9]+)') - $(value "$1" 'first instruction: TSC ([0-9]+)')))
}

mkdir -p build/logs
echo "bench: two boots, some minutes"
boot bench-linux-bare 'mode = bare' MSRS=zero STOP_AT='System halted' &
boot bench-linux ''
wait $!
bare=$(instructions bench-linux-bare) nestor=$(instructions bench-linux)
awk -v bare="$bare" -v nestor="$nestor" 'BEGIN {
	printf "kernel entry to /init   %14s instructions\n", "";
	printf "  bare                  %14d\n  under Nestor          %14d   %+.1f %%\n", bare, nestor, 100 * (nestor - bare) / bare
}'
echo "idle by then            $(value bench-linux-bare 'linux_init .*idle=([0-9.]+)') s, $(value bench-linux 'linux_init .*idle=([0-9.]+)') s"
sed -n 's/^\[0\] report: *\([0-9]* *exit .*\)/  \1/p' build/logs/bench-linux.log
