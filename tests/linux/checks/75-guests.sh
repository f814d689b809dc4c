# shellcheck shell=sh source=tests/linux/checks/lib.sh
# SPDX-License-Identifier: MIT
# Expect: Nestor's test guest passes as a guest of KVM's, an L2; so do its own guests, which are L3s.
. /checks/lib.sh

L3_TESTS=descriptor_tables_are_loaded_and_saved,exit_loads_efer_and_pat,general_registers_pass_both_ways,l2_runs_in_real_mode,\
l2_runs_under_pae_paging,msr_lists_switch_msrs_both_ways,pdptes_come_from_the_fields_under_ept,tsc_offset_is_added_for_l2

# run <what> <options>: the guest's lines only where it fails.
run() {
	/bin/vmm -m 64 -a "$2" /l2/selftest.elf >/tmp/guest || {
		cat /tmp/guest
		fail "$1: see above"
	}
	echo "$1: $(grep '^guest: END' /tmp/guest)"
	grep -q '^guest: END .* passed=[1-9]' /tmp/guest || fail "$1: no test passed"
}

kvm_load nested=1
run L2 suite=cpuid,cr,debug,insn,trap
run L3 "suite=vmx_state test=$L3_TESTS"
kvm_unload
