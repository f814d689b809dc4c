/* SPDX-License-Identifier: MIT */
/* The RTC: time in all its notations, what drivers do to read and set it, its interrupts. */
#include "irq_spy.h"
#include "unit.h"
#include "hv/dev/calendar.h"
#include "hv/dev/clock.h"
#include "hv/dev/rtc.h"

/* The TSC at the crystal's frequency: `now` is the tick. */
#define SECOND 32768ULL
#define START  1000ULL

static struct rtc at(u32 year, u32 month, u32 day, u32 time)
{
	const struct calendar date = {
		year, month, day, time / 10000, time / 100 % 100, time % 100
	};
	const struct rtc_setup setup = { .tsc_hz = RTC_HZ,
					 .now = START,
					 .seconds = calendar_to_seconds(&date),
					 .memory_below_4g = 3 * GIB,
					 .memory_above_4g = 5 * GIB };
	struct rtc rtc;

	rtc_init(&rtc, &setup, irq_spy());
	return rtc;
}

static u8 get(struct rtc *rtc, u8 index, u64 now)
{
	rtc_write(rtc, 0x70, index, START + now);
	return rtc_read(rtc, 0x71, START + now);
}

static void set(struct rtc *rtc, u8 index, u8 value, u64 now)
{
	rtc_write(rtc, 0x70, index, START + now);
	rtc_write(rtc, 0x71, value, START + now);
}

static const u8 date_registers[] = { RTC_CENTURY, RTC_YEAR,    RTC_MONTH,  RTC_DAY,
				     RTC_HOURS,   RTC_MINUTES, RTC_SECONDS };

/* All as one number in hexadecimal: BCD reads as decimal. */
static u64 bcd_date(struct rtc *rtc, u64 now)
{
	u64 value = 0;

	for (u32 i = 0; i < ARRAY_SIZE(date_registers); i++)
		value = value << 8 | get(rtc, date_registers[i], now);
	return value;
}

UNIT(dates_roll_over)
{
	static const struct {
		u32 year, month, day, time;
		u64 next; /* a second later */
	} rows[] = {
		{ 2024, 5, 6, 70809, 0x20240506070810 },
		{ 2024, 5, 6, 75959, 0x20240506080000 },
		{ 2024, 4, 30, 235959, 0x20240501000000 },
		{ 2024, 2, 28, 235959, 0x20240229000000 }, /* a leap year */
		{ 2024, 2, 29, 235959, 0x20240301000000 },
		{ 2023, 2, 28, 235959, 0x20230301000000 },
		{ 2000, 2, 28, 235959, 0x20000229000000 }, /* by 400: a leap year */
		{ 2100, 2, 28, 235959, 0x21000301000000 }, /* by 100: none */
		{ 1999, 12, 31, 235959, 0x20000101000000 },
		{ 2099, 12, 31, 235959, 0x21000101000000 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rtc rtc = at(rows[i].year, rows[i].month, rows[i].day, rows[i].time);
		u64 before = bcd_date(&rtc, 0);

		assert_true(bcd_date(&rtc, SECOND - 1) == before);
		assert_true(bcd_date(&rtc, SECOND) == rows[i].next);
	}
}

UNIT(hours_in_all_notations)
{
	static const struct {
		u8 b, hour;
		u8 want;
	} rows[] = {
		{ 0x02, 0, 0x00 },  { 0x02, 9, 0x09 },  { 0x02, 12, 0x12 }, { 0x02, 23, 0x23 },
		{ 0x06, 0, 0 },     { 0x06, 12, 12 },   { 0x06, 23, 23 },   { 0x00, 0, 0x12 },
		{ 0x00, 1, 0x01 },  { 0x00, 11, 0x11 }, { 0x00, 12, 0x92 }, { 0x00, 13, 0x81 },
		{ 0x00, 23, 0x91 }, { 0x04, 0, 12 },    { 0x04, 12, 0x8c }, { 0x04, 22, 0x8a },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rtc rtc = at(2024, 1, 1, rows[i].hour * 10000u + 3456);

		set(&rtc, RTC_B, rows[i].b, 0);
		assert_int_equal(get(&rtc, RTC_HOURS, 0), rows[i].want);
		assert_int_equal(get(&rtc, RTC_MINUTES, 0), rows[i].b & 4 ? 34 : 0x34);
		/* And back: what was read can be written. */
		set(&rtc, RTC_B, rows[i].b | 0x80, 0);
		set(&rtc, RTC_HOURS, rows[i].want, 0);
		set(&rtc, RTC_B, rows[i].b, 0);
		set(&rtc, RTC_B, 0x06, 0);
		assert_int_equal(get(&rtc, RTC_HOURS, 0), rows[i].hour);
		assert_int_equal(get(&rtc, RTC_MINUTES, 0), 34);
	}
}

UNIT(the_weekday_counts_from_sunday)
{
	struct rtc rtc = at(2024, 2, 29, 120000); /* a Thursday */

	assert_int_equal(get(&rtc, RTC_WEEKDAY, 0), 5);
	assert_int_equal(get(&rtc, RTC_WEEKDAY, 3 * 86400 * SECOND), 1);
}

UNIT(set_holds_the_time_as_bytes)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_B, 0x82, 0);
	assert_int_equal(bcd_date(&rtc, 10 * SECOND), 0x20240506070809);
	set(&rtc, RTC_SECONDS, 0x77, 10 * SECOND); /* no time, but a byte */
	assert_int_equal(get(&rtc, RTC_SECONDS, 11 * SECOND), 0x77);
	set(&rtc, RTC_SECONDS, 0x58, 12 * SECOND);
	set(&rtc, RTC_YEAR, 0x19, 12 * SECOND);
	set(&rtc, RTC_B, 0x02, 12 * SECOND + 100);
	assert_int_equal(bcd_date(&rtc, 13 * SECOND), 0x20190506070859);
	assert_int_equal(bcd_date(&rtc, 14 * SECOND), 0x20190506070900);
}

UNIT(a_time_register_can_be_written_while_time_runs)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_MINUTES, 0x30, SECOND + 5);
	assert_int_equal(bcd_date(&rtc, SECOND + 5), 0x20240506073010);
	assert_int_equal(bcd_date(&rtc, 2 * SECOND), 0x20240506073011);
}

/* How Linux sets it: SET, divider in reset, bytes, then both back; the first update is half a
 * second later. */
UNIT(releasing_the_divider_starts_half_a_second)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_B, 0x82, 100);
	set(&rtc, RTC_A, 0x76, 100);
	set(&rtc, RTC_SECONDS, 0x20, 200);
	set(&rtc, RTC_B, 0x02, 300);
	assert_int_equal(get(&rtc, RTC_SECONDS, 5 * SECOND), 0x20);
	assert_int_equal(get(&rtc, RTC_A, 5 * SECOND) & 0x80, 0);
	set(&rtc, RTC_A, 0x26, 9 * SECOND);
	assert_int_equal(get(&rtc, RTC_SECONDS, 9 * SECOND + SECOND / 2 - 1), 0x20);
	assert_int_equal(get(&rtc, RTC_SECONDS, 9 * SECOND + SECOND / 2), 0x21);
	assert_int_equal(get(&rtc, RTC_SECONDS, 10 * SECOND + SECOND / 2), 0x22);
}

UNIT(uip_stands_before_an_update)
{
	static const struct {
		u64 now;
		u8 uip;
	} rows[] = { { 0, 0 },
		     { SECOND - 74, 0 },
		     { SECOND - 73, 0x80 },
		     { SECOND - 1, 0x80 },
		     { SECOND, 0 },
		     { 2 * SECOND - 74, 0 },
		     { 2 * SECOND - 40, 0x80 } };
	struct rtc rtc = at(2024, 5, 6, 70809);

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(get(&rtc, RTC_A, rows[i].now), 0x26 | rows[i].uip);
	set(&rtc, RTC_B, 0x82, 2 * SECOND);
	assert_int_equal(get(&rtc, RTC_A, 3 * SECOND - 1), 0x26);
}

UNIT(fixed_registers)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_A, 0xff & ~0x50, 0);
	assert_int_equal(get(&rtc, RTC_A, 0), 0x2f);
	set(&rtc, RTC_C, 0xff, 0);
	assert_int_equal(get(&rtc, RTC_C, 0), 0);
	set(&rtc, RTC_D, 0, 0);
	assert_int_equal(get(&rtc, RTC_D, 0), 0x80);
	assert_int_equal(rtc_read(&rtc, 0x70, START), 0xff);
}

UNIT(set_turns_the_update_interrupt_off)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_B, 0xf2, 0);
	assert_int_equal(get(&rtc, RTC_B, 0), 0xe2);
}

UNIT(the_index_port_carries_the_nmi_mask)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, 0x80 | RTC_SHUTDOWN, 0x0a, 0);
	assert_true(rtc.nmi_masked);
	assert_int_equal(get(&rtc, RTC_SHUTDOWN, 0), 0x0a);
	assert_false(rtc.nmi_masked);
}

UNIT(memory_sizes)
{
	static const struct {
		u64 low, high;
		u8 want[11]; /* 15h–18h, 30h, 31h, 34h, 35h, 5Bh–5Dh */
	} rows[] = {
		{ 512 * MIB, 0, { 0x80, 2, 0xff, 0xff, 0xff, 0xff, 0x00, 0x1f, 0, 0, 0 } },
		{ 8 * MIB, 0, { 0x80, 2, 0x00, 0x1c, 0x00, 0x1c, 0, 0, 0, 0, 0 } },
		{ 3 * GIB, GIB, { 0x80, 2, 0xff, 0xff, 0xff, 0xff, 0x00, 0xbf, 0, 0x40, 0 } },
		{ 3 * GIB,
		  1ULL << 40,
		  { 0x80, 2, 0xff, 0xff, 0xff, 0xff, 0x00, 0xbf, 0xff, 0xff, 0xff } },
		{ 512 * KIB, 0, { 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0 } },
	};
	static const u8 indices[] = { 0x15, 0x16, 0x17, 0x18, 0x30, 0x31,
				      0x34, 0x35, 0x5b, 0x5c, 0x5d };

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rtc_setup setup = { .tsc_hz = RTC_HZ,
						 .memory_below_4g = rows[i].low,
						 .memory_above_4g = rows[i].high };
		struct rtc rtc;

		rtc_init(&rtc, &setup, (struct irq_line){ 0 });
		for (u32 n = 0; n < ARRAY_SIZE(indices); n++)
			assert_int_equal(get(&rtc, indices[n], 0), rows[i].want[n]);
	}
}

UNIT(the_update_interrupt_comes_every_second)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_B, 0x12, 0);
	for (u32 n = 1; n <= 5; n++) {
		assert_int_equal(rtc_next_deadline(&rtc), START + n * SECOND);
		rtc_advance(&rtc, START + n * SECOND - 1);
		assert_int_equal(rises, n - 1);
		rtc_advance(&rtc, START + n * SECOND);
		assert_int_equal(rises, n);
		assert_true(rtc_next_deadline(&rtc) == CLOCK_NEVER);
		assert_int_equal(get(&rtc, RTC_C, n * SECOND) & 0xb0, 0x90);
		assert_false(level);
	}
}

UNIT(irq8_stands_until_register_c_is_read)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_B, 0x12, 0);
	rtc_advance(&rtc, START + 5 * SECOND);
	assert_true(level);
	assert_int_equal(rises, 1);
	assert_int_equal(get(&rtc, RTC_C, 5 * SECOND) & 0xb0, 0x90);
	assert_int_equal(get(&rtc, RTC_C, 5 * SECOND), 0);
}

UNIT(flags_stand_without_their_enable_bit)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_SECONDS_ALARM, 0xff, 0);
	set(&rtc, RTC_MINUTES_ALARM, 0xff, 0);
	set(&rtc, RTC_HOURS_ALARM, 0xff, 0);
	rtc_advance(&rtc, START + SECOND);
	assert_false(level);
	set(&rtc, RTC_B, 0x42, SECOND); /* enabling shows the flag that stands */
	assert_true(level);
	assert_int_equal(get(&rtc, RTC_C, SECOND), 0xf0);
}

UNIT(periodic_rates)
{
	static const struct {
		u8 rate;
		u64 ticks;
	} rows[] = { { 1, 128 }, { 2, 256 },   { 3, 4 },     { 4, 8 },     { 6, 32 },    { 8, 128 },
		     { 9, 256 }, { 12, 2048 }, { 13, 4096 }, { 14, 8192 }, { 15, 16384 } };

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rtc rtc = at(2024, 5, 6, 70809);

		set(&rtc, RTC_A, 0x20 | rows[i].rate, 0);
		set(&rtc, RTC_B, 0x42, 0);
		for (u64 n = 1; n < 20; n++) {
			assert_int_equal(rtc_next_deadline(&rtc), START + n * rows[i].ticks);
			rtc_advance(&rtc, START + n * rows[i].ticks);
			assert_int_equal(rises, n);
			assert_int_equal(get(&rtc, RTC_C, n * rows[i].ticks) & 0xc0, 0xc0);
		}
		set(&rtc, RTC_A, 0x20, 20 * rows[i].ticks);
		get(&rtc, RTC_C, 20 * rows[i].ticks);
		assert_true(rtc_next_deadline(&rtc) == CLOCK_NEVER);
	}
}

UNIT(alarms)
{
	static const struct {
		u8 b, hours, minutes, seconds;
		u64 after; /* 07:08:09, in seconds; 0: never */
	} rows[] = {
		{ 0x22, 0x07, 0x08, 0x10, 1 },
		{ 0x22, 0x07, 0x08, 0x09, 86400 },
		{ 0x22, 0x07, 0x08, 0x08, 86399 },
		{ 0x22, 0xff, 0xff, 0xff, 1 },
		{ 0x22, 0xff, 0xff, 0x09, 60 },
		{ 0x22, 0xc0, 0x08, 0x08, 3599 },
		{ 0x22, 0x13, 0x00, 0x00, 5 * 3600 + 51 * 60 + 51 },
		{ 0x22, 0x13, 0xff, 0x30, 5 * 3600 + 51 * 60 + 51 + 30 },
		{ 0x20, 0x81, 0x00, 0x00, 5 * 3600 + 51 * 60 + 51 }, /* 1 PM */
		{ 0x26, 13, 0, 0, 5 * 3600 + 51 * 60 + 51 },
		{ 0x22, 0x25, 0x00, 0x00, 0 },
		{ 0x22, 0xff, 0x61, 0xff, 0 },
		{ 0x22, 0xff, 0xff, 0xbf, 0 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rtc rtc = at(2024, 5, 6, 70809);
		u64 when = START + rows[i].after * SECOND;

		set(&rtc, RTC_HOURS_ALARM, rows[i].hours, 0);
		set(&rtc, RTC_MINUTES_ALARM, rows[i].minutes, 0);
		set(&rtc, RTC_SECONDS_ALARM, rows[i].seconds, 0);
		set(&rtc, RTC_B, rows[i].b, 0);
		if (!rows[i].after) {
			assert_true(rtc_next_deadline(&rtc) == CLOCK_NEVER);
			rtc_advance(&rtc, START + 200000 * SECOND);
			assert_int_equal(rises, 0);
			continue;
		}
		assert_int_equal(rtc_next_deadline(&rtc), when);
		rtc_advance(&rtc, when - 1);
		assert_int_equal(rises, 0);
		rtc_advance(&rtc, when);
		assert_int_equal(rises, 1);
		assert_int_equal(get(&rtc, RTC_C, rows[i].after * SECOND) & 0xa0, 0xa0);
	}
}

UNIT(no_updates_and_alarms_while_set_but_periods)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_HOURS_ALARM, 0xff, 0);
	set(&rtc, RTC_MINUTES_ALARM, 0xff, 0);
	set(&rtc, RTC_SECONDS_ALARM, 0xff, 0);
	set(&rtc, RTC_B, 0xa2, 0);
	assert_true(rtc_next_deadline(&rtc) == CLOCK_NEVER);
	assert_int_equal(get(&rtc, RTC_C, 3 * SECOND), 0x40);
	assert_int_equal(rises, 0);
}

UNIT(a_divider_in_reset_stops_everything)
{
	struct rtc rtc = at(2024, 5, 6, 70809);

	set(&rtc, RTC_A, 0x66, 0);
	set(&rtc, RTC_B, 0x72, 0);
	assert_true(rtc_next_deadline(&rtc) == CLOCK_NEVER);
	assert_int_equal(get(&rtc, RTC_C, 9 * SECOND), 0);
	assert_int_equal(get(&rtc, RTC_SECONDS, 9 * SECOND), 0x09);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_roll_over),
		cmocka_unit_test(hours_in_all_notations),
		cmocka_unit_test(the_weekday_counts_from_sunday),
		cmocka_unit_test(set_holds_the_time_as_bytes),
		cmocka_unit_test(a_time_register_can_be_written_while_time_runs),
		cmocka_unit_test(releasing_the_divider_starts_half_a_second),
		cmocka_unit_test(uip_stands_before_an_update),
		cmocka_unit_test(fixed_registers),
		cmocka_unit_test(set_turns_the_update_interrupt_off),
		cmocka_unit_test(the_index_port_carries_the_nmi_mask),
		cmocka_unit_test(memory_sizes),
		cmocka_unit_test(the_update_interrupt_comes_every_second),
		cmocka_unit_test(irq8_stands_until_register_c_is_read),
		cmocka_unit_test(flags_stand_without_their_enable_bit),
		cmocka_unit_test(periodic_rates),
		cmocka_unit_test(alarms),
		cmocka_unit_test(no_updates_and_alarms_while_set_but_periods),
		cmocka_unit_test(a_divider_in_reset_stops_everything),
	};

	return cmocka_run_group_tests_name("hv/dev/rtc", tests, NULL, NULL);
}
