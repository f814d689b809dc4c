/* SPDX-License-Identifier: MIT */
/* mm/ept_iter.c: which entries a walk sees and in which order. */
#include "unit.h"
#include "host_memory.h"
#include "mm/ept_iter.h"

static u64 *root, *l3, *l2, *l1;

static u64 link(const u64 *table)
{
	return page_to_hpa(table).raw | EPT_ACCESS_MASK;
}

/* One table a level, at gfn 0 but for the lowest one, which is the third of its parent. */
static int set_up(void **state)
{
	(void)state;
	host_memory_default();
	root = page_alloc(0);
	l3 = page_alloc(0);
	l2 = page_alloc(0);
	l1 = page_alloc(0);
	root[0] = link(l3);
	l3[0] = link(l2);
	l2[2] = link(l1);
	return 0;
}

static u64 walk(u64 start, u64 end, u64 *last_gfn)
{
	struct ept_iter it;
	u64 count = 0;

	for (ept_iter_start(&it, root, start, end); it.slot; ept_iter_next(&it)) {
		assert_int_equal(it.gfn % ept_level_pages(it.level), 0);
		assert_true(it.gfn < end && it.gfn + ept_level_pages(it.level) > start);
		assert_int_equal(it.value, *it.slot);
		*last_gfn = it.gfn;
		count++;
	}
	return count;
}

UNIT(every_entry_is_seen_once_tables_before_their_entries)
{
	u64 last;

	assert_int_equal(walk(0, EPT_GFN_END, &last), 4 * 512);
	assert_int_equal(last, 511ULL << 27);
	assert_int_equal(walk(0, 1, &last), 3);
	assert_int_equal(walk(2 * 512, 2 * 512 + 1, &last), 4);
	assert_int_equal(last, 2 * 512);
	assert_int_equal(walk(2 * 512 + 511, 3 * 512 + 1, &last), 5);
	assert_int_equal(last, 3 * 512);
	assert_int_equal(walk(3 * 512 - 10, BIT(18) + 1, &last), 3 + 10 + 509 + 1);
	assert_int_equal(last, BIT(18));
}

UNIT(empty_range_has_no_entry)
{
	u64 last;

	assert_int_equal(walk(77, 77, &last), 0);
	assert_int_equal(walk(EPT_GFN_END, EPT_GFN_END, &last), 0);
}

UNIT(last_entry_of_every_level_ends_the_walk)
{
	u64 last;

	root[511] = link(l3);
	l3[511] = link(l2);
	l2[511] = link(l1);
	assert_int_equal(walk(EPT_GFN_END - 1, EPT_GFN_END, &last), 4);
	assert_int_equal(last, EPT_GFN_END - 1);
}

UNIT(visitor_that_takes_a_table_away_is_not_led_into_it)
{
	struct ept_iter it;
	u64 count = 0;

	for (ept_iter_start(&it, root, 0, BIT(18)); it.slot; ept_iter_next(&it)) {
		if (it.level == EPT_LEVEL_2M)
			*it.slot = 0;
		count++;
	}
	assert_int_equal(count, 2 + 512);
}

UNIT(visitor_that_puts_a_table_is_led_into_it)
{
	struct ept_iter it;
	u64 count = 0;

	for (ept_iter_start(&it, root, 5 * 512, 6 * 512); it.slot; ept_iter_next(&it)) {
		if (it.level == EPT_LEVEL_2M)
			*it.slot = link(l1);
		count++;
	}
	assert_int_equal(count, 3 + 512);
}

UNIT(large_leaf_is_not_taken_for_a_table)
{
	u64 last;

	l2[1] = 0x200000 | EPT_READ | EPT_LEAF;
	assert_int_equal(walk(512, 1024, &last), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_entry_is_seen_once_tables_before_their_entries,
				       set_up),
		cmocka_unit_test_setup(empty_range_has_no_entry, set_up),
		cmocka_unit_test_setup(last_entry_of_every_level_ends_the_walk, set_up),
		cmocka_unit_test_setup(visitor_that_takes_a_table_away_is_not_led_into_it, set_up),
		cmocka_unit_test_setup(visitor_that_puts_a_table_is_led_into_it, set_up),
		cmocka_unit_test_setup(large_leaf_is_not_taken_for_a_table, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
