/* SPDX-License-Identifier: MIT */
/* mm/pfn_cache.c, host use: what makes a cache valid, what ends that, and what each step costs. */
#include "pfn_fixture.h"

static struct pfn_cache cache;

static int set_up(void **state)
{
	(void)state;
	set_up_memory();
	add(10, 4);
	add(100, 4);
	stamp(11, 0x11);
	stamp(100, 0x100);
	pfn_cache_init(&cache, memory, WINDOW_READ);
	pfn_cache_activate(&cache, l1_gpa(11 * PAGE_SIZE + 0x123));
	return 0;
}

static void refresh(void)
{
	assert_int_equal(pfn_cache_refresh(&cache), 0);
}

UNIT(valid_cache_reaches_its_page_and_no_other)
{
	u64 *page;

	assert_false(pfn_cache_check(&cache, page_at(11)));
	assert_null(pfn_cache_hold(&cache, page_at(11), 0));
	refresh();
	assert_true(pfn_cache_check(&cache, page_at(11)));
	assert_true(pfn_cache_check(&cache, l1_gpa(12 * PAGE_SIZE - 1)));
	assert_false(pfn_cache_check(&cache, page_at(12)));
	assert_false(pfn_cache_check(&cache, l1_gpa(11 * PAGE_SIZE - 1)));
	assert_null(pfn_cache_hold(&cache, page_at(10), 0));
	page = pfn_cache_hold(&cache, page_at(11), 15);
	assert_int_equal(*page, 0x11);
	*page = 0x22;
	pfn_cache_release(&cache, 15);
	assert_int_equal(cache.state & PFN_CACHE_HELD_BY_ANY, 0);
	assert_int_equal(word_of(&cache, 11), 0x22);
}

UNIT(what_is_valid_costs_no_window_write_and_no_look_up)
{
	refresh();
	word_of(&cache, 11);
	u64 writes = host_counter(CTR_WINDOW_PTE_WRITES);
	u64 lookups = host_counter(CTR_REGION_LOOKUPS);

	for (u32 i = 0; i < 1000; i++) {
		assert_true(pfn_cache_check(&cache, page_at(11)));
		assert_int_equal(word_of(&cache, 11), 0x11);
		assert_int_equal(pfn_cache_refresh(&cache), 0);
	}
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), writes);
	assert_int_equal(host_counter(CTR_REGION_LOOKUPS), lookups);
	assert_int_equal(host_counter(CTR_CACHE_REFRESHES), 1);
	assert_int_equal(host_counter(CTR_CACHE_HITS), 1001);
}

UNIT(missing_page_is_told_and_nothing_is_mapped)
{
	u64 writes = host_counter(CTR_WINDOW_PTE_WRITES);

	remove_at(10);
	assert_int_equal(pfn_cache_refresh(&cache), -ENOENT);
	assert_false(pfn_cache_check(&cache, page_at(11)));
	assert_null(cache.slot);
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), writes);
	add(11, 1);
	stamp(11, 0x77);
	refresh();
	assert_int_equal(word_of(&cache, 11), 0x77);
	remove_at(11);
	assert_int_equal(pfn_cache_refresh(&cache), -ENOENT);
	assert_null(cache.slot); /* what was mapped is not left in reach */
}

UNIT(every_kind_of_update_that_hits_the_page_invalidates)
{
	refresh();
	assert_int_equal(memslot_set_flags(memory, l1_gfn(10), MEMSLOT_READONLY), MEMSLOT_OK);
	assert_false(pfn_cache_check(&cache, page_at(11)));
	refresh();
	assert_true(cache.read_only);
	move(10, 200);
	assert_false(pfn_cache_check(&cache, page_at(11)));
	assert_int_equal(pfn_cache_refresh(&cache), -ENOENT);
	move(100, 11);
	refresh();
	assert_false(cache.read_only);
	assert_int_equal(word_of(&cache, 11), 0x100);
	remove_at(11);
	assert_false(pfn_cache_check(&cache, page_at(11)));
	assert_int_equal(host_counter(CTR_CACHE_INVALIDATIONS), 3);
	assert_int_equal(pfn_cache_generation(&cache), 3);
	assert_int_equal(host_counter(CTR_CACHE_HOLDER_WAITS), 0);
}

UNIT(updates_elsewhere_cause_no_refresh)
{
	refresh();
	for (u32 i = 0; i < 5000; i++) {
		move(100, 500);
		assert_true(pfn_cache_check(&cache, page_at(11)));
		move(500, 100);
		assert_true(pfn_cache_check(&cache, page_at(11)));
	}
	assert_int_equal(host_counter(CTR_CACHE_REFRESHES), 1);
	assert_int_equal(host_counter(CTR_CACHE_INVALIDATIONS), 0);
	assert_int_equal(pfn_cache_generation(&cache), 0);
	assert_int_equal(word_of(&cache, 11), 0x11);
}

UNIT(mapping_is_used_again_where_the_frame_is_the_same)
{
	u64 writes;

	refresh();
	writes = host_counter(CTR_WINDOW_PTE_WRITES);
	move(10, 200);
	move(200, 10);
	assert_false(pfn_cache_check(&cache, page_at(11)));
	refresh();
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), writes);
	assert_int_equal(word_of(&cache, 11), 0x11);
}

/* The old mapping may be in the TLB of both CPUs; the slot is not used before both have paid. */
UNIT(another_frame_is_mapped_where_nobody_owes)
{
	char *old;

	refresh();
	old = cache.va;
	host_run_on(1);
	assert_int_equal(word_of(&cache, 11), 0x11);
	host_run_on(0);
	move(10, 200);
	move(100, 11);
	refresh();
	assert_ptr_not_equal(cache.va, old);
	assert_int_equal(word_of(&cache, 11), 0x100);
	assert_int_equal(host_x86_count_at(HOST_X86_INVLPG, (u64)(uintptr_t)old), 1);
	host_run_on(1);
	window_pay_debts();
	assert_int_equal(host_x86_count_at(HOST_X86_INVLPG, (u64)(uintptr_t)old), 2);
	move(11, 300);
	move(200, 10);
	refresh();
	assert_ptr_equal(cache.va, old);
	assert_int_equal(word_of(&cache, 11), 0x11);
}

UNIT(mapping_goes_over_to_another_frame_where_only_this_cpu_used_it)
{
	char *old;

	refresh();
	old = cache.va;
	move(10, 200);
	move(100, 11);
	refresh();
	assert_ptr_equal(cache.va, old);
	assert_int_equal(word_of(&cache, 11), 0x100);
	assert_int_equal(host_x86_count_at(HOST_X86_INVLPG, (u64)(uintptr_t)old), 1);
	assert_int_equal(host_counter(CTR_WINDOW_PTE_WRITES), 2);
}

UNIT(cache_that_moves_is_valid_for_the_other_page_alone)
{
	struct pfn_cache fresh;
	char *old;

	refresh();
	old = cache.va;
	assert_int_equal(pfn_cache_move(&cache, l1_gpa(100 * PAGE_SIZE + 0x321)), 0);
	assert_true(pfn_cache_check(&cache, page_at(100)));
	assert_false(pfn_cache_check(&cache, page_at(11)));
	assert_int_equal(word_of(&cache, 100), 0x100);
	assert_int_equal(word_of(&cache, 11), 0);
	assert_ptr_equal(cache.va, old);
	assert_int_equal(pfn_cache_generation(&cache), 1);
	assert_int_equal(memory->caches.count, 1);
	/* Changes find it where it is now, and not where it was. */
	remove_at(10);
	assert_true(pfn_cache_check(&cache, page_at(100)));
	remove_at(100);
	assert_false(pfn_cache_check(&cache, page_at(100)));
	add(10, 1);
	stamp(10, 0x10);
	pfn_cache_init(&fresh, memory, WINDOW_READ);
	assert_int_equal(pfn_cache_move(&fresh, page_at(10)), 0);
	assert_int_equal(word_of(&fresh, 10), 0x10);
	assert_int_equal(memory->caches.count, 2);
	pfn_cache_deactivate(&fresh);
}

UNIT(cache_that_cannot_move_has_the_page_that_it_had)
{
	refresh();
	assert_int_equal(pfn_cache_move(&cache, page_at(5000)), -ENOENT);
	assert_int_equal(word_of(&cache, 11), 0x11);
	assert_non_null(pfn_cache_hold(&cache, page_at(11), 5));
	assert_int_equal(pfn_cache_move(&cache, page_at(100)), -EBUSY);
	pfn_cache_release(&cache, 5);
	assert_false(pfn_cache_check(&cache, page_at(100)));
	refresh();
	assert_int_equal(word_of(&cache, 11), 0x11);
	remove_at(10);
	assert_false(pfn_cache_check(&cache, page_at(11)));
}

UNIT(holder_keeps_its_mapping_while_moves_fail)
{
	u64 *page;

	refresh();
	page = pfn_cache_hold(&cache, page_at(11), 5);
	assert_int_equal(pfn_cache_move(&cache, page_at(100)), -EBUSY);
	assert_int_equal(pfn_cache_move(&cache, page_at(5000)), -ENOENT);
	assert_int_equal(*page, 0x11);
	pfn_cache_release(&cache, 5);
	assert_int_equal(pfn_cache_move(&cache, page_at(5000)), -ENOENT);
	assert_null(cache.slot);
}

UNIT(cache_that_gets_no_slot_is_invalid_where_it_was)
{
	struct window_slot *slot = NULL, *last;

	refresh();
	host_run_on(1);
	word_of(&cache, 11); /* it would owe for the slot */
	host_run_on(0);
	while ((last = window_slot_get()))
		slot = last;
	assert_int_equal(pfn_cache_move(&cache, page_at(100)), -ENOMEM);
	assert_null(cache.slot);
	assert_false(pfn_cache_check(&cache, page_at(11)));
	assert_int_equal(pfn_cache_refresh(&cache), -ENOMEM);
	window_slot_put(slot);
	assert_int_equal(pfn_cache_move(&cache, page_at(100)), 0);
	assert_int_equal(word_of(&cache, 100), 0x100);
}

UNIT(use_that_writes_is_refused_a_read_only_region)
{
	struct pfn_cache writer;

	add_with(50, 1, MEMSLOT_READONLY);
	stamp(50, 0x50);
	pfn_cache_init(&writer, memory, WINDOW_WRITE);
	pfn_cache_activate(&writer, page_at(50));
	assert_int_equal(pfn_cache_refresh(&writer), -EFAULT);
	assert_null(writer.slot);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(50), 0), MEMSLOT_OK);
	assert_int_equal(pfn_cache_refresh(&writer), 0);
	assert_int_equal(word_of(&writer, 50), 0x50);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(50), MEMSLOT_READONLY), MEMSLOT_OK);
	assert_int_equal(pfn_cache_refresh(&writer), -EFAULT);
	assert_null(writer.slot);
	pfn_cache_deactivate(&writer);
}

UNIT(inactive_cache_is_never_valid)
{
	refresh();
	pfn_cache_deactivate(&cache);
	assert_false(pfn_cache_check(&cache, page_at(11)));
	assert_int_equal(pfn_cache_refresh(&cache), -EINVAL);
	assert_null(cache.slot);
	assert_int_equal(memory->caches.count, 0);
	pfn_cache_deactivate(&cache);
	pfn_cache_activate(&cache, page_at(100));
	assert_false(pfn_cache_check(&cache, page_at(100)));
	refresh();
	assert_int_equal(word_of(&cache, 100), 0x100);
	assert_null(pfn_cache_hold(&cache, page_at(11), 0));
}

UNIT(without_a_window_slot_nothing_is_mapped)
{
	struct window_slot *slot = NULL, *last;

	while ((last = window_slot_get()))
		slot = last;
	assert_int_equal(pfn_cache_refresh(&cache), -ENOMEM);
	assert_false(pfn_cache_check(&cache, page_at(11)));
	window_slot_put(slot);
	refresh();
	assert_int_equal(word_of(&cache, 11), 0x11);
}

UNIT(generation_wraps_into_nothing_else)
{
	refresh();
	cache.state |= PFN_CACHE_GENERATION;
	cache.state |= PFN_CACHE_HELD(15);
	assert_int_equal(pfn_cache_generation(&cache), BITS(30, 0));
	pfn_cache_release(&cache, 15);
	move(10, 200);
	assert_int_equal(cache.state, PFN_CACHE_ACTIVE);
}

static void hold_twice(void)
{
	refresh();
	pfn_cache_hold(&cache, page_at(11), 3);
	pfn_cache_hold(&cache, page_at(11), 3);
}

static void activate_twice(void)
{
	pfn_cache_activate(&cache, page_at(100));
}

static void move_to_the_same_page(void)
{
	(void)pfn_cache_move(&cache, page_at(11));
}

static void never_let_go(void)
{
	refresh();
	pfn_cache_hold(&cache, page_at(11), 3);
	host_x86.tsc_step = BIT(41);
	remove_at(10);
}

UNIT(misuse_is_caught)
{
	assert_true(host_panics(hold_twice, "PFN_CACHE_HELD(vcpu)"));
	assert_true(host_panics(activate_twice, "PFN_CACHE_ACTIVE"));
	assert_true(host_panics(move_to_the_same_page, "is_at"));
	assert_true(host_panics(never_let_go, "vCPU 3 does not let go of the page at 0xb000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(valid_cache_reaches_its_page_and_no_other, set_up),
		cmocka_unit_test_setup(what_is_valid_costs_no_window_write_and_no_look_up, set_up),
		cmocka_unit_test_setup(missing_page_is_told_and_nothing_is_mapped, set_up),
		cmocka_unit_test_setup(every_kind_of_update_that_hits_the_page_invalidates, set_up),
		cmocka_unit_test_setup(updates_elsewhere_cause_no_refresh, set_up),
		cmocka_unit_test_setup(mapping_is_used_again_where_the_frame_is_the_same, set_up),
		cmocka_unit_test_setup(another_frame_is_mapped_where_nobody_owes, set_up),
		cmocka_unit_test_setup(
			mapping_goes_over_to_another_frame_where_only_this_cpu_used_it, set_up),
		cmocka_unit_test_setup(cache_that_moves_is_valid_for_the_other_page_alone, set_up),
		cmocka_unit_test_setup(cache_that_cannot_move_has_the_page_that_it_had, set_up),
		cmocka_unit_test_setup(holder_keeps_its_mapping_while_moves_fail, set_up),
		cmocka_unit_test_setup(cache_that_gets_no_slot_is_invalid_where_it_was, set_up),
		cmocka_unit_test_setup(use_that_writes_is_refused_a_read_only_region, set_up),
		cmocka_unit_test_setup(inactive_cache_is_never_valid, set_up),
		cmocka_unit_test_setup(without_a_window_slot_nothing_is_mapped, set_up),
		cmocka_unit_test_setup(generation_wraps_into_nothing_else, set_up),
		cmocka_unit_test_setup(misuse_is_caught, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
