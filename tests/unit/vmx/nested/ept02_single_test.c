/* SPDX-License-Identifier: MIT */
/* vmx/nested/ept02_single.c: such a page is a leaf of its own, before and after, in every root; its
 * neighbours are mapped as ever. */
#include "ept02_fixture.h"

static u64 tops[2];
static struct ept02_root *roots[2];

static int set_up(void **state)
{
	(void)state;
	if (world_create(6, 4))
		return -1;
	for (u32 i = 0; i < 2; i++) {
		tops[i] = l1_table();
		roots[i] = root_of(tops[i]);
		l1_map(tops[i], 0x400, 0x1000, RWX | WB | LARGE);
		l1_map(tops[i], 0x600, 0x1200, RWX | WB | LARGE);
	}
	return 0;
}

static u32 level_at(u32 root, u64 gfn)
{
	struct ept_leaf leaf = { 0 };

	assert_int_equal(touch(roots[root], gfn, EPT_READ), EPT02_MAPPED);
	assert_true(walk02(roots[root], gfn, &leaf));
	assert_int_equal(leaf.pfn.raw, pfn_of_l1(gfn + 0xc00));
	return leaf.level;
}

UNIT(large_leaves_over_it_give_way)
{
	assert_int_equal(level_at(0, 0x480), EPT_LEVEL_2M);
	assert_int_equal(level_at(1, 0x480), EPT_LEVEL_2M);
	ept02_keep_single(pool, l1_gfn(0x1081));
	assert_false(is_mapped(roots[0], 0x481));
	assert_false(is_mapped(roots[1], 0x480));
	for (u32 root = 0; root < 2; root++) {
		assert_int_equal(level_at(root, 0x481), EPT_LEVEL_4K);
		assert_int_equal(level_at(root, 0x480), EPT_LEVEL_4K);
		assert_int_equal(level_at(root, 0x600), EPT_LEVEL_2M);
	}
}

UNIT(it_grows_again_when_the_last_lets_go)
{
	ept02_keep_single(pool, l1_gfn(0x1081));
	ept02_keep_single(pool, l1_gfn(0x1081));
	ept02_let_grow(pool, l1_gfn(0x1081));
	assert_int_equal(level_at(0, 0x481), EPT_LEVEL_4K);
	ept02_let_grow(pool, l1_gfn(0x1081));
	assert_int_equal(level_at(1, 0x481), EPT_LEVEL_2M);
}

UNIT(places_are_free_again)
{
	for (u64 n = 0; n < 100; n++) {
		ept02_keep_single(pool, l1_gfn(0x1000 + n));
		assert_int_equal(level_at(0, 0x400 + n), EPT_LEVEL_4K);
		ept02_let_grow(pool, l1_gfn(0x1000 + n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(large_leaves_over_it_give_way, set_up),
		cmocka_unit_test_setup(it_grows_again_when_the_last_lets_go, set_up),
		cmocka_unit_test_setup(places_are_free_again, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
