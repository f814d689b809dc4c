/* SPDX-License-Identifier: MIT */
/* L1's capability MSRs on each CPU model: consistent, and never more than the host's. */
#include "unit.h"
#include "hv/msr_index.h"
#include "tests/unit/vmx/caps_models.h"
#include "vmx/nested/caps12.h"
#include "vmx/nested/vmcs12.h"

#define CR4_ALLOWED (CR4_PAE | CR4_PGE | CR4_PSE)

static struct vmx_caps l1;

static void build(u32 model)
{
	caps_model_load(&caps_models[model]);
	vmx_caps_read();
	caps12_build(&l1, vmx_caps(), CR4_ALLOWED);
}

static u64 msr(u32 number)
{
	u64 value = 0;

	assert_true(caps12_msr(&l1, number, &value));
	return value;
}

UNIT(nothing_is_offered_that_the_host_lacks)
{
	for (u32 model = 0; model < CAPS_MODELS; model++) {
		build(model);
		for (u32 set = 0; set < CONTROL_SETS; set++) {
			assert_int_equal(l1.allowed1[set] & ~vmx_caps()->allowed1[set], 0);
			assert_int_equal(vmx_caps()->allowed0[set] & ~l1.allowed0[set], 0);
		}
		assert_int_equal(l1.ept_vpid & ~vmx_caps()->ept_vpid, 0);
		assert_int_equal(l1.cr0_fixed1 & ~vmx_caps()->cr0_fixed1, 0);
	}
}

UNIT(what_must_be_1_may_be_1)
{
	for (u32 model = 0; model < CAPS_MODELS; model++) {
		build(model);
		for (u32 set = 0; set < CONTROL_SETS; set++)
			assert_int_equal(l1.allowed0[set] & ~l1.allowed1[set], 0);
		assert_int_equal(l1.cr0_fixed0 & ~l1.cr0_fixed1, 0);
		assert_int_equal(l1.cr4_fixed0 & ~l1.cr4_fixed1, 0);
	}
}

UNIT(older_msrs_ask_for_all_of_default1)
{
	build(0);
	assert_int_equal((u32)msr(MSR_IA32_VMX_PINBASED), 0x16);
	assert_int_equal((u32)msr(MSR_IA32_VMX_PROCBASED), 0x0401e172);
	assert_int_equal((u32)msr(MSR_IA32_VMX_EXIT), 0x36dff);
	assert_int_equal((u32)msr(MSR_IA32_VMX_ENTRY), 0x11ff);
}

UNIT(true_msrs_let_cr3_exits_and_debug_controls_be_cleared)
{
	build(0);
	assert_int_equal((u32)msr(MSR_IA32_VMX_TRUE_PROCBASED),
			 0x0401e172 & ~(u32)(CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING));
	assert_int_equal((u32)msr(MSR_IA32_VMX_TRUE_EXIT), 0x36dff & ~(u32)EXIT_CTL_SAVE_DEBUG);
	assert_int_equal((u32)msr(MSR_IA32_VMX_TRUE_ENTRY), 0x11ff & ~(u32)ENTRY_CTL_LOAD_DEBUG);
}

UNIT(without_ept_cr3_exits_cannot_be_cleared)
{
	struct vmx_caps host;

	build(0);
	host = *vmx_caps();
	host.allowed1[CONTROL_SET_CPU2] &= ~(u32)CPU2_ENABLE_EPT;
	caps12_build(&l1, &host, CR4_ALLOWED);
	assert_int_equal(l1.allowed0[CONTROL_SET_CPU], 0x0401e172);
}

UNIT(basic_names_our_revision_one_page_and_write_back)
{
	for (u32 model = 0; model < CAPS_MODELS; model++) {
		build(model);
		assert_int_equal(VMX_BASIC_REVISION(l1.basic), VMCS12_REVISION);
		assert_int_equal(VMX_BASIC_SIZE(l1.basic), 4096);
		assert_int_equal(VMX_BASIC_MEMORY_TYPE(l1.basic), 6);
		assert_true(l1.basic & VMX_BASIC_TRUE_CONTROLS);
		assert_int_equal(l1.basic >> 57 | (l1.basic & BITS(49, 45)), 0);
	}
}

UNIT(misc_hides_what_is_not_emulated)
{
	build(0);
	assert_int_equal(VMX_MISC_CR3_TARGETS(l1.misc), 4);
	assert_int_equal(VMX_MISC_MSR_LIST_MAX(l1.misc), 512);
	assert_false(l1.misc & (VMX_MISC_SHUTDOWN | VMX_MISC_WAIT_FOR_SIPI));
}

UNIT(timer_is_the_hosts_with_its_rate)
{
	for (u32 model = 0; model < CAPS_MODELS; model++) {
		struct vmx_caps host;

		build(model);
		host = *vmx_caps();
		host.misc |= 5;
		caps12_build(&l1, &host, CR4_ALLOWED);
		assert_int_equal(VMX_MISC_TIMER_SHIFT(l1.misc),
				 5 | VMX_MISC_TIMER_SHIFT(host.misc));
		assert_int_equal(l1.allowed1[CONTROL_SET_PIN] & PIN_PREEMPTION_TIMER,
				 host.allowed1[CONTROL_SET_PIN] & PIN_PREEMPTION_TIMER);
		assert_int_equal(l1.allowed1[CONTROL_SET_EXIT] & EXIT_CTL_SAVE_TIMER,
				 host.allowed1[CONTROL_SET_EXIT] & EXIT_CTL_SAVE_TIMER);
	}
}

UNIT(cr4_is_l1s_own_and_vmxe)
{
	build(0);
	assert_int_equal(l1.cr4_fixed0, CR4_VMXE);
	assert_int_equal(l1.cr4_fixed1, CR4_ALLOWED | CR4_VMXE);
}

UNIT(vmcs_enum_is_the_highest_index_that_can_be_read)
{
	struct vmcs12_index fields;

	build(0);
	vmcs12_index_build(&fields, &l1);
	for (u32 i = 0; i < vmcs_field_count; i++) {
		const struct vmcs_field_info *field = &vmcs_field_table[i];

		if (vmcs12_row(&fields, field->encoding) < VMCS12_ROWS)
			assert_true(VMCS_ENCODING_INDEX(field->encoding) <= l1.vmcs_enum >> 1);
	}
	assert_int_equal(l1.vmcs_enum & 1, 0);
}

UNIT(exactly_the_architectures_msrs_exist)
{
	u64 value;

	build(0);
	for (u32 number = MSR_IA32_VMX_BASIC; number <= MSR_IA32_VMX_TRUE_ENTRY; number++)
		assert_true(caps12_msr(&l1, number, &value));
	assert_false(caps12_msr(&l1, MSR_IA32_VMX_VMFUNC, &value)); /* VM functions are hidden */
	assert_false(caps12_msr(&l1, MSR_IA32_VMX_BASIC - 1, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_offered_that_the_host_lacks),
		cmocka_unit_test(what_must_be_1_may_be_1),
		cmocka_unit_test(older_msrs_ask_for_all_of_default1),
		cmocka_unit_test(true_msrs_let_cr3_exits_and_debug_controls_be_cleared),
		cmocka_unit_test(without_ept_cr3_exits_cannot_be_cleared),
		cmocka_unit_test(basic_names_our_revision_one_page_and_write_back),
		cmocka_unit_test(misc_hides_what_is_not_emulated),
		cmocka_unit_test(timer_is_the_hosts_with_its_rate),
		cmocka_unit_test(cr4_is_l1s_own_and_vmxe),
		cmocka_unit_test(vmcs_enum_is_the_highest_index_that_can_be_read),
		cmocka_unit_test(exactly_the_architectures_msrs_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
