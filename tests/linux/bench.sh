#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a boot of Debian's kernel costs: instructions from its entry to /init on the bare CPU, as L1 and as L2 of Nestor, and as
# L1 and L2 of Linux' KVM on the bare CPU; and the exits meanwhile. Bochs' TSC counts instructions; one vCPU, so that nobody
# waits for another.
set -euo pipefail

export MACHINE=bochs CPUS=1
CMDLINE_ALL='console=ttyS0 quiet panic=-1 cryptomgr.notests'

# boot <name> <level> <setting=value ...>: the initramfs has so many levels below it.
boot() {
	env NAME="$1" INITRAMFS="build/linux/bench/$2" "${@:3}" tests/linux/run.sh </dev/null >"build/logs/$1.out" 2>&1
}

# value <name> <regex with a group>: the one number that a line of its log has there.
value() {
	local found

	found=$(sed -nE "s/^$2.*/\1/p" "build/logs/$1.log")
	[[ $found =~ ^[0-9.]+$ ]] || {
		echo "bench: build/logs/$1.log has not one line '$2'" >&2
		exit 1
	}
	echo "$found"
}

# instructions <name>: from the kernel's entry to the first process, of the lowest level.
instructions() {
	local from to

	from=$(value "$1" '.*first instruction: TSC ([0-9]+)') || exit
	to=$(value "$1" 'BENCH linux_init tsc=([0-9]+)') || exit
	echo $((to - from))
}

# row <what> <instructions>
row() {
	awk -v what="$1" -v count="$2" -v bare="$bare" 'BEGIN {
		printf "  %-28s %14d   %+6.1f %%\n", what, count, 100 * (count - bare) / bare
	}'
}

# kvm_exits <console's regex for a prefix>: what KVM counted for a guest.
kvm_exits() {
	sed -nE "s/^$1vmm: ( *[0-9]+)  vCPU 0: (.*(exits|pf_taken|pf_fixed|nested_run))\r?$/  \1  \2/p" build/logs/bench-linux-bare.log
}

mkdir -p build/logs
echo "bench: two machines, some minutes"
# Bochs has neither the MSRs that bare Linux takes for granted nor the TSC's frequency that its CPUID tells.
boot bench-linux-bare 2 MEM=1024 CONFIG='mode = bare' CMDLINE="$CMDLINE_ALL tsc_early_khz=50000 memory=416" MSRS=zero \
	STOP_AT='System halted' &
boot bench-linux 1 MEM=512 CONFIG= CMDLINE="$CMDLINE_ALL"
wait $!
bare=$(instructions bench-linux-bare)
l1=$(instructions bench-linux)
l2=$(value bench-linux '\[([0-9]+)\] \| BENCH linux_init')
kvm_l1=$(value bench-linux-bare '\[([0-9]+)\] \| BENCH linux_init')
kvm_l2=$(value bench-linux-bare '\[[0-9]+\] \| \[([0-9]+)\] \| BENCH linux_init')
echo 'kernel entry to /init, instructions of all levels together'
row 'bare CPU' "$bare"
row 'L1 of Nestor' "$l1"
row 'L2 of Nestor, under KVM' "$l2"
row 'L1 of KVM' "$kvm_l1"
row 'L2 of KVM, under KVM' "$kvm_l2"
echo "idle by then: bare $(value bench-linux-bare 'BENCH linux_init .*idle=([0-9.]+)') s, L1 of Nestor $(value bench-linux 'BENCH linux_init .*idle=([0-9.]+)') s"
echo 'exits under Nestor, from its start to the end:'
sed -n 's/^\[0\] report: *\([0-9]* *exit .*\)/  \1/p' build/logs/bench-linux.log
echo "exits of KVM's L1, as KVM counts them:"
kvm_exits ''
echo "exits of KVM's L2, as its L1 counts them:"
kvm_exits '\[[0-9]+\] \| '
