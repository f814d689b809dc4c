# shellcheck shell=sh source=tests/linux/checks/lib.sh
# SPDX-License-Identifier: MIT
# Expect: Debian's KVM loads with all that it wants of VMX, and without each of that; each time it runs a guest, which is an
# L2: without unrestricted guests it emulates what is in real mode, without EPT it shadows page tables.
. /checks/lib.sh

# KVM takes no preemption timer from this CPU, whose own may stop too early (its list of errata).
is_arrandale() {
	grep -q '^model[[:space:]]*: 37$' /proc/cpuinfo
}

expect_parameters() {
	wanted=$1
	shift
	for name in "$@"; do
		expect "kvm_intel.$name" "$(cat "/sys/module/kvm_intel/parameters/$name")" "$wanted"
	done
}

run_and_unload() {
	/bin/kvm_l2
	kvm_unload
}

kvm_load "$@"
expect_parameters Y ept unrestricted_guest vpid vnmi flexpriority
is_arrandale || expect_parameters Y preemption_timer
run_and_unload

while read -r off; do
	# shellcheck disable=SC2046,SC2086 # a word for each
	kvm_load $(printf '%s=0 ' $off)
	# shellcheck disable=SC2086
	expect_parameters N $off
	echo "without $off:"
	run_and_unload
done <<-END
	ept
	unrestricted_guest
	vpid
	preemption_timer enable_shadow_vmcs
	flexpriority vnmi eptad nested
	ept vpid flexpriority vnmi preemption_timer
END
