/* SPDX-License-Identifier: MIT */
/* What the lists of MSRs refuse, at the borders of its ranges. */
#include "unit.h"
#include "hv/msr_index.h"
#include "vmx/nested/msr_list.h"

static bool is_refused(u32 index, enum msr_list_use use)
{
	struct msr_list_entry entry = { .index = index, .data = ~0ULL };

	return msr_list_refusal(&entry, use);
}

UNIT(plain_msrs_are_loaded_and_stored)
{
	static const u32 plain[] = { MSR_IA32_TSC,   MSR_IA32_PAT,
				     MSR_IA32_EFER,  MSR_IA32_KERNEL_GS_BASE,
				     MSR_IA32_LSTAR, 0x7ff,
				     0x900 };

	for (u32 i = 0; i < ARRAY_SIZE(plain); i++) {
		assert_false(is_refused(plain[i], MSR_LIST_LOAD));
		assert_false(is_refused(plain[i], MSR_LIST_STORE));
	}
}

UNIT(x2apic_registers_are_refused)
{
	for (u32 msr = 0x800; msr <= 0x8ff; msr++) {
		assert_true(is_refused(msr, MSR_LIST_LOAD));
		assert_true(is_refused(msr, MSR_LIST_STORE));
	}
}

UNIT(bases_of_fs_and_gs_are_only_stored)
{
	assert_true(is_refused(0xc0000100, MSR_LIST_LOAD));
	assert_true(is_refused(0xc0000101, MSR_LIST_LOAD));
	assert_false(is_refused(0xc0000100, MSR_LIST_STORE));
	assert_false(is_refused(0xc0000101, MSR_LIST_STORE));
}

UNIT(what_belongs_to_smm_is_refused)
{
	assert_true(is_refused(0x9b, MSR_LIST_LOAD));
	assert_false(is_refused(0x9b, MSR_LIST_STORE));
	assert_true(is_refused(0x9e, MSR_LIST_STORE));
	assert_false(is_refused(0x9e, MSR_LIST_LOAD));
}

UNIT(microcode_is_not_loaded)
{
	assert_true(is_refused(0x79, MSR_LIST_LOAD));
	assert_true(is_refused(0x8b, MSR_LIST_LOAD));
	assert_false(is_refused(0x8b, MSR_LIST_STORE));
}

UNIT(reserved_bits_are_refused)
{
	for (u32 bit = 0; bit < 32; bit++) {
		struct msr_list_entry entry = { .index = MSR_IA32_TSC, .reserved = 1u << bit };

		assert_string_equal(msr_list_refusal(&entry, MSR_LIST_LOAD), "reserved bits");
		assert_string_equal(msr_list_refusal(&entry, MSR_LIST_STORE), "reserved bits");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_msrs_are_loaded_and_stored),
		cmocka_unit_test(x2apic_registers_are_refused),
		cmocka_unit_test(bases_of_fs_and_gs_are_only_stored),
		cmocka_unit_test(what_belongs_to_smm_is_refused),
		cmocka_unit_test(microcode_is_not_loaded),
		cmocka_unit_test(reserved_bits_are_refused),
	};

	return cmocka_run_group_tests_name("vmx/nested/msr_list", tests, NULL, NULL);
}
