/* SPDX-License-Identifier: MIT */
/* The 8254 timer by its ports: counts, latches, status, gate. Channel 2 raises no interrupt. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/pit.h"

#define SHORT      600u /* counts: half a millisecond */
#define LONG       60000u
#define WAIT_TICKS 400000000ULL

static bool wait_out(u32 channel, bool high)
{
	u64 start = rdtsc();

	while (((pit_status(channel) & PIT_STATUS_OUT) != 0) != high) {
		if (rdtsc() - start > WAIT_TICKS)
			return false;
	}
	return true;
}

static void spin(u64 ticks)
{
	u64 start = rdtsc();

	while (rdtsc() - start < ticks)
		cpu_pause();
}

MACHINE_TEST(pit, status_tells_mode_and_access, NEED_PIT)
{
	/* Expect: read-back shows the programmed mode and two-byte access. */
	static const enum pit_mode modes[] = { PIT_MODE_0, PIT_MODE_2, PIT_MODE_3 };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		pit_program(0, modes[i], LONG);
		EXPECT_EQ(pit_status(0) & 0x3f, PIT_STATUS_ACCESS | (u32)modes[i] << 1);
	}
}

MACHINE_TEST(pit, mode_0_ends_with_out_high, NEED_PIT)
{
	/* Expect: OUT is low after programming, high after the count, and stays high. */
	pit_program(0, PIT_MODE_0, SHORT);
	EXPECT_EQ(pit_status(0) & PIT_STATUS_OUT, 0);
	EXPECT(wait_out(0, true));
	spin(pit_ticks_per_ms());
	EXPECT(pit_status(0) & PIT_STATUS_OUT);
}

MACHINE_TEST(pit, mode_0_counts_down, NEED_PIT)
{
	/* Expect: each latched count is at most the one before, and it gets somewhere. */
	u16 first, last;

	pit_program(0, PIT_MODE_0, LONG);
	spin(pit_ticks_per_ms() / 10);
	first = last = pit_read_latched(0);
	for (u32 i = 0; i < 100; i++) {
		u16 now = pit_read_latched(0);

		if (now > last) {
			EXPECT(now <= last);
			return;
		}
		last = now;
	}
	spin(pit_ticks_per_ms());
	EXPECT(pit_read_latched(0) < first);
	EXPECT(first <= LONG);
}

MACHINE_TEST(pit, mode_2_stays_in_its_range, NEED_PIT)
{
	/* Expect: counts from 1 to the programmed one, in both halves of it, and OUT high. */
	bool upper = false, lower = false;
	u64 start, limit = 20 * pit_ticks_per_ms();

	pit_program(0, PIT_MODE_2, 2 * SHORT);
	spin(pit_ticks_per_ms() / 10);
	for (start = rdtsc(); rdtsc() - start < limit && !(upper && lower);) {
		u16 now = pit_read_latched(0);

		EXPECT(now >= 1 && now <= 2 * SHORT);
		upper |= now > SHORT;
		lower |= now <= SHORT;
	}
	EXPECT(upper);
	EXPECT(lower);
}

MACHINE_TEST(pit, mode_3_toggles_out, NEED_PIT)
{
	/* Expect: a square wave: OUT goes low, high, and low again; counts stay in range. */
	pit_program(0, PIT_MODE_3, 2 * SHORT);
	EXPECT(wait_out(0, false));
	EXPECT(wait_out(0, true));
	EXPECT(wait_out(0, false));
	EXPECT(pit_read_latched(0) <= 2 * SHORT);
}

MACHINE_TEST(pit, latch_holds_the_count, NEED_PIT)
{
	/* Expect: a latched count is that of the moment of the latch, also when it is read later;
	 * a second latch before the read changes nothing. */
	u16 before, latched, after;

	pit_program(0, PIT_MODE_0, LONG);
	spin(pit_ticks_per_ms() / 10);
	before = pit_read_latched(0);
	pit_latch(0);
	spin(2 * pit_ticks_per_ms());
	pit_latch(0);
	latched = pit_read(0);
	after = pit_read_latched(0);
	EXPECT(latched <= before);
	EXPECT((u16)(before - latched) < PIT_HZ / 1000);
	EXPECT((u16)(latched - after) >= PIT_HZ / 1000);
}

MACHINE_TEST(pit, read_back_latches_status_and_count, NEED_PIT)
{
	/* Expect: after a read-back of both the first byte is the status, then come the count's
	 * two.
	 */
	u8 status;
	u16 count;

	pit_program(0, PIT_MODE_2, LONG);
	spin(pit_ticks_per_ms());
	out8(PIT_CONTROL, 0xc2);
	status = in8(0x40);
	count = pit_read(0);
	EXPECT_EQ(status & 0x3f, PIT_STATUS_ACCESS | PIT_MODE_2 << 1);
	EXPECT(count < LONG);
	EXPECT(count > LONG / 2);
}

MACHINE_TEST(pit, count_0_is_65536, NEED_PIT)
{
	/* Expect: it starts from the top of 16 bits. */
	pit_program(0, PIT_MODE_2, 0);
	spin(pit_ticks_per_ms());
	EXPECT(pit_read_latched(0) > 0x8000);
}

MACHINE_TEST(pit, gate_stops_channel_2, NEED_PIT)
{
	/* Expect: with port 61h bit 0 clear the count stands still, with it set it falls; bit 5
	 * shows OUT at the end. */
	u16 first;

	pit_gate_2(false);
	pit_program(2, PIT_MODE_0, 2 * SHORT);
	spin(pit_ticks_per_ms() / 10);
	first = pit_read_latched(2);
	spin(2 * pit_ticks_per_ms());
	EXPECT_EQ(pit_read_latched(2), first);
	EXPECT_EQ(in8(PIT_GATE_PORT) & PIT_GATE_OUT_2, 0);
	pit_gate_2(true);
	EXPECT(wait_out(2, true));
	EXPECT(in8(PIT_GATE_PORT) & PIT_GATE_OUT_2);
	pit_gate_2(false);
}

MACHINE_TEST(pit, two_channels_run_at_one_rate, NEED_PIT)
{
	/* Expect: channel 0 falls by what channel 2 falls in the same time, give or take an eighth.
	 */
	u16 zero, two;

	pit_gate_2(true);
	pit_program(0, PIT_MODE_0, LONG);
	pit_program(2, PIT_MODE_0, LONG);
	spin(5 * pit_ticks_per_ms());
	zero = (u16)(LONG - pit_read_latched(0));
	two = (u16)(LONG - pit_read_latched(2));
	pit_gate_2(false);
	EXPECT(zero > 4 * PIT_HZ / 1000);
	EXPECT(zero < two + two / 8);
	EXPECT(two < zero + zero / 8);
}
