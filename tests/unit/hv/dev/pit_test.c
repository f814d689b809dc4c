/* SPDX-License-Identifier: MIT */
/* The 8254 on its bus: IRQ0's edges, latches over ports, channel 2 at port 61h. */
#include "irq_spy.h"
#include "unit.h"
#include "hv/dev/clock.h"
#include "hv/dev/pit.h"

#define MHZ 1000000ULL

static struct pit fresh(u64 tsc_hz)
{
	struct pit pit;

	pit_init(&pit, tsc_hz, irq_spy());
	return pit;
}

/* With the TSC at the crystal's own frequency, `now` is the tick. */
static struct pit ticking(u8 control, u32 count)
{
	struct pit pit = fresh(PIT_HZ);

	pit_write(&pit, 0x43, control, 0);
	pit_write(&pit, 0x40, (u8)count, 0);
	pit_write(&pit, 0x40, (u8)(count >> 8), 0);
	rises = 0;
	return pit;
}

UNIT(nothing_happens_before_it_is_programmed)
{
	struct pit pit = fresh(2000 * MHZ);

	assert_true(pit_next_deadline(&pit) == CLOCK_NEVER);
	pit_advance(&pit, 1000000 * MHZ);
	assert_int_equal(rises, 0);
	assert_false(level);
}

UNIT(irq0_rises_at_its_deadlines)
{
	static const u64 frequencies[] = { PIT_HZ, 5 * MHZ, 50 * MHZ, 3499 * MHZ };

	for (u32 i = 0; i < ARRAY_SIZE(frequencies); i++) {
		struct pit pit = fresh(frequencies[i]);
		u64 start = 12345678901ULL, when = start;

		pit_write(&pit, 0x43, 0x34, start);
		pit_write(&pit, 0x40, 0xa9, start);
		pit_write(&pit, 0x40, 0x04, start); /* 1193: 1 ms */
		rises = 0;
		for (u32 n = 1; n <= 1000; n++) {
			when = pit_next_deadline(&pit);
			pit_advance(&pit, when - 1);
			assert_int_equal(rises, n - 1);
			pit_advance(&pit, when);
			assert_int_equal(rises, n);
		}
		/* 1193000 clocks after the load, which is one clock after the write. */
		assert_int_equal(
			when, clock_when(clock_ticks(start, frequencies[i], PIT_HZ) + 1 + 1193000,
					 frequencies[i], PIT_HZ));
	}
}

UNIT(a_one_shot_rises_once)
{
	struct pit pit = ticking(0x30, 100);

	assert_false(level);
	assert_int_equal(pit_next_deadline(&pit), 101);
	pit_advance(&pit, 100);
	assert_false(level);
	pit_advance(&pit, 101);
	assert_true(level);
	assert_true(pit_next_deadline(&pit) == CLOCK_NEVER);
	pit_advance(&pit, 70000);
	assert_int_equal(rises, 1);
}

UNIT(rearming_a_one_shot_lets_irq0_fall)
{
	struct pit pit = ticking(0x30, 100);

	pit_advance(&pit, 500);
	pit_write(&pit, 0x40, 50, 600);
	assert_false(level);
	pit_write(&pit, 0x40, 0, 600);
	assert_int_equal(pit_next_deadline(&pit), 651);
}

UNIT(missed_periods_are_one_edge)
{
	struct pit pit = ticking(0x34, 1000);

	pit_advance(&pit, 10500);
	assert_int_equal(rises, 1);
	assert_int_equal(pit_next_deadline(&pit), 11001);
}

UNIT(a_square_wave_falls_in_between)
{
	struct pit pit = ticking(0x36, 1000);

	pit_advance(&pit, 600);
	assert_false(level);
	pit_advance(&pit, 1001);
	assert_true(level);
	assert_int_equal(rises, 1);
}

UNIT(an_access_sees_edges_that_are_due)
{
	struct pit pit = ticking(0x34, 1000);

	pit_read(&pit, 0x40, 1001);
	assert_int_equal(rises, 1);
}

UNIT(time_that_goes_back_changes_nothing)
{
	struct pit pit = ticking(0x34, 1000);

	pit_advance(&pit, 5000);
	pit_advance(&pit, 900);
	pit_advance(&pit, 5000);
	assert_int_equal(rises, 1);
}

UNIT(the_latch_command_and_read_back_work_over_the_ports)
{
	struct pit pit = ticking(0x34, 0x1000);

	pit_write(&pit, 0x43, 0x00, 0x11); /* latch channel 0 */
	assert_int_equal(pit_read(&pit, 0x40, 0x50), 0xf0);
	assert_int_equal(pit_read(&pit, 0x40, 0x60), 0x0f);
	pit_write(&pit, 0x43, 0xc2, 0x101); /* read back: count and status of channel 0 */
	assert_int_equal(pit_read(&pit, 0x40, 0x200), 0xb4);
	assert_int_equal(pit_read(&pit, 0x40, 0x200), 0x00);
	assert_int_equal(pit_read(&pit, 0x40, 0x200), 0x0f);
	pit_write(&pit, 0x43, 0xd2, 0x201); /* count only */
	assert_int_equal(pit_read(&pit, 0x40, 0x300), 0x00);
	assert_int_equal(pit_read(&pit, 0x40, 0x300), 0x0e);
	pit_write(&pit, 0x43, 0xe2, 0x301); /* status only */
	assert_int_equal(pit_read(&pit, 0x40, 0x301), 0xb4);
	assert_int_equal(pit_read(&pit, 0x40, 0x301), 0x00);
}

UNIT(read_back_names_its_channels)
{
	struct pit pit = ticking(0x34, 0x1000);

	pit_write(&pit, 0x43, 0xee, 1); /* status of all three */
	assert_int_equal(pit_read(&pit, 0x40, 1), 0xb4);
	assert_int_equal(pit_read(&pit, 0x41, 1), 0x70);
	assert_int_equal(pit_read(&pit, 0x42, 1), 0x70);
}

UNIT(the_control_port_cannot_be_read)
{
	struct pit pit = fresh(MHZ * 100);

	assert_int_equal(pit_read(&pit, 0x43, 5), 0xff);
}

/* How kernels calibrate: gate on, mode 0, wait for the output. */
UNIT(channel_2_counts_while_port_61h_opens_its_gate)
{
	struct pit pit = fresh(PIT_HZ);

	pit_write(&pit, 0x61, 0x01, 0);
	pit_write(&pit, 0x43, 0xb0, 0);
	pit_write(&pit, 0x42, 0x9b, 0);
	pit_write(&pit, 0x42, 0x2e, 0); /* 11931: 10 ms */
	assert_int_equal(pit_read(&pit, 0x61, 11931) & 0x21, 0x01);
	assert_int_equal(pit_read(&pit, 0x61, 11932) & 0x21, 0x21);
	assert_int_equal(rises, 0);
}

UNIT(a_closed_gate_stops_channel_2)
{
	struct pit pit = fresh(PIT_HZ);

	pit_write(&pit, 0x43, 0xb0, 0);
	pit_write(&pit, 0x42, 100, 0);
	pit_write(&pit, 0x42, 0, 0);
	assert_int_equal(pit_read(&pit, 0x61, 5000) & 0x20, 0);
	pit_write(&pit, 0x61, 1, 6000);
	pit_write(&pit, 0x61, 0, 6050);
	assert_int_equal(pit_read(&pit, 0x61, 9000) & 0x20, 0);
	pit_write(&pit, 0x61, 1, 10000);
	assert_int_equal(pit_read(&pit, 0x61, 10049) & 0x20, 0);
	assert_int_equal(pit_read(&pit, 0x61, 10050) & 0x20, 0x20);
}

UNIT(port_61h_keeps_four_bits_and_toggles_refresh)
{
	struct pit pit = fresh(PIT_HZ);
	u32 toggles = 0;
	u8 last = 0;

	pit_write(&pit, 0x61, 0xff, 0);
	assert_int_equal(pit_read(&pit, 0x61, 0) & 0xcf, 0x0f);
	for (u64 now = 1; now <= 1800; now++) {
		u8 refresh = pit_read(&pit, 0x61, now) & 0x10;

		toggles += refresh != last;
		last = refresh;
	}
	assert_int_equal(toggles, 100); /* every 15 µs */
}

UNIT(clock_when_is_the_first_time_of_a_tick)
{
	static const u64 tsc[] = { 5000000, 14318180, 999999937, 3500000000ULL, 1000000000000ULL };
	static const u64 hz[] = { 32768, PIT_HZ, 3579545 };
	u64 seed = 9;

	for (u32 i = 0; i < 20000; i++) {
		u64 t = tsc[i % ARRAY_SIZE(tsc)], h = hz[i % ARRAY_SIZE(hz)];
		u64 tick = 1 + (unit_random(&seed) >> 28), when = clock_when(tick, t, h);

		assert_int_equal(clock_ticks(when, t, h), tick);
		assert_int_equal(clock_ticks(when - 1, t, h), tick - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_happens_before_it_is_programmed),
		cmocka_unit_test(irq0_rises_at_its_deadlines),
		cmocka_unit_test(a_one_shot_rises_once),
		cmocka_unit_test(rearming_a_one_shot_lets_irq0_fall),
		cmocka_unit_test(missed_periods_are_one_edge),
		cmocka_unit_test(a_square_wave_falls_in_between),
		cmocka_unit_test(an_access_sees_edges_that_are_due),
		cmocka_unit_test(time_that_goes_back_changes_nothing),
		cmocka_unit_test(the_latch_command_and_read_back_work_over_the_ports),
		cmocka_unit_test(read_back_names_its_channels),
		cmocka_unit_test(the_control_port_cannot_be_read),
		cmocka_unit_test(channel_2_counts_while_port_61h_opens_its_gate),
		cmocka_unit_test(a_closed_gate_stops_channel_2),
		cmocka_unit_test(port_61h_keeps_four_bits_and_toggles_refresh),
		cmocka_unit_test(clock_when_is_the_first_time_of_a_tick),
	};

	return cmocka_run_group_tests_name("hv/dev/pit", tests, NULL, NULL);
}
