/* SPDX-License-Identifier: MIT */
/* boot/ranges.c against a naive model: an array with one type for each page. */
#include "unit.h"
#include "boot/ranges.h"
#include "hv/errno.h"

static struct boot_info info;

static int empty_list(void **state)
{
	(void)state;
	info.range_count = 0;
	return 0;
}

static void mark(u64 base, u64 end, enum boot_range_type type)
{
	struct boot_range range = { .base = base, .size = end - base, .type = type };

	assert_int_equal(ranges_mark(&info, range), 0);
}

static void expect(u32 index, u64 base, u64 end, enum boot_range_type type)
{
	assert_true(index < info.range_count);
	assert_int_equal(info.ranges[index].base, base);
	assert_int_equal(info.ranges[index].size, end - base);
	assert_int_equal(info.ranges[index].type, type);
}

UNIT(neighbours_merge)
{
	mark(0x3000, 0x4000, BOOT_RAM);
	mark(0x1000, 0x2000, BOOT_RAM);
	mark(0x2000, 0x3000, BOOT_RAM);
	assert_int_equal(info.range_count, 1);
	expect(0, 0x1000, 0x4000, BOOT_RAM);
}

UNIT(types_do_not_merge)
{
	mark(0x1000, 0x2000, BOOT_RAM);
	mark(0x2000, 0x3000, BOOT_RESERVED);
	assert_int_equal(info.range_count, 2);
}

UNIT(a_hole_is_cut)
{
	mark(0, 0x10000, BOOT_RAM);
	mark(0x4000, 0x5000, BOOT_RESERVED);
	assert_int_equal(info.range_count, 3);
	expect(0, 0, 0x4000, BOOT_RAM);
	expect(1, 0x4000, 0x5000, BOOT_RESERVED);
	expect(2, 0x5000, 0x10000, BOOT_RAM);
	assert_int_equal(ranges_ram(&info), 0xf000);
}

UNIT(ram_shrinks_and_reserved_grows_to_pages)
{
	mark(0x1001, 0x3fff, BOOT_RAM);
	mark(0x5fff, 0x6001, BOOT_RESERVED);
	expect(0, 0x2000, 0x3000, BOOT_RAM);
	expect(1, 0x5000, 0x7000, BOOT_RESERVED);
}

UNIT(less_than_a_page_of_ram_is_none)
{
	mark(0x1001, 0x2000, BOOT_RAM);
	mark(0x3000, 0x3000, BOOT_RESERVED);
	assert_int_equal(info.range_count, 0);
}

UNIT(a_range_that_wraps_ends_at_the_top)
{
	assert_int_equal(ranges_mark(&info, (struct boot_range){ 0x1000, ~0ULL, BOOT_RAM }), 0);
	expect(0, 0x1000, ~0ULL - 0xfff, BOOT_RAM);
}

UNIT(a_full_list_is_told_and_kept)
{
	for (u64 i = 0; i < BOOT_RANGES_MAX; i++)
		mark(i * 0x2000, i * 0x2000 + 0x1000, BOOT_RAM);
	assert_int_equal(ranges_mark(&info, (struct boot_range){ 1ULL << 40, 0x1000, BOOT_RAM }),
			 -ENOSPC);
	assert_int_equal(info.range_count, BOOT_RANGES_MAX);
	mark(0x1000, 0x2000, BOOT_RAM); /* joins two */
	assert_int_equal(info.range_count, BOOT_RANGES_MAX - 1);
}

#define PAGES 64

UNIT(random_marks_match_the_model)
{
	srand(1);
	for (u32 round = 0; round < 200; round++) {
		int model[PAGES];
		int list[PAGES];

		info.range_count = 0;
		for (u32 i = 0; i < PAGES; i++)
			model[i] = list[i] = -1;
		for (u32 step = 0; step < 20; step++) {
			u64 first = (u64)rand() % PAGES, end = first + (u64)rand() % 12;
			enum boot_range_type type = rand() % 2 ? BOOT_RAM : BOOT_RESERVED;

			end = MIN(end, PAGES);
			mark(first * PAGE_SIZE, end * PAGE_SIZE, type);
			for (u64 i = first; i < end; i++)
				model[i] = (int)type;
		}
		for (u32 i = 0; i < info.range_count; i++) {
			const struct boot_range *range = &info.ranges[i];

			if (i)
				assert_true(range[-1].base + range[-1].size < range->base ||
					    (range[-1].base + range[-1].size == range->base &&
					     range[-1].type != range->type));
			for (u64 j = 0; j < range->size / PAGE_SIZE; j++)
				list[range->base / PAGE_SIZE + j] = (int)range->type;
		}
		assert_memory_equal(list, model, sizeof(model));
	}
}

UNIT(pool_grows_with_ram_cpus_and_contexts)
{
	assert_int_equal(ranges_pool_bytes(512 * MIB, 1, 0), 26 * MIB);
	assert_int_equal(ranges_pool_bytes(512 * MIB, 1, 64), 26 * MIB);
	assert_int_equal(ranges_pool_bytes(512 * MIB, 4, 0), 26 * MIB);
	assert_int_equal(ranges_pool_bytes(512 * MIB, 4, 4 * 64), (26 + 6) * MIB);
	assert_int_equal(ranges_pool_bytes(64 * GIB, 64, 0), (16 + 1024 + 32) * MIB);
	assert_int_equal(ranges_pool_bytes(0, 0, 16 * 1024), (16 + 320) * MIB);
}

static void l1_never_gets_the_last_free_page(void **state)
{
	(void)state;
	assert_int_equal(ranges_l1_bytes(512 * MIB, 26 * MIB), 480 * MIB);
	assert_true(ranges_l1_bytes(512 * MIB, 26 * MIB) + 4 * MIB < (512 - 26) * MIB);
	assert_int_equal(ranges_l1_bytes(32 * MIB, 26 * MIB), 0);
	assert_int_equal(ranges_l1_bytes(16 * MIB, 26 * MIB), 0);
}

#define CASE(name) cmocka_unit_test_setup(name, empty_list)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(neighbours_merge),
		CASE(types_do_not_merge),
		CASE(a_hole_is_cut),
		CASE(ram_shrinks_and_reserved_grows_to_pages),
		CASE(less_than_a_page_of_ram_is_none),
		CASE(a_range_that_wraps_ends_at_the_top),
		CASE(a_full_list_is_told_and_kept),
		CASE(random_marks_match_the_model),
		CASE(pool_grows_with_ram_cpus_and_contexts),
		CASE(l1_never_gets_the_last_free_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
