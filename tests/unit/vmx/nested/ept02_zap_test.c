/* SPDX-License-Identifier: MIT */
/* vmx/nested/ept02_zap.c, ept02_index.c: a change of L1's memory takes away what it hits, and that
 * only. */
#include "ept02_root_fixture.h"

static u64 zapped(void)
{
	return counts()->zapped[EPT02_L1_CHANGED];
}

UNIT(leaves_of_a_page_go_and_no_others)
{
	for (u64 n = 0; n < 64; n++)
		map_and_touch(n * 40, 0x1000 + n, RWX | WB);
	map_and_touch(0x10000, 0x1020, RWX | WB); /* the same page again, elsewhere */
	assert_true(zap(0x1020, 1));
	assert_int_equal(zapped(), 2);
	for (u64 n = 0; n < 64; n++)
		assert_int_equal(is_mapped(root, n * 40), n != 0x20);
	assert_false(is_mapped(root, 0x10000));
	assert_false(zap(0x1020, 1));
	assert_false(zap(0x900, 0x100));
	assert_true(zap(0x1000, 0x400));
	assert_int_equal(zapped(), 65);
	for (u64 n = 0; n < 64; n++)
		assert_false(is_mapped(root, n * 40));
}

UNIT(large_leaf_goes_by_any_of_its_pages)
{
	static const u64 pages[] = { 0x1000, 0x11ff, 0x1080 };

	map_and_touch(0x800, 0x1200, RWX | WB | LARGE);
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		map_and_touch(0x400, 0x1000, RWX | WB | LARGE);
		assert_true(zap(pages[i], 1));
		assert_false(is_mapped(root, 0x400));
		assert_true(is_mapped(root, 0x800));
	}
	assert_false(zap(0x1000, 0x200));
	assert_true(zap(0x11ff, 2));
	assert_int_equal(zapped(), 4);
}

UNIT(pieces_of_a_large_leaf_go_one_by_one)
{
	set_leaf_2m(false);
	l1_map(top, 0x400, 0x1000, RWX | WB | LARGE);
	for (u64 n = 0; n < 8; n++)
		assert_int_equal(touch(root, 0x400 + n, EPT_READ), EPT02_MAPPED);
	assert_true(zap(0x1003, 1));
	for (u64 n = 0; n < 8; n++)
		assert_int_equal(is_mapped(root, 0x400 + n), n != 3);
}

UNIT(what_a_table_in_the_range_led_to_goes)
{
	u64 tables[EPT_LEVEL_ROOT];

	for (u32 level = 1; level <= 3; level++) {
		map_and_touch(0x7000000, 0x1000, RWX | WB);
		map_and_touch(0x7000001, 0x1001, RWX | WB);
		map_and_touch(5, 0x1002, RWX | WB);
		tables[level] = l1_entry_at(top, 0x7000000, level) >> PAGE_SHIFT;
		assert_true(zap(tables[level], 1));
		assert_false(is_mapped(root, 0x7000000));
		assert_false(is_mapped(root, 0x7000001));
		assert_int_equal(is_mapped(root, 5), level < 3);
		assert_null(ept02_page_find(pool, tables[level]));
		assert_false(zap(tables[level], 1));
	}
	map_and_touch(5, 0x1002, RWX | WB);
	tables[1] = l1_entry_at(top, 5, 1) >> PAGE_SHIFT;
	assert_true(zap(0x1002, 1)); /* which leaves it empty */
	assert_true(zap(tables[1], 1));
	assert_null(ept02_page_find(pool, tables[1]));
	map_and_touch(5, 0x1002, RWX | WB);
	assert_true(zap(top >> PAGE_SHIFT, 1));
	assert_false(is_mapped(root, 5));
	assert_int_equal(root->tables, 0);
	assert_false(zap(top >> PAGE_SHIFT, 1));
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
}

/* The root's entry 511 leads to the root: its page is shadowed at all levels. */
UNIT(tables_that_lead_to_themselves_go)
{
	l1_write(top + 511 * 8, top | RWX);
	map_and_touch(5, 0x1002, RWX | WB);
	assert_int_equal(touch(root, (BIT(36) - 1) & ~511ULL, EPT_READ),
			 EPT02_MAPPED); /* the root as a page */
	assert_true(zap(top >> PAGE_SHIFT, 1));
	assert_false(is_mapped(root, 5));
	assert_int_equal(root->tables, 0);
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
}

UNIT(all_roots_are_hit)
{
	struct ept02_root *second = root_of(l1_table());

	l1_map(second->key & EPT_FRAME_MASK, 9, 0x1001, RWX | WB);
	map_and_touch(4, 0x1001, RWX | WB);
	assert_int_equal(touch(second, 9, EPT_READ), EPT02_MAPPED);
	assert_true(zap(0x1001, 1));
	assert_false(is_mapped(root, 4));
	assert_false(is_mapped(second, 9));
}

/* A CPU that translated the page before must not do so afterwards. */
UNIT(each_cpu_owes_a_flush_once)
{
	map_and_touch(4, 0x1001, RWX | WB);
	assert_int_equal(touch_on(1, root, 4, EPT_READ), EPT02_MAPPED);
	for (u32 cpu = 0; cpu < 2; cpu++)
		assert_false(ept02_flush_owed(root, cpu));
	assert_true(zap(0x1001, 1));
	for (u32 cpu = 0; cpu < 2; cpu++) {
		assert_true(ept02_flush_owed(root, cpu));
		assert_false(ept02_flush_owed(root, cpu));
	}
	memset(tlbs, 0, sizeof(tlbs)); /* they did */
	/* More permissions owe nothing, fewer do. */
	map_and_touch(4, 0x1001, EPT_READ | WB);
	l1_map(top, 4, 0x1001, RWX | WB);
	assert_int_equal(touch(root, 4, EPT_WRITE), EPT02_MAPPED);
	assert_false(ept02_flush_owed(root, 0));
	l1_map(top, 4, 0x1001, EPT_READ | WB);
	ept.eptp = top | 0x1e;
	last_fault = (struct ept02_fault){ .access = { .gpa = l2_gpa(4 << 12), .read = true } };
	assert_int_equal(ept02_fault(pool, root, &ept, &last_fault), EPT02_MAPPED);
	assert_true(ept02_flush_owed(root, 0));
}

UNIT(tables_are_free_after_the_end_only)
{
	struct ept02_zapped out = { 0 };
	const struct ept02_table *free_before;

	map_and_touch(4, 0x1001, RWX | WB);
	free_before = pool->free_tables;
	vm_memory_lock(memory);
	ept02_zap_l1(pool, l1_gfn(l1_entry_at(top, 4, 3) >> PAGE_SHIFT), 1, &out);
	vm_memory_unlock(memory);
	assert_true(out.flush);
	assert_non_null(out.tables);
	assert_ptr_equal(pool->free_tables, free_before);
	ept02_zap_end(pool, &out);
	assert_ptr_not_equal(pool->free_tables, free_before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(leaves_of_a_page_go_and_no_others, set_up),
		cmocka_unit_test_setup(large_leaf_goes_by_any_of_its_pages, set_up),
		cmocka_unit_test_setup(pieces_of_a_large_leaf_go_one_by_one, set_up),
		cmocka_unit_test_setup(what_a_table_in_the_range_led_to_goes, set_up),
		cmocka_unit_test_setup(tables_that_lead_to_themselves_go, set_up),
		cmocka_unit_test_setup(all_roots_are_hit, set_up),
		cmocka_unit_test_setup(each_cpu_owes_a_flush_once, set_up),
		cmocka_unit_test_setup(tables_are_free_after_the_end_only, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept02_zap", tests, NULL, NULL);
}
