/* SPDX-License-Identifier: MIT */
/* vmx/nested/ept02*.c: pages that are tables of EPT12, or that something else has protected: who
 * writes to them, what is mapped over them. */
#include "ept02_root_fixture.h"

UNIT(l2_sees_a_table_as_a_page_that_it_may_not_write)
{
	u64 page = table_gfn(0, 1);
	struct ept_leaf leaf = { 0 };

	map_and_touch(5, page, RWX | WB);
	assert_true(walk02(root, 5, &leaf) && (leaf.bits & EPT_WRITE));
	invept();
	assert_true(protected[page]);
	assert_true(ept02_flush_owed(root, 0));
	memset(tlbs, 0, sizeof(tlbs));
	assert_true(walk02(root, 5, &leaf) && !(leaf.bits & EPT_WRITE));
	map_and_touch(6, page, RWX | WB); /* which lifted it; again: */
	invept();
	assert_int_equal(touch(root, 7, EPT_READ), EPT02_REFLECT_VIOLATION);
	assert_int_equal(touch(root, 6, EPT_READ), EPT02_MAPPED);
	assert_true(walk02(root, 6, &leaf) && !(leaf.bits & EPT_WRITE));
	assert_int_equal(touch(root, 6, EPT_WRITE), EPT02_MAPPED);
	assert_false(protected[page]);
	/* A leaf that is new while the page is protected. */
	invept();
	map_and_touch(1 << 18, page, RWX | WB);
	assert_true(protected[page]);
	assert_true(walk02(root, 1 << 18, &leaf) && !(leaf.bits & EPT_WRITE));
	assert_int_equal(touch(root, 1 << 18, EPT_WRITE), EPT02_MAPPED);
	world_write(page << PAGE_SHIFT | 5 * 8, 0x1011 << PAGE_SHIFT | RWX | WB); /* by L2 */
	invept();
	assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
	expect_at(root, 5, 0x1011);
}

UNIT(no_large_leaf_is_over_a_table)
{
	u64 first = ALIGN_DOWN(next_table, 512);
	struct ept_leaf leaf = { 0 };

	/* The leaf's own tables lie in what it maps. */
	l1_map(top, 0x400, first, RWX | WB | LARGE);
	assert_int_equal(touch(root, 0x405, EPT_WRITE), EPT02_MAPPED);
	assert_true(walk02(root, 0x405, &leaf));
	assert_int_equal(leaf.level, EPT_LEVEL_4K);
	/* A page of a large leaf becomes a table. */
	l1_map(top, 0x800, 0x1200, RWX | WB | LARGE);
	assert_int_equal(touch(root, 0x805, EPT_WRITE), EPT02_MAPPED);
	assert_true(walk02(root, 0x805, &leaf) && leaf.level == EPT_LEVEL_2M);
	next_table = 0x1280;
	map_and_touch(0x7 << 18, 0x1005, RWX | WB);
	assert_false(is_mapped(root, 0x805));
	assert_int_equal(counts()->zapped[EPT02_TABLE_INSIDE], 1);
	assert_int_equal(touch(root, 0x805, EPT_WRITE), EPT02_MAPPED);
	assert_true(walk02(root, 0x805, &leaf) && leaf.level == EPT_LEVEL_4K);
}

static int refuse(void *context, l1_gfn_t gfn)
{
	(void)context;
	(void)gfn;
	return -ENOMEM;
}

UNIT(page_that_cannot_be_protected_is_read_each_time)
{
	struct ept02_ops ops = *pool->ops;

	ops.protect = refuse;
	pool->ops = &ops;
	map_and_touch(5, 0x1005, RWX | WB);
	for (u64 n = 0; n < 3; n++) {
		invept();
		l1_map(top, 5, 0x1010 + n, RWX | WB);
		invept();
		assert_int_equal(touch(root, 5, EPT_READ), EPT02_MAPPED);
		expect_at(root, 5, 0x1010 + n);
	}
	assert_int_equal(protections, 0);
}

static void watch(u64 gfn)
{
	struct ept02_zapped out = { 0 };

	vm_memory_lock(memory);
	assert_int_equal(ept01_protect(memory, l1_gfn(gfn)), 0);
	ept02_zap_l1(pool, l1_gfn(gfn), 1, &out);
	vm_memory_unlock(memory);
	ept02_zap_end(pool, &out);
	watched = gfn;
}

UNIT(write_to_a_page_that_another_watches_is_told)
{
	struct ept_leaf leaf = { 0 };

	l1_map(top, 0x400, 0x1000, RWX | WB | LARGE);
	assert_int_equal(touch(root, 0x405, EPT_WRITE), EPT02_MAPPED);
	watch(0x1005);
	assert_false(is_mapped(root, 0x405));
	assert_int_equal(touch(root, 0x405, EPT_READ), EPT02_MAPPED);
	assert_true(walk02(root, 0x405, &leaf));
	assert_int_equal(leaf.level, EPT_LEVEL_4K);
	assert_int_equal(leaf.bits & RWX, EPT_READ | EPT_EXECUTE);
	assert_int_equal(touch(root, 0x406, EPT_WRITE), EPT02_MAPPED);
	assert_int_equal(watched, 0x1005);
	assert_int_equal(touch(root, 0x405, EPT_WRITE), EPT02_MAPPED);
	assert_int_equal(watched, 0);
	assert_int_equal(counts()->retries, 1);
	/* A table of EPT12 that is watched too: both let go. */
	map_and_touch(5, table_gfn(0, 1), RWX | WB);
	invept();
	watch(table_gfn(0, 1));
	map_and_touch(5, table_gfn(0, 1), RWX | WB);
	invept();
	watched = table_gfn(0, 1);
	assert_int_equal(touch(root, 5, EPT_WRITE), EPT02_MAPPED);
	assert_int_equal(watched, 0);
	assert_false(ept01_is_protected(memory, l1_gfn(table_gfn(0, 1))));
}

/* A root that the reader makes up, at an address where L1 has nothing. */
UNIT(tables_that_are_not_l1s_memory_stay)
{
	struct ept02_root *made_up;

	alias_from = GIB;
	alias_to = top;
	l1_map(top, 5, 0x1005, RWX | WB);
	made_up = root_of(GIB);
	assert_int_equal(touch(made_up, 5, EPT_WRITE), EPT02_MAPPED);
	for (u32 i = 0; i < 3; i++)
		invept_and_enter(0);
	expect_at(made_up, 5, 0x1005);
	assert_null(made_up->unsync.first);
}

/* L1's memory goes away under a table that could not be protected. */
UNIT(table_without_memory_leads_nowhere)
{
	struct ept02_ops ops = *pool->ops;

	ops.protect = refuse;
	pool->ops = &ops;
	map_and_touch(5, 0x1005, RWX | WB);
	next_table = PAGES;
	assert_int_equal(memslot_delete(memory, l1_gfn(PAGES)), MEMSLOT_OK);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(PAGES), 1, 0), MEMSLOT_OK);
	map_and_touch(0x205, 0x1006, RWX | WB); /* its last table is that page */
	assert_int_equal(memslot_delete(memory, l1_gfn(PAGES)), MEMSLOT_OK);
	invept();
	assert_false(is_mapped(root, 0x205));
	assert_true(is_mapped(root, 5));
}

UNIT(protection_ends_with_the_last_table)
{
	map_and_touch(5, 0x1005, RWX | WB);
	map_and_touch(7 << 18, 0x1006, RWX | WB);
	invept();
	assert_int_equal(protections, 6);
	assert_true(zap(table_gfn(7 << 18, 2), 1));
	assert_int_equal(protections, 4);
	assert_true(zap(top >> PAGE_SHIFT, 1));
	assert_int_equal(protections, 0);
	map_and_touch(5, 0x1005, RWX | WB);
	invept();
	assert_int_equal(protections, 4);
	ept02_root_put(pool, root);
	for (u32 i = 0; i < 4; i++)
		ept02_root_put(pool, root_of(l1_table()));
	assert_int_equal(protections, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(l2_sees_a_table_as_a_page_that_it_may_not_write, set_up),
		cmocka_unit_test_setup(no_large_leaf_is_over_a_table, set_up),
		cmocka_unit_test_setup(page_that_cannot_be_protected_is_read_each_time, set_up),
		cmocka_unit_test_setup(write_to_a_page_that_another_watches_is_told, set_up),
		cmocka_unit_test_setup(tables_that_are_not_l1s_memory_stay, set_up),
		cmocka_unit_test_setup(table_without_memory_leads_nowhere, set_up),
		cmocka_unit_test_setup(protection_ends_with_the_last_table, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept02_protect", tests, NULL, NULL);
}
