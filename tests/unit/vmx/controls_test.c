/* SPDX-License-Identifier: MIT */
/* The table of VMX controls: its masks, its order, and which of them vmcs01 asks for. */
#include "unit.h"
#include "vmx/controls.h"

UNIT(rows_stand_by_set_then_bit)
{
	for (u32 i = 1; i < control_count; i++) {
		const struct control_info *a = &control_table[i - 1], *b = &control_table[i];

		assert_true(a->set * 32 + a->bit < b->set * 32 + b->bit);
	}
}

UNIT(no_two_controls_have_one_text)
{
	for (u32 i = 0; i < control_count; i++) {
		for (u32 j = i + 1; j < control_count; j++)
			assert_string_not_equal(control_table[i].text, control_table[j].text);
	}
}

UNIT(masks_have_the_bits_of_the_manual)
{
	assert_int_equal(PIN_NMI_EXITING, 0x8);
	assert_int_equal(CPU_HLT_EXITING, 0x80);
	assert_int_equal(CPU_SECONDARY, 0x80000000u);
	assert_int_equal(CPU2_ENABLE_EPT, 0x2);
	assert_int_equal(CPU2_UNRESTRICTED_GUEST, 0x80);
	assert_int_equal(EXIT_CTL_HOST_64BIT, 0x200);
	assert_int_equal(ENTRY_CTL_IA32E_MODE, 0x200);
}

UNIT(vmcs01_needs_exactly_what_the_design_names)
{
	assert_int_equal(controls_needed(CONTROL_SET_PIN),
			 PIN_EXT_INT_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMI);
	assert_int_equal(controls_needed(CONTROL_SET_CPU),
			 CPU_USE_TSC_OFFSETTING | CPU_HLT_EXITING | CPU_MWAIT_EXITING |
				 CPU_RDPMC_EXITING | CPU_UNCOND_IO | CPU_MSR_BITMAPS |
				 CPU_MONITOR_EXITING | CPU_SECONDARY);
	assert_int_equal(controls_needed(CONTROL_SET_CPU2),
			 CPU2_ENABLE_EPT | CPU2_UNRESTRICTED_GUEST);
	assert_int_equal(controls_needed(CONTROL_SET_EXIT),
			 EXIT_CTL_HOST_64BIT | EXIT_CTL_ACK_INT | EXIT_CTL_SAVE_PAT |
				 EXIT_CTL_LOAD_PAT | EXIT_CTL_SAVE_EFER | EXIT_CTL_LOAD_EFER);
	assert_int_equal(controls_needed(CONTROL_SET_ENTRY),
			 ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_EFER);
}

UNIT(needed_and_wanted_are_disjoint)
{
	for (u32 set = 0; set < CONTROL_SETS; set++)
		assert_int_equal(controls_needed(set) & controls_wanted(set), 0);
	assert_int_equal(controls_wanted(CONTROL_SET_CPU2), CPU2_ENABLE_RDTSCP | CPU2_ENABLE_VPID |
								    CPU2_ENABLE_INVPCID |
								    CPU2_ENABLE_XSAVES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_stand_by_set_then_bit),
		cmocka_unit_test(no_two_controls_have_one_text),
		cmocka_unit_test(masks_have_the_bits_of_the_manual),
		cmocka_unit_test(vmcs01_needs_exactly_what_the_design_names),
		cmocka_unit_test(needed_and_wanted_are_disjoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
