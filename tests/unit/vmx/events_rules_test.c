/* SPDX-License-Identifier: MIT */
/* When a guest takes events, and what the VMX-preemption timer makes of a deadline. */
#include "unit.h"
#include "hv/msr_index.h"
#include "vmx/event.h"
#include "vmx/events.h"

UNIT(interrupts_want_if_and_no_shadow)
{
	assert_true(may_take_interrupt(RFLAGS_IF, BLOCKED_BY_NMI));
	assert_false(may_take_interrupt(0, 0));
	assert_false(may_take_interrupt(RFLAGS_IF, BLOCKED_BY_STI));
	assert_false(may_take_interrupt(RFLAGS_IF, BLOCKED_BY_MOV_SS));
}

UNIT(nmis_want_no_blocking_of_any_kind)
{
	assert_true(may_take_nmi(0));
	assert_false(may_take_nmi(BLOCKED_BY_NMI));
	assert_false(may_take_nmi(BLOCKED_BY_STI));
	assert_false(may_take_nmi(BLOCKED_BY_MOV_SS));
}

UNIT(a_deadline_that_has_passed_is_0)
{
	for (u32 shift = 0; shift < 32; shift++) {
		assert_int_equal(preemption_timer_value(0, 5000, shift), 0);
		assert_int_equal(preemption_timer_value(5000, 5000, shift), 0);
		assert_int_equal(preemption_timer_value(4999, 5000, shift), 0);
	}
}

UNIT(a_value_has_32_bits)
{
	assert_int_equal(preemption_timer_value(1ULL << 32, 0, 0), ~0u);
	assert_int_equal(preemption_timer_value(1ULL << 32, 1, 0), ~0u);
	assert_int_equal(preemption_timer_value(1ULL << 32, 2, 0), ~0u - 1);
	assert_int_equal(preemption_timer_value(~0ULL - 1, 0, 31), ~0u);
}

/* The CPU counts down each time that bit `shift` of the TSC changes, from the entry on. */
static u64 expires_at(u32 value, u64 entered, u32 shift)
{
	return value ? ((entered >> shift) + value) << shift : entered;
}

UNIT(the_timer_never_expires_before_the_deadline_and_at_most_a_tick_behind)
{
	u64 seed = 5;

	for (u32 i = 0; i < 200000; i++) {
		u32 shift = (u32)(unit_random(&seed) % 10);
		u64 now = unit_random(&seed) >> 8;
		u64 deadline = now + unit_random(&seed) % 100000;
		u64 at = expires_at(preemption_timer_value(deadline, now, shift), now, shift);

		assert_true(at >= deadline);
		assert_true(at < deadline + (1ULL << shift));
	}
}

UNIT(a_values_deadline_is_when_the_cpu_would_be_at_0)
{
	u64 seed = 7;

	for (u32 i = 0; i < 200000; i++) {
		u32 shift = (u32)(unit_random(&seed) % 10);
		u32 value = (u32)unit_random(&seed) >> unit_random(&seed) % 32;
		u64 now = unit_random(&seed) >> 8;
		u64 deadline = preemption_timer_deadline(value, now, shift);

		assert_int_equal(preemption_timer_value(deadline, now, shift), value);
		if (value)
			assert_int_equal(expires_at(value, now, shift), deadline);
		else
			assert_true(deadline <= now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupts_want_if_and_no_shadow),
		cmocka_unit_test(nmis_want_no_blocking_of_any_kind),
		cmocka_unit_test(a_deadline_that_has_passed_is_0),
		cmocka_unit_test(a_value_has_32_bits),
		cmocka_unit_test(
			the_timer_never_expires_before_the_deadline_and_at_most_a_tick_behind),
		cmocka_unit_test(a_values_deadline_is_when_the_cpu_would_be_at_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
