/* SPDX-License-Identifier: MIT */
/* mm/mtrr.c: the precedence rules one by one, and blocks beside a model that asks page by page. */
#include "unit.h"
#include "mm/mtrr.h"

#define ENABLED (MTRR_DEF_ENABLED | MTRR_DEF_FIXED)

static struct mtrr_map map;

static int set_up(void **state)
{
	(void)state;
	map = (struct mtrr_map){ .def_type = ENABLED | MEMORY_WB, .maxphyaddr = 40 };
	return 0;
}

static void add_range(u64 base, u64 bytes, enum memory_type type)
{
	map.variable[map.variable_count].base = base | type;
	map.variable[map.variable_count].mask = (BITS(39, 12) & ~(bytes - 1)) | MTRR_MASK_VALID;
	map.variable_count++;
}

/* The type of one page; one page is always of one type. */
static enum memory_type type_at(u64 at)
{
	enum memory_type type;

	assert_true(mtrr_block_type(&map, hpa(at), 0, &type));
	return type;
}

UNIT(disabled_mtrrs_make_all_uncached)
{
	map.def_type = MEMORY_WB;
	add_range(0, GIB, MEMORY_WB);
	assert_int_equal(type_at(0x1000), MEMORY_UC);
	assert_int_equal(type_at(5 * GIB), MEMORY_UC);
}

UNIT(default_type_holds_where_no_range_does)
{
	add_range(GIB, GIB, MEMORY_WC);
	assert_int_equal(type_at(GIB - 1), MEMORY_WB);
	assert_int_equal(type_at(GIB), MEMORY_WC);
	assert_int_equal(type_at(2 * GIB - 1), MEMORY_WC);
	assert_int_equal(type_at(2 * GIB), MEMORY_WB);
}

UNIT(each_fixed_register_holds_for_its_own_bytes)
{
	map.fixed[0] = 0x0606060606060605;  /* 64K at 0 */
	map.fixed[1] = 0x0400000000000000;  /* 16K at 9C000h */
	map.fixed[2] = 0x0000000000000100;  /* 16K at A4000h */
	map.fixed[3] = 0x0000000005000000;  /* 4K at C3000h */
	map.fixed[10] = 0x0100000000000000; /* 4K at FF000h */
	assert_int_equal(type_at(0xffff), MEMORY_WP);
	assert_int_equal(type_at(0x10000), MEMORY_WB);
	assert_int_equal(type_at(0x7ffff), MEMORY_WB);
	assert_int_equal(type_at(0x9bfff), MEMORY_UC);
	assert_int_equal(type_at(0x9c000), MEMORY_WT);
	assert_int_equal(type_at(0xa4000), MEMORY_WC);
	assert_int_equal(type_at(0xa8000), MEMORY_UC);
	assert_int_equal(type_at(0xc3000), MEMORY_WP);
	assert_int_equal(type_at(0xc4000), MEMORY_UC);
	assert_int_equal(type_at(0xff000), MEMORY_WC);
	assert_int_equal(type_at(0x100000), MEMORY_WB);
}

UNIT(fixed_ranges_win_below_1_mib_unless_they_are_off)
{
	add_range(0, GIB, MEMORY_WC);
	assert_int_equal(type_at(0x1000), MEMORY_UC);
	assert_int_equal(type_at(MIB), MEMORY_WC);
	map.def_type &= ~MTRR_DEF_FIXED;
	assert_int_equal(type_at(0x1000), MEMORY_WC);
}

UNIT(overlapping_ranges_follow_the_precedence)
{
	add_range(GIB, GIB, MEMORY_WB);
	add_range(GIB, 64 * MIB, MEMORY_UC);
	add_range(GIB + 64 * MIB, 64 * MIB, MEMORY_WT);
	add_range(GIB + 128 * MIB, 64 * MIB, MEMORY_WB);
	add_range(GIB + 192 * MIB, 64 * MIB, MEMORY_WC);
	assert_int_equal(type_at(GIB), MEMORY_UC);
	assert_int_equal(type_at(GIB + 64 * MIB), MEMORY_WT);
	assert_int_equal(type_at(GIB + 128 * MIB), MEMORY_WB);
	assert_int_equal(type_at(GIB + 192 * MIB), MEMORY_UC); /* undefined: the safe type */
	assert_int_equal(type_at(GIB + 256 * MIB), MEMORY_WB);
}

UNIT(invalid_ranges_and_bits_beyond_maxphyaddr_do_not_count)
{
	add_range(GIB, GIB, MEMORY_UC);
	map.variable[0].mask |= BITS(51, 40); /* reserved here */
	assert_int_equal(type_at(GIB), MEMORY_UC);
	map.variable[0].mask &= ~MTRR_MASK_VALID;
	assert_int_equal(type_at(GIB), MEMORY_WB);
}

UNIT(range_ends_bound_the_blocks)
{
	enum memory_type type;

	add_range(2 * GIB, 2 * GIB, MEMORY_UC);
	add_range(5 * GIB, 2 * MIB, MEMORY_WT);
	assert_true(mtrr_block_type(&map, hpa(3 * GIB), 18, &type));
	assert_int_equal(type, MEMORY_UC);
	assert_true(mtrr_block_type(&map, hpa(GIB), 18, &type));
	assert_int_equal(type, MEMORY_WB);
	assert_false(mtrr_block_type(&map, hpa(5 * GIB + 77 * MIB), 18, &type));
	assert_true(mtrr_block_type(&map, hpa(5 * GIB + 77 * MIB), 9, &type));
	assert_int_equal(type, MEMORY_WB);
	assert_true(mtrr_block_type(&map, hpa(5 * GIB + MIB), 9, &type));
	assert_int_equal(type, MEMORY_WT);
}

UNIT(block_over_1_mib_needs_both_kinds_to_agree)
{
	enum memory_type type;

	assert_false(mtrr_block_type(&map, hpa(0x1000), 9, &type));
	memset(map.fixed, MEMORY_WB, sizeof(map.fixed));
	assert_true(mtrr_block_type(&map, hpa(0x1000), 9, &type));
	assert_int_equal(type, MEMORY_WB);
	map.fixed[10] = 0x0006060606060606;
	assert_false(mtrr_block_type(&map, hpa(0x1000), 9, &type));
	assert_true(mtrr_block_type(&map, hpa(2 * MIB), 9, &type));
}

UNIT(part_that_changes_nothing_is_no_difference)
{
	enum memory_type type;

	add_range(0, 8 * GIB, MEMORY_UC);
	add_range(5 * GIB, 2 * MIB, MEMORY_WB);
	assert_true(mtrr_block_type(&map, hpa(5 * GIB), 18, &type));
	assert_int_equal(type, MEMORY_UC);
}

/* Does every page of the block have the first one's type? */
static bool model_block(u64 at, unsigned int order, enum memory_type *type)
{
	u64 bytes = PAGE_SIZE << order;
	u64 base = ALIGN_DOWN(at, bytes);

	*type = type_at(base);
	for (u64 page = base; page < base + bytes; page += PAGE_SIZE)
		if (type_at(page) != *type)
			return false;
	return true;
}

UNIT(blocks_agree_with_a_model_that_asks_page_by_page)
{
	static const enum memory_type types[] = { MEMORY_UC, MEMORY_WC, MEMORY_WT, MEMORY_WP,
						  MEMORY_WB };
	u64 seed = 31, uniform = 0;

	for (u32 round = 0; round < 3000; round++) {
		unsigned int order = (unsigned int)(unit_random(&seed) % 11);
		u64 at = (unit_random(&seed) % 16384) * PAGE_SIZE;
		enum memory_type got, want;
		bool is_uniform;

		map = (struct mtrr_map){ .def_type = MTRR_DEF_ENABLED | types[round % 5],
					 .maxphyaddr = 40 };
		for (u32 i = 0; i < round % 6; i++) {
			u64 bytes = PAGE_SIZE << unit_random(&seed) % 15;

			add_range(ALIGN_DOWN(unit_random(&seed) % (64 * MIB), bytes), bytes,
				  types[unit_random(&seed) % 5]);
		}
		is_uniform = model_block(at, order, &want);
		if (mtrr_block_type(&map, hpa(at), order, &got)) {
			assert_true(is_uniform);
			assert_int_equal(got, want);
			uniform++;
		}
	}
	assert_true(uniform > 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(disabled_mtrrs_make_all_uncached, set_up),
		cmocka_unit_test_setup(default_type_holds_where_no_range_does, set_up),
		cmocka_unit_test_setup(each_fixed_register_holds_for_its_own_bytes, set_up),
		cmocka_unit_test_setup(fixed_ranges_win_below_1_mib_unless_they_are_off, set_up),
		cmocka_unit_test_setup(overlapping_ranges_follow_the_precedence, set_up),
		cmocka_unit_test_setup(invalid_ranges_and_bits_beyond_maxphyaddr_do_not_count,
				       set_up),
		cmocka_unit_test_setup(range_ends_bound_the_blocks, set_up),
		cmocka_unit_test_setup(block_over_1_mib_needs_both_kinds_to_agree, set_up),
		cmocka_unit_test_setup(part_that_changes_nothing_is_no_difference, set_up),
		cmocka_unit_test_setup(blocks_agree_with_a_model_that_asks_page_by_page, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
