/* SPDX-License-Identifier: MIT */
/* vmx/nested/ept02_root.c, ept02_create.c: roots found, made and recycled; tables that run out. */
#include "ept02_fixture.h"

#define ROOTS 4u

static u64 top;

static int set_up(void **state)
{
	(void)state;
	if (world_create(6, ROOTS))
		return -1;
	top = l1_table();
	return 0;
}

UNIT(root_is_found_by_address_flags_and_length)
{
	struct ept02_root *root = root_of(top), *flags, *other;

	assert_ptr_equal(ept02_root_get(pool, &vcpus[0], top | 0x18, NULL),
			 root); /* UC: the same */
	flags = ept02_root_get(pool, &vcpus[0], top | 0x5e, NULL);
	other = root_of(l1_table());
	assert_ptr_not_equal(flags, root);
	assert_ptr_not_equal(other, root);
	assert_ptr_not_equal(other, flags);
	assert_ptr_equal(ept02_root_get(pool, &vcpus[0], top | 0x1e, root), root);
	assert_ptr_equal(ept02_root_get(pool, &vcpus[0], top | 0x1e, other),
			 root); /* a hint that is wrong */
	assert_int_equal(root->users, 4);
	assert_int_equal(ept02_counts(pool)->roots_made, 3);
	assert_int_equal(ept02_counts(pool)->roots_hit, 3);
}

UNIT(recycled_root_is_noticed_and_owes_a_flush)
{
	struct ept02_root *root = root_of(top);

	l1_map(top, 5, 0x1005, RWX | WB);
	assert_int_equal(touch(root, 5, EPT_WRITE), EPT02_MAPPED);
	ept02_root_put(pool, root);
	for (u32 i = 0; i < ROOTS; i++)
		ept02_root_put(pool, root_of(l1_table()));
	assert_false(ept02_root_is_for(root, &vcpus[0], top | 0x1e));
	assert_int_equal(ept02_counts(pool)->roots_recycled, 1);
	assert_false(is_mapped(root, 5));
	assert_true(ept02_flush_owed(root, 0));
	assert_ptr_not_equal(ept02_root_get(pool, &vcpus[0], top | 0x1e, root), root);
	assert_null(ept02_page_find(pool, 0x1234));
}

UNIT(roots_in_use_stay_and_the_least_recently_used_goes)
{
	struct ept02_root *used = root_of(top), *roots[3];
	u64 tables[3] = { l1_table(), l1_table(), l1_table() };

	for (u32 i = 0; i < 3; i++) {
		roots[i] = root_of(tables[i]);
		ept02_root_put(pool, roots[i]);
	}
	ept02_root_put(pool, root_of(tables[0])); /* so that 1 is the oldest */
	assert_ptr_equal(root_of(l1_table()), roots[1]);
	assert_true(ept02_root_is_for(used, &vcpus[0], top | 0x1e));
	assert_true(ept02_root_is_for(roots[0], &vcpus[0], tables[0] | 0x1e));
	assert_true(ept02_root_is_for(roots[2], &vcpus[0], tables[2] | 0x1e));
}

static void use_one_more(void)
{
	(void)root_of(l1_table());
}

UNIT(more_users_than_roots_is_a_callers_bug)
{
	for (u32 i = 0; i < ROOTS; i++)
		use_one_more();
	assert_true(host_panics(use_one_more, "root"));
}

/* Every EPTP12 leads to the same tables; each is a root of its own. */
UNIT(a_hundred_thousand_eptps_in_64_tables)
{
	struct ept02_root *root = NULL;
	u64 pages = page_free_count();

	l1_map(top, 5, 0x1005, RWX | WB);
	alias_from = GIB;
	alias_to = top;
	for (u32 i = 0; i < 100000; i++) {
		u64 eptp = GIB + i * PAGE_SIZE + 0x1e;

		root = ept02_root_get(pool, &vcpus[0], eptp, root);
		assert_false(is_mapped(root, 5));
		assert_int_equal(touch_on(i & 1, root, 5, EPT_WRITE), EPT02_MAPPED);
		expect_at(root, 5, 0x1005);
		ept02_root_put(pool, root);
	}
	assert_int_equal(ept02_counts(pool)->roots_made, 100000);
	assert_int_equal(page_free_count(), pages);
}

/* Tables of idle roots first, then of the largest; the access is done in the end. */
UNIT(tables_that_run_out_are_taken_from_others)
{
	struct ept02_root *root = root_of(top), *idle = root_of(l1_table());

	for (u64 n = 0; n < 16; n++) {
		l1_map(idle->key & EPT_FRAME_MASK, n << 9, 0x1000 + n, RWX | WB);
		assert_int_equal(touch(idle, n << 9, EPT_READ), EPT02_MAPPED);
	}
	ept02_root_put(pool, idle);
	for (u64 n = 0; n < 100; n++) {
		l1_map(top, n << 9, 0x1000 + n, RWX | WB);
		assert_int_equal(touch(root, n << 9, EPT_READ), EPT02_MAPPED);
		expect_at(root, n << 9, 0x1000 + n);
		if (n == 39)
			assert_true(is_mapped(idle, 0));
	}
	assert_false(is_mapped(idle, 0));
	assert_int_equal(idle->tables, 0);
	assert_int_equal(ept02_counts(pool)->recycles, 2);
	assert_int_equal(kicks, 1); /* the idle one's needed none */
	for (u64 n = 0; n < 100; n++)
		assert_int_equal(touch(root, n << 9, EPT_READ), EPT02_MAPPED);
}

/* Two roots that both want more than there is get on side by side. */
UNIT(roots_in_use_share_the_tables)
{
	struct ept02_root *roots[2] = { root_of(top), root_of(l1_table()) };

	for (u32 i = 0; i < 2; i++)
		for (u64 n = 0; n < 50; n++)
			l1_map(roots[i]->key & EPT_FRAME_MASK, n << 9, 0x1000 + n, RWX | WB);
	for (u64 n = 0; n < 2000; n++)
		assert_int_equal(touch_on(n & 1, roots[n & 1], n / 2 % 50 << 9, EPT_READ),
				 EPT02_MAPPED);
}

UNIT(pool_takes_what_it_says)
{
	struct ept02_config config = { .memory = memory, .order = 4, .roots = 2 };
	u64 pages = page_free_count();

	assert_non_null(ept02_create(&config));
	assert_int_equal(pages - page_free_count(), ept02_host_pages(&config));
	config.order = 12;
	pages = page_free_count();
	assert_null(ept02_create(&config));
	assert_int_equal(page_free_count(), pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(root_is_found_by_address_flags_and_length, set_up),
		cmocka_unit_test_setup(recycled_root_is_noticed_and_owes_a_flush, set_up),
		cmocka_unit_test_setup(roots_in_use_stay_and_the_least_recently_used_goes, set_up),
		cmocka_unit_test_setup(more_users_than_roots_is_a_callers_bug, set_up),
		cmocka_unit_test_setup(a_hundred_thousand_eptps_in_64_tables, set_up),
		cmocka_unit_test_setup(tables_that_run_out_are_taken_from_others, set_up),
		cmocka_unit_test_setup(roots_in_use_share_the_tables, set_up),
		cmocka_unit_test_setup(pool_takes_what_it_says, set_up),
	};

	return cmocka_run_group_tests_name("vmx/nested/ept02_root", tests, NULL, NULL);
}
