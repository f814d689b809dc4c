/* SPDX-License-Identifier: MIT */
/* L1's MTRRs: which numbers exist, and which values fault. */
#include "unit.h"
#include "hv/msr_index.h"
#include "vmx/guest_mtrr.h"

UNIT(every_register_has_its_own_storage)
{
	struct guest_mtrrs mtrrs = { 0 };
	u64 stamp = 0;

	for (u32 msr = 0; msr < 0x400; msr++) {
		u64 *at = guest_mtrr_find(&mtrrs, msr);

		if (at) {
			assert_int_equal(*at, 0);
			*at = ++stamp;
		}
	}
	assert_int_equal(stamp, 1 + MTRR_FIXED_REGS + 2 * MTRR_VARIABLE);
}

UNIT(other_numbers_are_no_mtrrs)
{
	static const u32 msrs[] = {
		0x1ff, 0x200 + 2 * MTRR_VARIABLE, 0x251, 0x25a, 0x267, 0x270, MSR_IA32_PAT
	};
	struct guest_mtrrs mtrrs;

	for (u32 i = 0; i < ARRAY_SIZE(msrs); i++)
		assert_null(guest_mtrr_find(&mtrrs, msrs[i]));
}

UNIT(memory_types_two_three_and_seven_fault)
{
	for (u64 type = 0; type < 256; type++) {
		bool valid = type == 0 || type == 1 || type == 4 || type == 5 || type == 6;

		assert_int_equal(guest_mtrr_write_faults(MSR_IA32_MTRR_DEF_TYPE, type, 40), !valid);
		assert_int_equal(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0, type, 40),
				 !valid);
		assert_int_equal(
			guest_mtrr_write_faults(MSR_IA32_MTRR_FIX64K_00000, type << 40, 40),
			!valid);
	}
}

UNIT(reserved_bits_fault)
{
	assert_false(guest_mtrr_write_faults(MSR_IA32_MTRR_DEF_TYPE, BIT(11) | BIT(10) | 6, 40));
	assert_true(guest_mtrr_write_faults(MSR_IA32_MTRR_DEF_TYPE, BIT(12), 40));
	assert_true(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0, BIT(8), 40));
	assert_true(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0, BIT(40), 40));
	assert_false(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0 + 1, BIT(39) | BIT(11), 40));
	assert_true(guest_mtrr_write_faults(MSR_IA32_MTRR_PHYSBASE0 + 1, BIT(10), 40));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_register_has_its_own_storage),
		cmocka_unit_test(other_numbers_are_no_mtrrs),
		cmocka_unit_test(memory_types_two_three_and_seven_fault),
		cmocka_unit_test(reserved_bits_fault),
	};

	return cmocka_run_group_tests_name("vmx/guest_mtrr", tests, NULL, NULL);
}
