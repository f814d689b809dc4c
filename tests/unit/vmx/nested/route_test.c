/* SPDX-License-Identifier: MIT */
/* The table of owners against lists written apart, which together are all exit reasons. */
#include "route_fixture.h"

static const u8 always_l1[] = { 2,  3,  4,  9,  10, 11, 13, 18, 19, 20, 21, 22,
				24, 26, 27, 33, 34, 43, 45, 50, 53, 55, 56 };
static const u8 always_l0[] = { 5, 6, 17, 41, 48, 49, 62, 74, 75, 76, 77 };
/* Their rules: tests/unit/vmx/nested/route_rules_test.c. */
static const u8 by_rule[] = { 0, 23, 25, 28, 30, 31, 32, 37, 40, 59, 60, 63, 64, 65, 69, 70 };

static const struct {
	enum control_set set;
	u8 reason, bit;
} by_control[] = {
	{ CONTROL_SET_PIN, 1, 0 },    { CONTROL_SET_PIN, 52, 6 },   { CONTROL_SET_CPU, 7, 2 },
	{ CONTROL_SET_CPU, 12, 7 },   { CONTROL_SET_CPU, 14, 9 },   { CONTROL_SET_CPU, 58, 9 },
	{ CONTROL_SET_CPU, 36, 10 },  { CONTROL_SET_CPU, 15, 11 },  { CONTROL_SET_CPU, 16, 12 },
	{ CONTROL_SET_CPU, 51, 12 },  { CONTROL_SET_CPU, 67, 12 },  { CONTROL_SET_CPU, 68, 12 },
	{ CONTROL_SET_CPU, 8, 22 },   { CONTROL_SET_CPU, 29, 23 },  { CONTROL_SET_CPU, 39, 29 },
	{ CONTROL_SET_CPU2, 44, 0 },  { CONTROL_SET_CPU2, 46, 2 },  { CONTROL_SET_CPU2, 47, 2 },
	{ CONTROL_SET_CPU2, 54, 6 },  { CONTROL_SET_CPU2, 57, 11 }, { CONTROL_SET_CPU2, 61, 16 },
	{ CONTROL_SET_CPU2, 72, 21 }, { CONTROL_SET_CPU2, 73, 21 }, { CONTROL_SET_CPU2, 66, 23 },
};

static const u32 unassigned[] = { 35, 38, 42, 71, 78, 79, 100, 0x7fff, 0xffff };

static void all_controls(u64 value)
{
	f.v12.PIN_CONTROLS = f.v12.CPU_CONTROLS = f.v12.CPU_CONTROLS2 = value;
}

UNIT(every_exit_reason_has_a_row)
{
#define EXIT_REASON(number, name, text) \
	if (!route_is_known(number))    \
		fail_msg("exit %u (%s) has no row", number, text);
#include "vmx/exit_reasons.def"
#undef EXIT_REASON
}

UNIT(every_exit_reason_is_in_one_list_of_this_test)
{
	u8 times[EXIT_REASONS_KNOWN] = { 0 };

	for (u32 i = 0; i < ARRAY_SIZE(always_l1); i++)
		times[always_l1[i]]++;
	for (u32 i = 0; i < ARRAY_SIZE(always_l0); i++)
		times[always_l0[i]]++;
	for (u32 i = 0; i < ARRAY_SIZE(by_rule); i++)
		times[by_rule[i]]++;
	for (u32 i = 0; i < ARRAY_SIZE(by_control); i++)
		times[by_control[i].reason]++;
	for (u32 reason = 0; reason < EXIT_REASONS_KNOWN; reason++)
		assert_int_equal(times[reason], route_is_known(reason));
}

UNIT(some_are_l1s_whatever_its_controls)
{
	for (u32 i = 0; i < ARRAY_SIZE(always_l1); i++) {
		for (u32 on = 0; on < 2; on++) {
			all_controls(on ? ~0u : 0);
			assert_true(wants(always_l1[i]));
			assert_false(l0_wants(&f.exit));
		}
	}
}

UNIT(some_are_l0s_whatever_l1s_controls)
{
	for (u32 i = 0; i < ARRAY_SIZE(always_l0); i++) {
		for (u32 on = 0; on < 2; on++) {
			all_controls(on ? ~0u : 0);
			assert_false(wants(always_l0[i]));
			assert_true(l0_wants(&f.exit));
		}
	}
}

/* Only its own control counts, and a secondary one only where they are activated. */
UNIT(some_follow_one_control)
{
	for (u32 i = 0; i < ARRAY_SIZE(by_control); i++) {
		u64 mask = 1u << by_control[i].bit;
		u64 *word = by_control[i].set == CONTROL_SET_PIN   ? &f.v12.PIN_CONTROLS
			    : by_control[i].set == CONTROL_SET_CPU ? &f.v12.CPU_CONTROLS
								   : &f.v12.CPU_CONTROLS2;

		all_controls(0);
		f.v12.CPU_CONTROLS = BIT(31);
		assert_false(wants(by_control[i].reason));
		*word |= mask;
		assert_true(wants(by_control[i].reason));
		all_controls(~0u);
		*word &= ~mask;
		assert_false(wants(by_control[i].reason));
		*word |= mask;
		f.v12.CPU_CONTROLS &= ~BIT(31);
		assert_int_equal(wants(by_control[i].reason),
				 by_control[i].set != CONTROL_SET_CPU2);
	}
}

UNIT(l0_leaves_to_l1_what_it_may_ask_for)
{
	f.exit.timer_of_l1 = true;
	for (u32 i = 0; i < ARRAY_SIZE(by_control); i++) {
		f.exit.reason = by_control[i].reason;
		assert_int_equal(l0_wants(&f.exit), by_control[i].reason == 1);
	}
	for (u32 i = 0; i < ARRAY_SIZE(by_rule); i++) {
		f.exit.reason = by_rule[i];
		assert_false(l0_wants(&f.exit));
	}
}

UNIT(timer_is_whose_deadline_it_ran_for)
{
	f.exit.reason = EXIT_PREEMPTION_TIMER;
	assert_true(l0_wants(&f.exit));
	f.exit.timer_of_l1 = true;
	assert_false(l0_wants(&f.exit));
}

UNIT(nmi_and_machine_check_are_the_hosts)
{
	f.exit.reason = EXIT_EXCEPTION_NMI;
	for (u32 type = 0; type < 8; type++) {
		for (u32 vector = 0; vector < 32; vector++) {
			f.exit.intr_info = INTR_INFO_VALID | type << 8 | vector;
			assert_int_equal(l0_wants(&f.exit),
					 type == 2 || (type == 3 && vector == 18));
		}
	}
}

UNIT(unknown_reason_goes_to_l1)
{
	all_controls(~0u);
	for (u32 i = 0; i < ARRAY_SIZE(unassigned); i++) {
		assert_false(route_is_known(unassigned[i]));
		assert_true(wants(unassigned[i]));
		assert_false(l0_wants(&f.exit));
	}
}

UNIT(flags_of_the_reason_do_not_count)
{
	const u32 flags = EXIT_REASON_ENTRY_FAILURE | EXIT_REASON_BUS_LOCK | EXIT_REASON_ENCLAVE |
			  EXIT_REASON_PENDING_MTF;

	assert_true(route_is_known(flags | EXIT_ENTRY_GUEST_STATE));
	assert_true(wants(flags | EXIT_ENTRY_MSR_LOAD));
	assert_false(wants(flags | EXIT_HLT));
	assert_false(wants(flags | EXIT_EPT_VIOLATION));
	assert_true(l0_wants(&f.exit));
	f.exit.reason = flags | EXIT_EXTERNAL_INTERRUPT;
	assert_true(l0_wants(&f.exit));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_exit_reason_has_a_row, set_up),
		cmocka_unit_test_setup(every_exit_reason_is_in_one_list_of_this_test, set_up),
		cmocka_unit_test_setup(some_are_l1s_whatever_its_controls, set_up),
		cmocka_unit_test_setup(some_are_l0s_whatever_l1s_controls, set_up),
		cmocka_unit_test_setup(some_follow_one_control, set_up),
		cmocka_unit_test_setup(l0_leaves_to_l1_what_it_may_ask_for, set_up),
		cmocka_unit_test_setup(timer_is_whose_deadline_it_ran_for, set_up),
		cmocka_unit_test_setup(nmi_and_machine_check_are_the_hosts, set_up),
		cmocka_unit_test_setup(unknown_reason_goes_to_l1, set_up),
		cmocka_unit_test_setup(flags_of_the_reason_do_not_count, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/route", tests, NULL, NULL);
}
