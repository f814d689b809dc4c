/* SPDX-License-Identifier: MIT */
/* Arithmetic between clocks, against 128-bit division. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "hv/tsc.h"

#define PIT_HZ 1193182u

static void known_values(void **state)
{
	(void)state;
	assert_int_equal(tsc_scale(11932, 1000000, PIT_HZ), 10000);
	assert_int_equal(tsc_scale(0, 3000000000, PIT_HZ), 0);
	assert_int_equal(tsc_scale(~0ULL, 5, 5), ~0ULL);
}

static void what_does_not_fit_is_all_ones(void **state)
{
	(void)state;
	assert_int_equal(tsc_scale(~0ULL, 2, 1), ~0ULL);
	assert_int_equal(tsc_scale(1, 1, 0), ~0ULL);
}

static void random_values_agree_with_wide_division(void **state)
{
	u64 seed = 1;

	(void)state;
	for (u32 i = 0; i < 10000; i++) {
		u64 ticks, to, from;
		unsigned __int128 wide;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		ticks = seed >> (seed & 31);
		to = (seed >> 20) % 5000000000ULL;
		from = seed % 4000000000ULL + 1;
		wide = (unsigned __int128)ticks * to / from;
		assert_int_equal(tsc_scale(ticks, to, from), wide >> 64 ? ~0ULL : (u64)wide);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(what_does_not_fit_is_all_ones),
		cmocka_unit_test(random_values_agree_with_wide_division),
	};

	return cmocka_run_group_tests_name("hv/tsc_scale", tests, NULL, NULL);
}
