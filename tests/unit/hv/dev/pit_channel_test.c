/* SPDX-License-Identifier: MIT */
/* One 8254 counter, in all modes, beside a naive one that is clocked tick by tick. */
#include "unit.h"
#include "hv/dev/clock.h"
#include "hv/dev/pit_channel.h"

/* The counter as the data sheet tells it: one step a clock. */
struct naive {
	u32 mode, cr, ce, mod;
	bool gate, out, load, counting, armed; /* armed: the first zero is still to come */
	bool odd;
};

static void naive_load(struct naive *n)
{
	n->odd = n->mode == PIT_SQUARE && (n->cr & 1);
	n->ce = n->cr - n->odd;
	n->load = false;
	n->armed = true;
	n->counting = true;
}

static void naive_square_clock(struct naive *n)
{
	if (n->odd && n->out && n->ce == 0) {
		n->out = false;
		naive_load(n);
		return;
	}
	n->ce -= 2;
	if (n->ce == 0 && !(n->odd && n->out)) {
		n->out = !n->out;
		naive_load(n);
	}
}

static void naive_clock(struct naive *n)
{
	bool gated = n->mode != PIT_ONE_SHOT && n->mode != PIT_GATED_STROBE;

	if (n->load) {
		naive_load(n);
		if (n->mode == PIT_ONE_SHOT)
			n->out = false;
		if (n->mode >= PIT_STROBE)
			n->out = true;
		return;
	}
	if (!n->counting || (gated && !n->gate))
		return;
	if (n->mode == PIT_SQUARE) {
		naive_square_clock(n);
	} else if (n->mode == PIT_RATE) {
		if (n->ce == 1)
			naive_load(n);
		else
			n->ce--;
		n->out = n->ce != 1;
	} else {
		bool zero;

		n->ce = n->ce ? n->ce - 1 : n->mod - 1;
		zero = n->ce == 0 && n->armed;
		n->armed = n->armed && !zero;
		if (n->mode >= PIT_STROBE)
			n->out = !zero;
		else if (zero)
			n->out = true;
	}
}

static void naive_gate(struct naive *n, bool gate)
{
	bool rises = gate && !n->gate;

	n->gate = gate;
	if (n->mode == PIT_RATE || n->mode == PIT_SQUARE) {
		if (!gate)
			n->out = true;
		else if (rises && n->counting)
			n->load = true;
	} else if (rises && n->cr && (n->mode == PIT_ONE_SHOT || n->mode == PIT_GATED_STROBE)) {
		n->load = true;
	}
}

static void naive_write(struct naive *n, u32 count)
{
	bool first = !n->counting;

	n->cr = count;
	switch ((enum pit_mode)n->mode) {
	case PIT_TERMINAL_COUNT:
		n->out = false;
		n->load = true;
		n->counting = false;
		break;
	case PIT_STROBE:
		n->load = true;
		break;
	case PIT_RATE:
	case PIT_SQUARE:
		if (first)
			n->load = true;
		break;
	case PIT_ONE_SHOT:
	case PIT_GATED_STROBE:
		break;
	}
}

static struct pit_channel channel(u32 mode, bool bcd, bool gate)
{
	struct pit_channel ch = { .gate = gate };

	pit_channel_control(&ch, (u8)(0x30 | mode << 1 | bcd));
	return ch;
}

static void write_both(struct pit_channel *ch, u32 value, u64 tick)
{
	pit_channel_write(ch, (u8)value, tick);
	pit_channel_write(ch, (u8)(value >> 8), tick);
}

static u32 read_both(struct pit_channel *ch, u64 tick)
{
	u32 low = pit_channel_read(ch, tick);

	return low | (u32)pit_channel_read(ch, tick) << 8;
}

/* One clock of both; the rise that was foretold must be this one's or none. */
static void clock_both(struct pit_channel *ch, struct naive *n, u64 *tick)
{
	u64 foretold = pit_channel_next_rise(ch, *tick);
	bool before = pit_channel_out(ch, *tick);
	bool standing = (n->mode == PIT_RATE || n->mode == PIT_SQUARE) && !n->gate;

	naive_clock(n);
	pit_channel_catch_up(ch, ++*tick);
	assert_true(foretold >= *tick);
	assert_int_equal(pit_channel_out(ch, *tick), n->out);
	assert_int_equal(foretold == *tick, !before && n->out);
	if (n->counting && !standing)
		assert_int_equal(read_both(ch, *tick), n->ce % n->mod);
}

static void run_mode(u32 mode)
{
	static const u32 counts[] = { 2, 3, 4, 5, 8, 17, 100, 101 };

	for (u32 i = 0; i < ARRAY_SIZE(counts); i++) {
		struct pit_channel ch = channel(mode, false, mode != 1 && mode != 5);
		struct naive n = { .mode = mode, .mod = 65536, .out = mode != 0, .gate = ch.gate };
		u64 tick = 1000;

		write_both(&ch, counts[i], tick);
		naive_write(&n, counts[i]);
		pit_channel_set_gate(&ch, true, tick);
		naive_gate(&n, true);
		for (u32 clock = 0; clock < 4 * counts[i] + 10; clock++)
			clock_both(&ch, &n, &tick);
	}
}

UNIT(mode_0_rises_at_terminal_count)
{
	run_mode(PIT_TERMINAL_COUNT);
}

UNIT(mode_1_is_one_low_pulse_after_the_gate)
{
	run_mode(PIT_ONE_SHOT);
}

UNIT(mode_2_is_low_for_one_clock_of_each_period)
{
	run_mode(PIT_RATE);
}

UNIT(mode_3_is_a_square_wave)
{
	run_mode(PIT_SQUARE);
}

UNIT(mode_4_strobes_after_the_count)
{
	run_mode(PIT_STROBE);
}

UNIT(mode_5_strobes_after_the_gate_and_the_count)
{
	run_mode(PIT_GATED_STROBE);
}

UNIT(random_counts_and_gates_follow_the_naive_counter)
{
	u64 seed = 11;

	for (u32 round = 0; round < 600; round++) {
		u32 mode = round % 6;
		struct pit_channel ch = channel(mode, false, true);
		struct naive n = { .mode = mode, .mod = 65536, .out = mode != 0, .gate = true };
		u64 tick = unit_random(&seed) >> 20;

		for (u32 clock = 0; clock < 300; clock++) {
			u32 random = (u32)(unit_random(&seed) >> 32);
			u32 count = 2 + (random >> 8) % 30;

			if (random % 16 == 0) {
				write_both(&ch, count, tick);
				naive_write(&n, count);
			} else if (random % 16 == 1) {
				pit_channel_set_gate(&ch, !ch.gate, tick);
				naive_gate(&n, ch.gate);
			}
			clock_both(&ch, &n, &tick);
		}
	}
}

/* A look that comes late sees the same as one at every tick. */
UNIT(late_looks_see_the_same)
{
	u64 seed = 23;

	for (u32 round = 0; round < 2000; round++) {
		u32 mode = round % 6;
		struct pit_channel often = channel(mode, false, false), once;
		u64 tick = 500, steps = unit_random(&seed) % 200;

		write_both(&often, 3 + (u32)(unit_random(&seed) % 40), tick);
		pit_channel_set_gate(&often, true, tick);
		tick += 1 + unit_random(&seed) % 100;
		pit_channel_catch_up(&often, tick);
		write_both(&often, 3 + (u32)(unit_random(&seed) % 40), tick);
		once = often;
		for (u64 i = 1; i <= steps; i++)
			pit_channel_catch_up(&often, tick + i);
		pit_channel_catch_up(&once, tick + steps);
		assert_int_equal(read_both(&once, tick + steps), read_both(&often, tick + steps));
		assert_int_equal(pit_channel_out(&once, tick + steps),
				 pit_channel_out(&often, tick + steps));
		assert_true(pit_channel_next_rise(&once, tick + steps) ==
			    pit_channel_next_rise(&often, tick + steps));
	}
}

UNIT(a_foretold_rise_is_the_first)
{
	u64 seed = 5;

	for (u32 round = 0; round < 3000; round++) {
		struct pit_channel ch = channel(round % 6, false, false), probe;
		u64 tick = 77, rise, t;

		write_both(&ch, 2 + (u32)(unit_random(&seed) % 40), tick);
		pit_channel_set_gate(&ch, true, tick);
		tick += 1 + unit_random(&seed) % 60;
		pit_channel_catch_up(&ch, tick);
		if (round & 8)
			write_both(&ch, 1 + (u32)(unit_random(&seed) % 40), tick);
		rise = pit_channel_next_rise(&ch, tick);
		probe = ch;
		for (t = tick + 1; t < tick + 300; t++) {
			bool before = pit_channel_out(&probe, t - 1);

			pit_channel_catch_up(&probe, t);
			if (!before && pit_channel_out(&probe, t))
				break;
		}
		if (t < tick + 300)
			assert_int_equal(rise, t);
		else
			assert_true(rise == CLOCK_NEVER);
	}
}

UNIT(a_count_of_zero_is_the_longest)
{
	static const struct {
		bool bcd;
		u64 clocks;
	} rows[] = { { false, 65536 }, { true, 10000 } };

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pit_channel ch = channel(PIT_TERMINAL_COUNT, rows[i].bcd, true);

		write_both(&ch, 0, 9);
		assert_int_equal(read_both(&ch, 10), 0);
		assert_int_equal(pit_channel_next_rise(&ch, 10), 10 + rows[i].clocks);
		assert_int_equal(read_both(&ch, 11), rows[i].bcd ? 0x9999 : 0xffff);
	}
}

UNIT(bcd_counts_in_decimal)
{
	struct pit_channel ch = channel(PIT_RATE, true, true);

	write_both(&ch, 0x1234, 0);
	assert_int_equal(read_both(&ch, 1), 0x1234);
	assert_int_equal(read_both(&ch, 1 + 35), 0x1199);
	assert_int_equal(read_both(&ch, 1 + 1233), 0x0001);
	assert_int_equal(read_both(&ch, 1 + 1234), 0x1234);
}

UNIT(a_count_of_one_never_rises_in_periodic_modes)
{
	for (u32 mode = PIT_RATE; mode <= PIT_SQUARE; mode++) {
		struct pit_channel ch = channel(mode, false, true);

		write_both(&ch, 1, 0);
		assert_true(pit_channel_next_rise(&ch, 5) == CLOCK_NEVER);
	}
}

UNIT(modes_6_and_7_are_2_and_3)
{
	struct pit_channel ch = channel(6, false, true);

	write_both(&ch, 100, 0);
	assert_int_equal(pit_channel_next_rise(&ch, 1), 101);
	pit_channel_latch_status(&ch, 1);
	assert_int_equal(pit_channel_read(&ch, 1) & 0x0e, 6 << 1);
}

UNIT(single_byte_access_sets_the_other_to_zero)
{
	struct pit_channel ch = channel(PIT_RATE, false, true);

	pit_channel_control(&ch, 0x14);
	pit_channel_write(&ch, 0x12, 0);
	assert_int_equal(pit_channel_next_rise(&ch, 1), 1 + 0x12);
	assert_int_equal(pit_channel_read(&ch, 1), 0x12);
	assert_int_equal(pit_channel_read(&ch, 1), 0x12);
	pit_channel_control(&ch, 0x24);
	pit_channel_write(&ch, 0x12, 0);
	assert_int_equal(pit_channel_next_rise(&ch, 1), 1 + 0x1200);
	assert_int_equal(pit_channel_read(&ch, 1), 0x12);
}

UNIT(a_latched_count_stays_until_it_is_read)
{
	struct pit_channel ch = channel(PIT_RATE, false, true);

	write_both(&ch, 0x1000, 0);
	pit_channel_latch_count(&ch, 1 + 0x10);
	pit_channel_latch_count(&ch, 1 + 0x20);
	assert_int_equal(read_both(&ch, 500), 0x0ff0);
	assert_int_equal(read_both(&ch, 1 + 0x30), 0x0fd0);
}

UNIT(status_comes_before_the_count_and_tells_null)
{
	struct pit_channel ch = channel(PIT_SQUARE, false, true);

	pit_channel_latch_status(&ch, 0);
	assert_int_equal(pit_channel_read(&ch, 0), 0x80 | 0x40 | 0x30 | 3 << 1);
	write_both(&ch, 10, 0);
	pit_channel_latch_status(&ch, 0);
	assert_int_equal(pit_channel_read(&ch, 0), 0xf6);
	pit_channel_latch_status(&ch, 1);
	assert_int_equal(pit_channel_read(&ch, 1), 0xb6);
	write_both(&ch, 20, 2); /* waits for the end of the half */
	pit_channel_latch_status(&ch, 5);
	pit_channel_latch_count(&ch, 5);
	assert_int_equal(pit_channel_read(&ch, 5), 0xf6);
	assert_int_equal(read_both(&ch, 5), 2);
	pit_channel_catch_up(&ch, 6);
	pit_channel_latch_status(&ch, 6);
	assert_int_equal(pit_channel_read(&ch, 6), 0x36);
	assert_int_equal(read_both(&ch, 6), 20);
}

UNIT(mode_0_stops_at_the_first_of_two_bytes)
{
	struct pit_channel ch = channel(PIT_TERMINAL_COUNT, false, true);

	write_both(&ch, 10, 0);
	assert_true(pit_channel_out(&ch, 11));
	pit_channel_write(&ch, 20, 12);
	assert_false(pit_channel_out(&ch, 12));
	assert_true(pit_channel_next_rise(&ch, 12) == CLOCK_NEVER);
	pit_channel_write(&ch, 0, 15);
	assert_int_equal(pit_channel_next_rise(&ch, 15), 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mode_0_rises_at_terminal_count),
		cmocka_unit_test(mode_1_is_one_low_pulse_after_the_gate),
		cmocka_unit_test(mode_2_is_low_for_one_clock_of_each_period),
		cmocka_unit_test(mode_3_is_a_square_wave),
		cmocka_unit_test(mode_4_strobes_after_the_count),
		cmocka_unit_test(mode_5_strobes_after_the_gate_and_the_count),
		cmocka_unit_test(random_counts_and_gates_follow_the_naive_counter),
		cmocka_unit_test(late_looks_see_the_same),
		cmocka_unit_test(a_foretold_rise_is_the_first),
		cmocka_unit_test(a_count_of_zero_is_the_longest),
		cmocka_unit_test(bcd_counts_in_decimal),
		cmocka_unit_test(a_count_of_one_never_rises_in_periodic_modes),
		cmocka_unit_test(modes_6_and_7_are_2_and_3),
		cmocka_unit_test(single_byte_access_sets_the_other_to_zero),
		cmocka_unit_test(a_latched_count_stays_until_it_is_read),
		cmocka_unit_test(status_comes_before_the_count_and_tells_null),
		cmocka_unit_test(mode_0_stops_at_the_first_of_two_bytes),
	};

	return cmocka_run_group_tests_name("hv/dev/pit_channel", tests, NULL, NULL);
}
