/* SPDX-License-Identifier: MIT */
/* Events cut short by an exit, and RIP behind an instruction. */
#include "unit.h"
#include "vmx/event.h"

UNIT(nothing_was_cut_short)
{
	assert_int_equal(inject_requeue_info(0x0b0e), 0);
}

UNIT(an_exception_keeps_vector_type_and_error_code)
{
	assert_int_equal(inject_requeue_info(0x80000b0e), 0x80000b0e);
}

UNIT(undefined_and_reserved_bits_are_dropped)
{
	assert_int_equal(inject_requeue_info(0xfffffb0e), 0x80000b0e);
}

UNIT(rip_wraps_only_outside_64bit_code)
{
	assert_int_equal(insn_next_rip(0x1000, 2, false), 0x1002);
	assert_int_equal(insn_next_rip(0xfffffffe, 4, false), 2);
	assert_int_equal(insn_next_rip(0xfffffffe, 4, true), 0x100000002);
	assert_int_equal(insn_next_rip(0xffff800000000000, 3, true), 0xffff800000000003);
}

UNIT(dr6_takes_the_breakpoints_of_this_exception_only)
{
	assert_int_equal(debug_dr6_after(0xffff0ff6, BIT(0)), 0xffff0ff1);
	assert_int_equal(debug_dr6_after(0xffff0ff6, 0), 0xffff0ff0);
}

UNIT(dr6_keeps_why_until_software_clears_it)
{
	assert_int_equal(debug_dr6_after(0xffff6ff0, DEBUG_SINGLE_STEP), 0xffff6ff0);
	assert_int_equal(debug_dr6_after(0xffff0ff0, DEBUG_REGISTER_ACCESS), 0xffff2ff0);
}

UNIT(dr6_says_bus_lock_and_rtm_by_zeros)
{
	assert_int_equal(debug_dr6_after(0xffff0ff0, DEBUG_BUS_LOCK), 0xffff07f0);
	assert_int_equal(debug_dr6_after(0xffff0ff0, DEBUG_RTM | BIT(1)), 0xfffe0ff2);
}

UNIT(dr6_ignores_what_is_no_bit_of_it)
{
	assert_int_equal(debug_dr6_after(0xffff0ff0, PENDING_DEBUG_ENABLED | BIT(40)), 0xffff0ff0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_was_cut_short),
		cmocka_unit_test(an_exception_keeps_vector_type_and_error_code),
		cmocka_unit_test(undefined_and_reserved_bits_are_dropped),
		cmocka_unit_test(rip_wraps_only_outside_64bit_code),
		cmocka_unit_test(dr6_takes_the_breakpoints_of_this_exception_only),
		cmocka_unit_test(dr6_keeps_why_until_software_clears_it),
		cmocka_unit_test(dr6_says_bus_lock_and_rtm_by_zeros),
		cmocka_unit_test(dr6_ignores_what_is_no_bit_of_it),
	};

	return cmocka_run_group_tests_name("vmx/event", tests, NULL, NULL);
}
