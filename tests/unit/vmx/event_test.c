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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_was_cut_short),
		cmocka_unit_test(an_exception_keeps_vector_type_and_error_code),
		cmocka_unit_test(undefined_and_reserved_bits_are_dropped),
		cmocka_unit_test(rip_wraps_only_outside_64bit_code),
	};

	return cmocka_run_group_tests_name("vmx/event", tests, NULL, NULL);
}
