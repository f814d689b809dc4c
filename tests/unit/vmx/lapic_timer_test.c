/* SPDX-License-Identifier: MIT */
/* vmx/lapic_timer.c: counts, deadlines, modes, and random sequences against a timer that ticks. */
#include "lapic_fixture.h"

#define ONE_SHOT 0x00000u
#define PERIODIC 0x20000u
#define DEADLINE 0x40000u
#define MASKED   0x10000u
#define VECTOR   0x40u
#define BY_1     0xbu

static struct lapic_box box;

/* Divider 1: a count takes RATIO TSC ticks. */
static struct lapic *timer_in_mode(u32 mode)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write(lapic, LAPIC_TDCR, BY_1, 0);
	lapic_write(lapic, LAPIC_LVT_TIMER, mode | VECTOR, 0);
	return lapic;
}

static bool take(struct lapic *lapic)
{
	if (lapic_pending_vector(lapic) != (int)VECTOR)
		return false;
	lapic_acknowledge(lapic, VECTOR);
	lapic_write(lapic, LAPIC_EOI, 0, 0);
	return true;
}

UNIT(one_shot_counts_down_fires_once_and_stays_at_zero)
{
	struct lapic *lapic = timer_in_mode(ONE_SHOT);

	assert_int_equal(lapic_write(lapic, LAPIC_TMICT, 100, 1000).kind, LAPIC_TIMER);
	assert_int_equal(lapic_timer_deadline(lapic, 1000), 1000 + 100 * RATIO);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 1000), 100);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 1000 + RATIO - 1), 100);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 1000 + RATIO), 99);
	assert_false(lapic_timer_expire(lapic, 1000 + 100 * RATIO - 1));
	assert_true(lapic_timer_expire(lapic, 1000 + 100 * RATIO));
	assert_true(take(lapic));
	assert_false(lapic_timer_expire(lapic, 9999999));
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 9999999), 0);
	assert_int_equal(lapic_read(lapic, LAPIC_TMICT, 9999999), 100);
	assert_true(lapic_timer_deadline(lapic, 9999999) == LAPIC_NEVER);
}

UNIT(divider_has_its_odd_encoding)
{
	static const struct {
		u32 tdcr, divide;
	} expected[] = { { 0, 2 },  { 1, 4 },  { 2, 8 },    { 3, 16 },
			 { 8, 32 }, { 9, 64 }, { 10, 128 }, { 11, 1 } };
	struct lapic *lapic = timer_in_mode(ONE_SHOT);

	for (u32 i = 0; i < ARRAY_SIZE(expected); i++) {
		lapic_write(lapic, LAPIC_TDCR, expected[i].tdcr, 0);
		lapic_write(lapic, LAPIC_TMICT, 10, 0);
		assert_int_equal(lapic_timer_deadline(lapic, 0), 10 * RATIO * expected[i].divide);
		assert_int_equal(lapic_read(lapic, LAPIC_TDCR, 0), expected[i].tdcr);
	}
}

UNIT(power_up_divider_is_two)
{
	struct lapic *lapic = box_enabled(&box, 0);

	lapic_write(lapic, LAPIC_TMICT, 10, 0);
	assert_int_equal(lapic_timer_deadline(lapic, 0), 20 * RATIO);
}

UNIT(largest_count_and_divider_do_not_overflow)
{
	static u32 page[1024];
	const struct lapic_config config = { .page = page,
					     .physical_bits = 40,
					     .tsc_per_tick = 0xffff };
	struct lapic lapic;

	lapic_create(&lapic, &config);
	lapic_write(&lapic, LAPIC_TDCR, 10, 0);
	lapic_write(&lapic, LAPIC_TMICT, 0xffffffff, 12345);
	assert_true(lapic_timer_deadline(&lapic, 0) == 12345 + 0xffffffffULL * 128 * 0xffff);
	assert_int_equal(lapic_read(&lapic, LAPIC_TMCCT, 12345 + 128 * 0xffff), 0xfffffffe);
}

UNIT(periodic_fires_each_period_in_phase)
{
	struct lapic *lapic = timer_in_mode(PERIODIC);
	const u64 period = 50 * RATIO;

	lapic_write(lapic, LAPIC_TMICT, 50, 7);
	for (u64 i = 1; i < 20; i++) {
		u64 late = i % RATIO;

		assert_int_equal(lapic_timer_deadline(lapic, 7 + i * period - 1), 7 + i * period);
		assert_false(lapic_timer_expire(lapic, 7 + i * period - 1));
		assert_true(lapic_timer_expire(lapic, 7 + i * period + late));
		assert_true(take(lapic));
		assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 7 + i * period + RATIO), 49);
	}
}

UNIT(missed_periods_are_one_interrupt)
{
	struct lapic *lapic = timer_in_mode(PERIODIC);
	const u64 period = 50 * RATIO;

	lapic_write(lapic, LAPIC_TMICT, 50, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 1000 * period + 10 * RATIO), 40);
	assert_true(take(lapic));
	assert_false(lapic_timer_expire(lapic, 1000 * period + 10 * RATIO));
	assert_int_equal(lapic_timer_deadline(lapic, 1000 * period), 1001 * period);
}

UNIT(count_zero_stops)
{
	struct lapic *lapic = timer_in_mode(PERIODIC);

	lapic_write(lapic, LAPIC_TMICT, 50, 0);
	lapic_write(lapic, LAPIC_TMICT, 0, 10);
	assert_true(lapic_timer_deadline(lapic, 10) == LAPIC_NEVER);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 10), 0);
	assert_false(lapic_timer_expire(lapic, 100000));
}

UNIT(masked_timer_runs_silently)
{
	struct lapic *lapic = timer_in_mode(ONE_SHOT | MASKED);

	lapic_write(lapic, LAPIC_TMICT, 50, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 20 * RATIO), 30);
	assert_true(lapic_timer_expire(lapic, 50 * RATIO));
	assert_int_equal(lapic_highest_irr(lapic), LAPIC_NO_VECTOR);
}

UNIT(illegal_timer_vector_is_an_error)
{
	struct lapic *lapic = timer_in_mode(ONE_SHOT);

	lapic_write(lapic, LAPIC_LVT_TIMER, 0x0f, 0);
	lapic_write(lapic, LAPIC_TMICT, 1, 0);
	assert_true(lapic_timer_expire(lapic, RATIO));
	lapic_write(lapic, LAPIC_ESR, 0, 0);
	assert_int_equal(lapic_read(lapic, LAPIC_ESR, 0), 0x40);
}

UNIT(one_shot_and_periodic_change_without_a_reset)
{
	struct lapic *lapic = timer_in_mode(ONE_SHOT);

	lapic_write(lapic, LAPIC_TMICT, 100, 0);
	lapic_write(lapic, LAPIC_LVT_TIMER, PERIODIC | VECTOR, 60 * RATIO);
	assert_int_equal(lapic_read(lapic, LAPIC_TMICT, 60 * RATIO), 100);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 60 * RATIO), 40);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 110 * RATIO), 90);
	lapic_write(lapic, LAPIC_LVT_TIMER, ONE_SHOT | VECTOR, 150 * RATIO);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 150 * RATIO), 50);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 250 * RATIO), 0);
	lapic_write(lapic, LAPIC_LVT_TIMER, PERIODIC | VECTOR, 260 * RATIO);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 270 * RATIO), 0);
	assert_true(lapic_timer_deadline(lapic, 270 * RATIO) == LAPIC_NEVER);
}

UNIT(new_divider_takes_over_the_count)
{
	struct lapic *lapic = timer_in_mode(PERIODIC);

	lapic_write(lapic, LAPIC_TMICT, 100, 0);
	lapic_write(lapic, LAPIC_TDCR, 0, 60 * RATIO); /* by 2 */
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 60 * RATIO), 40);
	assert_int_equal(lapic_timer_deadline(lapic, 0), (60 + 80) * RATIO);
	assert_true(lapic_timer_expire(lapic, 140 * RATIO));
	assert_int_equal(lapic_timer_deadline(lapic, 0), (140 + 200) * RATIO);
}

UNIT(register_write_after_the_deadline_keeps_the_interrupt)
{
	static const u32 offsets[] = { LAPIC_TDCR, LAPIC_TMICT, LAPIC_LVT_TIMER, LAPIC_SVR };

	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct lapic *lapic = timer_in_mode(ONE_SHOT);

		lapic_write(lapic, LAPIC_TMICT, 100, 0);
		lapic_write(lapic, offsets[i], 0, 200 * RATIO);
		assert_int_equal(lapic_highest_irr(lapic), VECTOR);
	}
}

UNIT(tsc_deadline_fires_when_l1s_tsc_gets_there)
{
	struct lapic *lapic = timer_in_mode(DEADLINE);

	lapic_set_tsc_offset(lapic, (u64)-500, 0);
	assert_int_equal(lapic_set_tsc_deadline(lapic, 1000, 600).kind, LAPIC_TIMER);
	assert_int_equal(lapic_tsc_deadline(lapic, 600), 1000);
	assert_int_equal(lapic_timer_deadline(lapic, 600), 1500);
	assert_false(lapic_timer_expire(lapic, 1499));
	assert_true(lapic_timer_expire(lapic, 1500));
	assert_int_equal(lapic_tsc_deadline(lapic, 1500), 0);
	assert_true(take(lapic));
	assert_true(lapic_timer_deadline(lapic, 1500) == LAPIC_NEVER);
}

UNIT(tsc_deadline_in_the_past_is_due_at_once)
{
	struct lapic *lapic = timer_in_mode(DEADLINE);

	lapic_set_tsc_deadline(lapic, 1, 5000);
	assert_true(lapic_timer_deadline(lapic, 5000) <= 5000);
	assert_true(lapic_timer_expire(lapic, 5000));
	assert_true(take(lapic));
}

UNIT(tsc_deadline_zero_disarms)
{
	struct lapic *lapic = timer_in_mode(DEADLINE);

	lapic_set_tsc_deadline(lapic, 1000, 0);
	lapic_set_tsc_deadline(lapic, 0, 10);
	assert_true(lapic_timer_deadline(lapic, 10) == LAPIC_NEVER);
	assert_false(lapic_timer_expire(lapic, 5000));
}

UNIT(passed_tsc_deadline_is_not_lost_to_the_next_write)
{
	struct lapic *lapic = timer_in_mode(DEADLINE);

	lapic_set_tsc_deadline(lapic, 1000, 0);
	lapic_set_tsc_deadline(lapic, 0, 1000);
	assert_true(take(lapic));
	lapic_set_tsc_deadline(lapic, 2000, 1000);
	lapic_set_tsc_offset(lapic, (u64)-2000, 2500);
	assert_true(take(lapic));
}

UNIT(tsc_deadline_far_away_does_not_wrap)
{
	struct lapic *lapic = timer_in_mode(DEADLINE);

	lapic_set_tsc_offset(lapic, (u64)-2000, 3000);
	lapic_set_tsc_deadline(lapic, ~0ULL, 3000);
	assert_true(lapic_timer_deadline(lapic, 3000) == LAPIC_NEVER);
	lapic_set_tsc_offset(lapic, 0, 3000);
	assert_true(lapic_timer_deadline(lapic, 3000) == ~0ULL);
}

UNIT(tsc_deadline_follows_the_tsc_and_the_count_does_not)
{
	struct lapic *lapic = timer_in_mode(DEADLINE);

	lapic_set_tsc_deadline(lapic, 1000, 0);
	lapic_set_tsc_offset(lapic, 400, 100);
	assert_int_equal(lapic_timer_deadline(lapic, 100), 600);
	lapic_write(lapic, LAPIC_LVT_TIMER, ONE_SHOT | VECTOR, 100);
	lapic_write(lapic, LAPIC_TMICT, 100, 100);
	lapic_set_tsc_offset(lapic, 123456789, 110);
	assert_int_equal(lapic_timer_deadline(lapic, 110), 100 + 100 * RATIO);
}

UNIT(tsc_deadline_exists_in_its_mode_only)
{
	static const u32 modes[] = { ONE_SHOT, PERIODIC, DEADLINE | PERIODIC };

	for (u32 i = 0; i < ARRAY_SIZE(modes); i++) {
		struct lapic *lapic = timer_in_mode(modes[i]);

		assert_int_equal(lapic_set_tsc_deadline(lapic, 1000, 0).kind, LAPIC_NOTHING);
		assert_int_equal(lapic_tsc_deadline(lapic, 0), 0);
		assert_true(lapic_timer_deadline(lapic, 0) == LAPIC_NEVER);
	}
}

UNIT(counts_exist_in_the_counting_modes_only)
{
	static const u32 modes[] = { DEADLINE, DEADLINE | PERIODIC };

	for (u32 i = 0; i < ARRAY_SIZE(modes); i++) {
		struct lapic *lapic = timer_in_mode(modes[i]);

		lapic_write(lapic, LAPIC_TMICT, 100, 0);
		assert_int_equal(lapic_read(lapic, LAPIC_TMICT, 0), 0);
		assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 0), 0);
		assert_true(lapic_timer_deadline(lapic, 0) == LAPIC_NEVER);
	}
}

UNIT(mode_change_to_and_from_the_deadline_disarms)
{
	struct lapic *lapic = timer_in_mode(ONE_SHOT);

	lapic_write(lapic, LAPIC_TMICT, 100, 0);
	lapic_write(lapic, LAPIC_LVT_TIMER, DEADLINE | VECTOR, 10);
	assert_true(lapic_timer_deadline(lapic, 10) == LAPIC_NEVER);
	assert_int_equal(lapic_read(lapic, LAPIC_TMICT, 10), 0);
	assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, 10), 0);
	lapic_set_tsc_deadline(lapic, 1000, 10);
	lapic_write(lapic, LAPIC_LVT_TIMER, DEADLINE | 0x50, 20); /* same mode: stays */
	assert_int_equal(lapic_timer_deadline(lapic, 20), 1000);
	lapic_write(lapic, LAPIC_LVT_TIMER, PERIODIC | VECTOR, 30);
	assert_true(lapic_timer_deadline(lapic, 30) == LAPIC_NEVER);
	lapic_write(lapic, LAPIC_LVT_TIMER, DEADLINE | VECTOR, 40);
	assert_int_equal(lapic_tsc_deadline(lapic, 40), 0);
}

/* The naive timer: TSC tick by TSC tick. */
struct ticker {
	u32 count, initial, divide, prescaler;
	bool periodic;
	u32 fired;
};

static void tick(struct ticker *t)
{
	if (t->count == 0 || ++t->prescaler < t->divide * RATIO)
		return;
	t->prescaler = 0;
	if (--t->count > 0)
		return;
	t->fired++;
	if (t->periodic)
		t->count = t->initial;
}

static void random_write(struct ticker *t, struct lapic *lapic, u64 random, u64 now)
{
	switch (random % 3) {
	case 0:
		t->initial = t->count = (u32)(random >> 8) % 40;
		t->prescaler = 0;
		lapic_write(lapic, LAPIC_TMICT, t->initial, now);
		break;
	case 1:
		t->periodic = random & 0x100;
		lapic_write(lapic, LAPIC_LVT_TIMER, (t->periodic ? PERIODIC : 0) | VECTOR, now);
		break;
	default:
		t->divide = 2u << (u32)(random >> 8) % 3;
		t->prescaler = 0; /* the model's choice: a new divider starts a new tick */
		lapic_write(lapic, LAPIC_TDCR, (u32)(random >> 8) % 3, now);
		break;
	}
}

UNIT(random_sequences_agree_with_a_timer_that_ticks)
{
	struct lapic *lapic = timer_in_mode(ONE_SHOT);
	struct ticker t = { .divide = 2 };
	u64 seed = 11;
	u32 fired = 0;

	lapic_write(lapic, LAPIC_TDCR, 0, 0);
	for (u64 now = 1; now < 400000; now++) {
		tick(&t);
		if (lapic_timer_deadline(lapic, now) <= now) {
			assert_true(lapic_timer_expire(lapic, now));
			fired++;
		}
		assert_int_equal(fired, t.fired);
		if (unit_random(&seed) % 97 == 0)
			random_write(&t, lapic, unit_random(&seed) >> 3, now);
		if (now % 5 == 0)
			assert_int_equal(lapic_read(lapic, LAPIC_TMCCT, now), t.count);
	}
	assert_true(fired > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_shot_counts_down_fires_once_and_stays_at_zero),
		cmocka_unit_test(divider_has_its_odd_encoding),
		cmocka_unit_test(power_up_divider_is_two),
		cmocka_unit_test(largest_count_and_divider_do_not_overflow),
		cmocka_unit_test(periodic_fires_each_period_in_phase),
		cmocka_unit_test(missed_periods_are_one_interrupt),
		cmocka_unit_test(count_zero_stops),
		cmocka_unit_test(masked_timer_runs_silently),
		cmocka_unit_test(illegal_timer_vector_is_an_error),
		cmocka_unit_test(one_shot_and_periodic_change_without_a_reset),
		cmocka_unit_test(new_divider_takes_over_the_count),
		cmocka_unit_test(register_write_after_the_deadline_keeps_the_interrupt),
		cmocka_unit_test(tsc_deadline_fires_when_l1s_tsc_gets_there),
		cmocka_unit_test(tsc_deadline_in_the_past_is_due_at_once),
		cmocka_unit_test(tsc_deadline_zero_disarms),
		cmocka_unit_test(passed_tsc_deadline_is_not_lost_to_the_next_write),
		cmocka_unit_test(tsc_deadline_far_away_does_not_wrap),
		cmocka_unit_test(tsc_deadline_follows_the_tsc_and_the_count_does_not),
		cmocka_unit_test(tsc_deadline_exists_in_its_mode_only),
		cmocka_unit_test(counts_exist_in_the_counting_modes_only),
		cmocka_unit_test(mode_change_to_and_from_the_deadline_disarms),
		cmocka_unit_test(random_sequences_agree_with_a_timer_that_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
