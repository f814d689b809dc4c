/* SPDX-License-Identifier: MIT */
/* Names of exit reasons, and that only the numbers which the SDM leaves open have none. */
#include "unit.h"
#include "hv/exit_record.h"
#include "vmx/exit_reasons.h"

static const char unknown[] = "unknown exit reason";

UNIT(known_reasons_have_their_numbers_and_texts)
{
	assert_int_equal(EXIT_CPUID, 10);
	assert_int_equal(EXIT_EPT_VIOLATION, 48);
	assert_string_equal(exit_reason_name(EXIT_CPUID), "CPUID");
	assert_string_equal(exit_reason_name(EXIT_TRIPLE_FAULT), "triple fault");
	assert_string_equal(exit_reason_name(48), "EPT violation");
	assert_string_equal(exit_reason_name(77), "TDCALL");
}

UNIT(only_four_numbers_below_78_are_unassigned)
{
	for (u32 reason = 0; reason < EXIT_REASONS_KNOWN; reason++) {
		bool gap = reason == 35 || reason == 38 || reason == 42 || reason == 71;

		assert_int_equal(strcmp(exit_reason_name(reason), unknown) == 0, gap);
	}
}

UNIT(numbers_past_the_table_are_unknown)
{
	assert_string_equal(exit_reason_name(EXIT_REASONS_KNOWN), unknown);
	assert_string_equal(exit_reason_name(0xffff), unknown);
	assert_string_equal(exit_reason_name(~0u), unknown);
}

UNIT(the_flag_bits_are_no_part_of_the_basic_reason)
{
	assert_int_equal(EXIT_REASON_BASIC(EXIT_REASON_ENTRY_FAILURE | EXIT_ENTRY_GUEST_STATE), 33);
	assert_int_equal(EXIT_REASON_BASIC(EXIT_REASON_BUS_LOCK | EXIT_CPUID), EXIT_CPUID);
}

UNIT(every_known_reason_is_counted_one_by_one)
{
	assert_true(EXIT_REASONS_KNOWN < EXIT_REASONS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_reasons_have_their_numbers_and_texts),
		cmocka_unit_test(only_four_numbers_below_78_are_unassigned),
		cmocka_unit_test(numbers_past_the_table_are_unknown),
		cmocka_unit_test(the_flag_bits_are_no_part_of_the_basic_reason),
		cmocka_unit_test(every_known_reason_is_counted_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
