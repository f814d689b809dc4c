# shellcheck shell=sh source=tests/linux/checks/lib.sh
# SPDX-License-Identifier: MIT
# Expect: no byte is wrong in L1 and in two L2s at once, while Nestor changes L1's memory, which theirs is part of, and their
# vCPUs change CPUs. The kernel's command line asks for it, by l2torture=<passes of each L2's workers>, with l2cpus=<vCPUs of
# each> where that is not 1.
. /checks/lib.sh

[ -n "${l2torture:-}" ] || {
	echo 'no l2torture=<passes> on the command line'
	exit 77
}

# run <number>: an L2.
run() {
	/bin/vmm -c "${l2cpus:-1}" -m 112 -p "L2 $1| " -i /l2/initramfs \
		-a "console=ttyS0 quiet panic=-1 cryptomgr.notests torture=$l2torture" /l2/vmlinux | tee "/tmp/l2.$1"
}

is_running() {
	pidof vmm >/dev/null
}

# All their threads, vCPUs among them, to another CPU each time.
flip() {
	cpu=0
	for task in $(for pid in $(pidof vmm); do ls "/proc/$pid/task"; done); do
		taskset -pc $(((cpu + $1) % $(nproc))) "$task" >/dev/null 2>&1 || true
		cpu=$((cpu + 1))
	done
}

kvm_load "$@"
run 1 &
run 2 &
sleep 1
(
	flips=0
	while is_running; do
		flip $flips
		flips=$((flips + 1))
		sleep 2 # each flip costs some 20 million instructions
	done
	echo "L2s changed CPUs $flips times"
) &
/bin/torture 1000000 "${seed:-1}" 50 >/tmp/torture &
torture=$!
while is_running; do
	sleep 3
done
kill "$torture" 2>/dev/null || true
wait "$torture" || fail "$(tail -n 1 /tmp/torture)"
wait
tail -n 1 /tmp/torture
for number in 1 2; do
	expect "good ends of L2 $number" "$(grep -c 'L2: END code=0$' /tmp/l2.$number)" 1
done
kvm_unload
