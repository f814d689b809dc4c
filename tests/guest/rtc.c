/* SPDX-License-Identifier: MIT */
/* The CMOS clock by its ports. What it interrupts is in irq.c. */
#include "tests/guest/lib/cpu.h"
#include "tests/guest/lib/machine_test.h"
#include "tests/guest/lib/pit.h"
#include "tests/guest/lib/rtc.h"

#define UPDATE_MS 1200ULL /* an update a second, and some time to spare */
#define CMOS_FREE 0x7au   /* a byte of the battery's memory that no firmware here uses */

static bool wait_flag(u8 flag, u64 ms)
{
	u64 start = rdtsc(), limit = ms * pit_ticks_per_ms();

	while (!(rtc_read(RTC_C) & flag)) {
		if (rdtsc() - start > limit)
			return false;
	}
	return true;
}

/* Outside of an update, in the format that B names. */
static u8 read_time(u8 reg)
{
	u64 start = rdtsc();

	while ((rtc_read(RTC_A) & RTC_A_UIP) && rdtsc() - start < IRQ_WAIT_TICKS)
		cpu_pause();
	return rtc_read(reg);
}

static u32 from_bcd(u8 value)
{
	return (value >> 4) * 10u + (value & 0xf);
}

MACHINE_TEST(rtc, time_is_sane, NEED_RTC)
{
	/* Expect: in BCD and 24-hour mode every field is BCD and in its range. */
	static const struct {
		u8 reg, min, max;
	} fields[] = {
		{ RTC_SECONDS, 0, 59 }, { RTC_MINUTES, 0, 59 }, { RTC_HOURS, 0, 23 },
		{ RTC_DAY, 1, 31 },     { RTC_MONTH, 1, 12 },   { RTC_YEAR, 0, 99 },
		{ RTC_WEEKDAY, 1, 7 },
	};
	u8 b = rtc_read(RTC_B);

	if ((b & (RTC_B_BINARY | RTC_B_24H)) != RTC_B_24H)
		SKIP("the clock is not in BCD and 24-hour mode");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		u8 value = read_time(fields[i].reg);

		EXPECT((value & 0xf) <= 9);
		EXPECT(from_bcd(value) >= fields[i].min);
		EXPECT(from_bcd(value) <= fields[i].max);
	}
}

MACHINE_TEST(rtc, binary_format_is_the_same_time, NEED_RTC)
{
	/* Expect: with B's DM set the clock's own fields are binary: hours and date as before. */
	u8 b = rtc_read(RTC_B), hours, day, year;

	if (b & RTC_B_BINARY)
		SKIP("the clock is in binary mode already");
	hours = read_time(RTC_HOURS);
	day = read_time(RTC_DAY);
	year = read_time(RTC_YEAR);
	rtc_write(RTC_B, b | RTC_B_BINARY);
	EXPECT(rtc_read(RTC_B) & RTC_B_BINARY);
	EXPECT_EQ(read_time(RTC_HOURS), from_bcd(hours));
	EXPECT_EQ(read_time(RTC_DAY), from_bcd(day));
	EXPECT_EQ(read_time(RTC_YEAR), from_bcd(year));
	rtc_write(RTC_B, b);
	EXPECT_EQ(read_time(RTC_YEAR), year);
}

MACHINE_TEST(rtc, seconds_tick, NEED_RTC | NEED_PIT)
{
	/* Expect: within a second UIP is seen, then the update-ended flag, and the seconds moved by
	 * one. */
	u64 start = rdtsc(), limit = UPDATE_MS * pit_ticks_per_ms();
	u8 before = read_time(RTC_SECONDS), after, b = rtc_read(RTC_B);
	bool seen = false;

	rtc_write(RTC_B, b | RTC_B_UPDATE);
	while (!seen && rdtsc() - start < limit)
		seen = (rtc_read(RTC_A) & RTC_A_UIP) != 0;
	EXPECT(seen);
	rtc_read(RTC_C); /* the flag of an update before */
	EXPECT(wait_flag(RTC_C_UPDATE, 10));
	EXPECT_EQ(rtc_read(RTC_A) & RTC_A_UIP, 0);
	rtc_write(RTC_B, b);
	after = rtc_read(RTC_SECONDS);
	EXPECT(after != before);
	if (!(b & RTC_B_BINARY))
		EXPECT_EQ(from_bcd(after), (from_bcd(before) + 1) % 60);
}

MACHINE_TEST(rtc, periodic_flag_comes_at_its_rate, NEED_RTC | NEED_PIT)
{
	/* Expect: at 1,024 Hz sixteen flags take about 15.6 ms; register C is cleared by its read.
	 */
	u8 a = rtc_read(RTC_A), b = rtc_read(RTC_B);
	u64 start, ms_16ths;

	rtc_write(RTC_A, RTC_A_1024_HZ);
	rtc_write(RTC_B, b | RTC_B_PERIODIC);
	rtc_read(RTC_C);
	EXPECT(wait_flag(RTC_C_PERIODIC, 20));
	EXPECT_EQ(rtc_read(RTC_C), 0);
	start = rdtsc();
	for (u32 i = 0; i < 16; i++)
		EXPECT(wait_flag(RTC_C_PERIODIC, 20));
	ms_16ths = (rdtsc() - start) * 16 / pit_ticks_per_ms();
	EXPECT(ms_16ths > 14 * 16);
	EXPECT(ms_16ths < 18 * 16);
	rtc_write(RTC_B, b);
	rtc_write(RTC_A, a & 0x7f);
}

MACHINE_TEST(rtc, read_only_registers_stay, NEED_RTC)
{
	/* Expect: writes to C and D change nothing, but that C's periodic flag may come meanwhile;
	 * UIP cannot be written. */
	u8 a = rtc_read(RTC_A) & 0x7f;

	rtc_write(RTC_D, 0);
	EXPECT_EQ(rtc_read(RTC_D), RTC_D_VALID);
	rtc_write(RTC_A, a & 0x70); /* no rate, or the periodic flag may come in between */
	rtc_read(RTC_C);
	rtc_write(RTC_C, 0xff);
	EXPECT_EQ(rtc_read(RTC_C) & ~RTC_C_PERIODIC, 0);
	rtc_write(RTC_A, a);
	EXPECT_EQ(rtc_read(RTC_A) & 0x7f, a);
}

MACHINE_TEST(rtc, cmos_byte_reads_back, NEED_RTC)
{
	/* Expect: a byte of the memory behind the clock keeps what is written. */
	u8 before = rtc_read(CMOS_FREE);

	rtc_write(CMOS_FREE, 0xa5);
	EXPECT_EQ(rtc_read(CMOS_FREE), 0xa5);
	rtc_write(CMOS_FREE, 0x5a);
	EXPECT_EQ(rtc_read(CMOS_FREE), 0x5a);
	rtc_write(CMOS_FREE, before);
}
