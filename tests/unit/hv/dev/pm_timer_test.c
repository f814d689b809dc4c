/* SPDX-License-Identifier: MIT */
/* ACPI's fixed hardware: the timer, its status, power-off, reset. */
#include "unit.h"
#include "hv/dev/clock.h"
#include "hv/dev/pm_timer.h"

static u32 offs, resets;
static bool sci;

static void set_sci(void *context, u32 line, bool level)
{
	(void)context;
	(void)line;
	assert_int_not_equal(sci, level);
	sci = level;
}

static void power_off(void *context)
{
	(void)context;
	offs++;
}

static void reset(void *context)
{
	(void)context;
	resets++;
}

/* The TSC at the timer's frequency: `now` is the tick. */
static struct pm fresh(u32 bits)
{
	const struct pm_setup setup = { .tsc_hz = PM_TIMER_HZ,
					.now = 0x12345678,
					.timer_bits = bits,
					.sci = { set_sci, NULL, 9 },
					.actions = { power_off, reset, NULL } };
	struct pm pm;

	offs = resets = 0;
	sci = false;
	pm_init(&pm, &setup);
	return pm;
}

static u32 get(struct pm *pm, u16 port, u32 bytes, u64 now)
{
	u32 value = 0;

	for (u32 i = 0; i < bytes; i++)
		value |= (u32)pm_read(pm, (u16)(port + i), now) << (8 * i);
	return value;
}

static void set(struct pm *pm, u16 port, u16 value, u64 now)
{
	pm_write(pm, port, (u8)value, now);
	pm_write(pm, (u16)(port + 1), (u8)(value >> 8), now);
}

UNIT(the_timer_has_24_or_32_bits)
{
	struct pm narrow = fresh(24), wide = fresh(32);

	assert_int_equal(get(&narrow, PM_TIMER, 4, 0x212345678ULL), 0x345678);
	assert_int_equal(get(&wide, PM_TIMER, 4, 0x212345678ULL), 0x12345678);
}

UNIT(the_timer_cannot_be_written)
{
	struct pm pm = fresh(32);

	set(&pm, PM_TIMER, 0xffff, 0x20000000);
	assert_int_equal(get(&pm, PM_TIMER, 4, 0x20000001), 0x20000001);
}

UNIT(the_status_is_set_when_the_top_bit_changes)
{
	struct pm pm = fresh(24);

	assert_int_equal(get(&pm, PM1A_EVENT, 2, 0x127fffff), 0);
	assert_int_equal(get(&pm, PM1A_EVENT, 2, 0x12800000), 1);
	set(&pm, PM1A_EVENT, 0xfffe, 0x12800001);
	assert_int_equal(get(&pm, PM1A_EVENT, 2, 0x12800001), 1);
	set(&pm, PM1A_EVENT, 1, 0x12800001);
	assert_int_equal(get(&pm, PM1A_EVENT, 2, 0x12ffffff), 0);
	assert_int_equal(get(&pm, PM1A_EVENT, 2, 0x13000000), 1);
	assert_false(sci);
}

UNIT(the_sci_comes_at_its_deadline)
{
	struct pm pm = fresh(32);

	assert_true(pm_next_deadline(&pm) == CLOCK_NEVER);
	set(&pm, PM1A_EVENT + 2, 0xffff, 0x20000000);
	assert_int_equal(get(&pm, PM1A_EVENT + 2, 2, 0x20000000), 0x0721);
	assert_int_equal(pm_next_deadline(&pm), 0x80000000);
	pm_advance(&pm, 0x7fffffff);
	assert_false(sci);
	pm_advance(&pm, 0x80000000);
	assert_true(sci);
	assert_true(pm_next_deadline(&pm) == CLOCK_NEVER);
	set(&pm, PM1A_EVENT, 1, 0x80000001);
	assert_false(sci);
	assert_true(pm_next_deadline(&pm) == 0x100000000ULL);
}

UNIT(sleep_enable_with_s5_is_power_off)
{
	static const struct {
		u16 value;
		u32 offs;
	} rows[] = { { 0x2000, 1 }, { 0x2001, 1 }, { 0x2400, 0 }, { 0x3c00, 0 }, { 0x1c00, 0 } };

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pm pm = fresh(32);

		set(&pm, PM1A_CONTROL, rows[i].value, 0);
		assert_int_equal(offs, rows[i].offs);
		/* ACPI mode is on; SLP_EN and GBL_RLS read 0. */
		assert_int_equal(get(&pm, PM1A_CONTROL, 2, 0), (rows[i].value & 0x1c00) | 1);
	}
}

UNIT(the_reset_register)
{
	struct pm pm = fresh(32);

	pm_reset_write(&pm, 0x02);
	assert_int_equal(resets, 0);
	assert_int_equal(pm_reset_read(&pm), 0x02);
	pm_reset_write(&pm, PM_RESET_VALUE);
	assert_int_equal(resets, 1);
	assert_int_equal(offs, 0);
}

UNIT(bytes_between_the_registers_read_all_ones)
{
	struct pm pm = fresh(32);

	assert_int_equal(pm_read(&pm, PM_BASE + 6, 0), 0xff);
	assert_int_equal(pm_read(&pm, PM_BASE + 7, 0), 0xff);
	pm_write(&pm, PM_BASE + 6, 0xff, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_timer_has_24_or_32_bits),
		cmocka_unit_test(the_timer_cannot_be_written),
		cmocka_unit_test(the_status_is_set_when_the_top_bit_changes),
		cmocka_unit_test(the_sci_comes_at_its_deadline),
		cmocka_unit_test(sleep_enable_with_s5_is_power_off),
		cmocka_unit_test(the_reset_register),
		cmocka_unit_test(bytes_between_the_registers_read_all_ones),
	};

	return cmocka_run_group_tests_name("hv/dev/pm_timer", tests, NULL, NULL);
}
