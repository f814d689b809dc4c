/* SPDX-License-Identifier: MIT */
/* Breakpoint registers against accesses: kind, size, alignment, enabling. */
#include "unit.h"
#include "vmx/breakpoints.h"

#define LOCAL(i)            (1ULL << (2 * (i)))
#define GLOBAL(i)           (2ULL << (2 * (i)))
#define ON(i, kind, length) ((u64)(kind) << (16 + 4 * (i)) | (u64)(length) << (18 + 4 * (i)))
#define EXECUTE             0
#define WRITE               1
#define PORT                2
#define ACCESS              3
#define LEN_1               0
#define LEN_8               2
#define LEN_4               3

UNIT(the_kind_must_fit)
{
	static const u32 expected[4][3] = { /* by R/W; read, write, port */
					    [EXECUTE] = { 0, 0, 0 },
					    [WRITE] = { 0, 1, 0 },
					    [PORT] = { 0, 0, 1 },
					    [ACCESS] = { 1, 1, 0 }
	};

	for (u32 on = EXECUTE; on <= ACCESS; on++) {
		struct breakpoints points = { LOCAL(0) | ON(0, on, LEN_1), { 0x60 } };

		for (u32 kind = ACCESS_READ; kind <= ACCESS_PORT; kind++)
			assert_int_equal(breakpoint_hits(&points, kind, 0x60, 1),
					 expected[on][kind]);
	}
}

UNIT(ranges_must_overlap)
{
	struct breakpoints points = { GLOBAL(2) | ON(2, ACCESS, LEN_4), { [2] = 0x1006 } };

	assert_int_equal(breakpoint_hits(&points, ACCESS_READ, 0x1003, 1), 0);
	assert_int_equal(breakpoint_hits(&points, ACCESS_READ, 0x1003, 2), 4);
	assert_int_equal(breakpoint_hits(&points, ACCESS_READ, 0x1007, 1), 4);
	assert_int_equal(breakpoint_hits(&points, ACCESS_READ, 0x1008, 4), 0);
	points.dr7 = GLOBAL(2) | ON(2, ACCESS, LEN_8);
	assert_int_equal(breakpoint_hits(&points, ACCESS_READ, 0x1000, 1), 4);
}

UNIT(only_enabled_ones_count)
{
	struct breakpoints points = { ON(0, WRITE, LEN_1) | ON(1, WRITE, LEN_1) | LOCAL(1) |
					      ON(3, WRITE, LEN_1) | GLOBAL(3),
				      { 8, 8, 8, 8 } };

	assert_int_equal(breakpoint_hits(&points, ACCESS_WRITE, 8, 1), 2 | 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kind_must_fit),
		cmocka_unit_test(ranges_must_overlap),
		cmocka_unit_test(only_enabled_ones_count),
	};

	return cmocka_run_group_tests_name("vmx/breakpoints", tests, NULL, NULL);
}
