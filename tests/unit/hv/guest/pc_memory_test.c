/* SPDX-License-Identifier: MIT */
/* L1's memory map for small, large and very large memories. */
#include "unit.h"
#include "hv/guest/pc_memory.h"

static void check(u64 bytes, u32 expected_ranges)
{
	struct load_range ranges[PC_RANGES_MAX];
	u32 count = pc_memory_map(bytes, ranges);
	u64 sum = 0, end = 0;

	assert_int_equal(count, expected_ranges);
	for (u32 i = 0; i < count; i++) {
		assert_true(ranges[i].base.raw >= end);
		assert_true(IS_ALIGNED(ranges[i].base.raw | ranges[i].bytes, PAGE_SIZE));
		assert_true(ranges[i].bytes > 0);
		end = ranges[i].base.raw + ranges[i].bytes;
		assert_false(ranges[i].base.raw < 4 * GIB && end > PC_HOLE_START);
		sum += ranges[i].bytes;
	}
	assert_int_equal(sum, bytes);
}

UNIT(the_ranges_add_up)
{
	check(PC_MEMORY_MIN, 3);
	check(512 * MIB, 3);
	check(3 * GIB - 128 * KIB, 3);
	check(3 * GIB - 128 * KIB + PAGE_SIZE, 4);
	check(64 * GIB, 4);
}

UNIT(only_where_a_pc_has_roms_is_reserved)
{
	struct load_range ranges[PC_RANGES_MAX];
	u32 count = pc_memory_map(8 * GIB, ranges);

	for (u32 i = 0; i < count; i++)
		assert_int_equal(ranges[i].type == LOAD_RESERVED,
				 ranges[i].base.raw == PC_ROM_START);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ranges_add_up),
		cmocka_unit_test(only_where_a_pc_has_roms_is_reserved),
	};

	return cmocka_run_group_tests_name("hv/guest/pc_memory", tests, NULL, NULL);
}
