/* SPDX-License-Identifier: MIT */
/* mm/balloon.c: what is out is a hole, what comes back is zero; frames, caches, leaves, refusals;
 * and beside an array of pages. */
#include "change_fixture.h"
#include "mm/pfn_cache.h"

static enum memslot_result out(u64 gfn, u64 pages)
{
	return memslot_balloon_out(memory, l1_gfn(gfn), pages);
}

static enum memslot_result in(u64 gfn, u64 pages)
{
	return memslot_balloon_in(memory, l1_gfn(gfn), pages);
}

static const struct range_node *region_at(u64 gfn)
{
	return range_tree_find(memory->regions, gfn);
}

UNIT(pages_that_are_out_are_a_hole)
{
	struct memslot_frame frame;

	add(100, 20);
	assert_int_equal(out(105, 3), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), all_frames - 17);
	assert_int_equal(host_counter(CTR_PAGES_BALLOONED), 3);
	for (u64 i = 100; i < 120; i++) {
		bool is_out = i >= 105 && i < 108;

		assert_int_equal(read_page(i), is_out ? ~0ULL : i);
		assert_int_equal(write_page(i, i), is_out ? -EFAULT : 0);
		assert_int_equal(touch(i), is_out ? -ENOENT : 0);
		assert_int_equal(memslot_find(memory, l1_gfn(i), &frame), is_out ? -ENOENT : 0);
		assert_int_equal(is_mapped(i), !is_out);
	}
	assert_int_equal(memslot_count(memory), 1);
}

UNIT(they_come_back_zeroed)
{
	u8 page[PAGE_SIZE];

	add(100, 20);
	for (u64 i = 105; i < 108; i++) {
		memset(page, 0x5a, sizeof(page));
		guest_write(memory, page_at(i), page, sizeof(page));
	}
	assert_int_equal(out(105, 3), MEMSLOT_OK);
	assert_int_equal(in(105, 3), MEMSLOT_OK);
	assert_int_equal(host_counter(CTR_PAGES_DEFLATED), 3);
	for (u64 i = 105; i < 108; i++) {
		assert_int_equal(guest_read(memory, page_at(i), page, sizeof(page)), 0);
		for (u32 b = 0; b < PAGE_SIZE; b++)
			assert_int_equal(page[b], 0);
		assert_int_equal(touch(i), 0);
	}
	assert_int_equal(read_page(104), 104);
	assert_int_equal(read_page(108), 108);
	assert_int_equal(guest_frame_free_count(), all_frames - 20);
}

UNIT(extents_part_and_grow_together)
{
	add(512, 64);
	assert_int_equal(out(530, 1), MEMSLOT_OK);
	assert_int_equal(range_tree_count(region_extents(region_at(512))), 2);
	/* Its old frame is the lowest free one: it goes home. */
	assert_int_equal(in(530, 1), MEMSLOT_OK);
	assert_int_equal(range_tree_count(region_extents(region_at(512))), 1);
	assert_int_equal(out(512, 64), MEMSLOT_OK);
	assert_int_equal(range_tree_count(region_extents(region_at(512))), 0);
}

UNIT(frames_are_free_after_the_kick_only)
{
	add(512, 512);
	assert_int_equal(touch(700), 0);
	assert_int_equal(out(700, 1), MEMSLOT_OK);
	assert_int_equal(kicks, 1);
	assert_int_equal(free_in_kick, all_frames - 512);
	assert_int_equal(guest_frame_free_count(), all_frames - 511);
	assert_int_equal(memory->ept01.leaves[EPT_LEVEL_4K], 511);
	assert_false(is_mapped(700));
	/* Nobody has translations of what was not there. */
	assert_int_equal(in(700, 1), MEMSLOT_OK);
	assert_int_equal(kicks, 1);
}

UNIT(caches_lose_the_page_and_find_the_new_one)
{
	struct pfn_cache cache;

	add(100, 4);
	pfn_cache_init(&cache, memory, WINDOW_WRITE);
	pfn_cache_activate(&cache, page_at(101));
	assert_int_equal(pfn_cache_refresh(&cache), 0);
	assert_int_equal(out(101, 1), MEMSLOT_OK);
	assert_false(pfn_cache_check(&cache, page_at(101)));
	assert_int_equal(pfn_cache_refresh(&cache), -ENOENT);
	assert_int_equal(in(101, 1), MEMSLOT_OK);
	assert_int_equal(pfn_cache_refresh(&cache), 0);
	assert_true(pfn_cache_check(&cache, page_at(101)));
	pfn_cache_deactivate(&cache);
}

UNIT(over_several_regions_and_whole_ones)
{
	add(100, 10);
	add(110, 10);
	assert_int_equal(out(105, 10), MEMSLOT_OK);
	assert_int_equal(out(100, 5), MEMSLOT_OK);
	assert_null(region_extents(region_at(100)));
	assert_int_equal(guest_frame_free_count(), all_frames - 5);
	assert_int_equal(read_page(115), 115);
	assert_int_equal(in(100, 15), MEMSLOT_OK);
	assert_int_equal(read_page(100), 0);
	assert_int_equal(read_page(114), 0);
	assert_int_equal(read_page(115), 115);
	assert_int_equal(guest_frame_free_count(), all_frames - 20);
}

UNIT(refusals_have_names_and_what_comes_before_is_done)
{
	add(100, 10);
	assert_int_equal(out(100, 0), MEMSLOT_EMPTY);
	assert_int_equal(in(100, 0), MEMSLOT_EMPTY);
	assert_int_equal(out(MAX_GFN - 1, 2), MEMSLOT_WRAPS);
	assert_int_equal(in(~0ULL, 1), MEMSLOT_WRAPS);
	assert_int_equal(out(50, 1), MEMSLOT_HOLE);
	assert_int_equal(in(50, 1), MEMSLOT_HOLE);
	assert_int_equal(in(100, 1), MEMSLOT_PRESENT);
	assert_int_equal(out(108, 5), MEMSLOT_HOLE);
	assert_int_equal(read_page(109), ~0ULL);
	assert_int_equal(out(108, 1), MEMSLOT_HOLE);
	assert_int_equal(memslot_migrate(memory, l1_gfn(108), 1), MEMSLOT_HOLE);
	assert_int_equal(in(108, 3), MEMSLOT_HOLE);
	assert_int_equal(read_page(109), 0);
	assert_int_equal(out(105, 1), MEMSLOT_OK);
	assert_int_equal(in(105, 2), MEMSLOT_PRESENT);
	assert_int_equal(read_page(105), 0);
	/* A hole in a region is the region's. */
	assert_int_equal(out(105, 1), MEMSLOT_OK);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(105), 1, 0), MEMSLOT_OVERLAPS);
	assert_int_equal(memory->active, 0);
}

UNIT(a_region_with_holes_moves_and_goes)
{
	add(100, 10);
	assert_int_equal(out(103, 2), MEMSLOT_OK);
	assert_int_equal(memslot_move(memory, l1_gfn(100), l1_gfn(200)), MEMSLOT_OK);
	assert_int_equal(read_page(202), 102);
	assert_int_equal(read_page(203), ~0ULL);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(200), MEMSLOT_READONLY), MEMSLOT_OK);
	assert_int_equal(in(203, 1), MEMSLOT_OK);
	assert_int_equal(read_page(203), 0);
	assert_int_equal(memslot_delete(memory, l1_gfn(200)), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), all_frames);
}

UNIT(the_machine_s_own_memory_may_go)
{
	assert_int_equal(memslot_add_ram(memory, l1_gfn(0), 600, MEMSLOT_FIXED), MEMSLOT_OK);
	assert_int_equal(out(5, 1), MEMSLOT_OK);
	assert_int_equal(ept01_populate(memory), 0);
	assert_false(is_mapped(5));
	assert_true(is_mapped(4));
	assert_true(is_mapped(599));
	assert_int_equal(in(5, 1), MEMSLOT_OK);
}

static void region_goes(void)
{
	host_lock_watch = NULL;
	assert_int_equal(memslot_delete(memory, l1_gfn(100)), MEMSLOT_OK);
}

static u32 locks;

/* Between the zeroing of the frame and its coming in. */
static void watch_locks(struct spinlock *lock)
{
	if (lock == &memory->lock && ++locks == 2)
		region_goes();
}

UNIT(a_region_may_go_while_frames_are_zeroed)
{
	add(100, 10);
	assert_int_equal(out(103, 2), MEMSLOT_OK);
	locks = 0;
	host_lock_watch = watch_locks;
	assert_int_equal(in(103, 2), MEMSLOT_HOLE);
	host_lock_watch = NULL;
	assert_int_equal(memslot_count(memory), 0);
	assert_int_equal(guest_frame_free_count(), all_frames);
	assert_int_equal(memory->active, 0);
}

UNIT(without_frames_it_is_refused)
{
	add(0, 8);
	assert_int_equal(out(0, 4), MEMSLOT_OK);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(BIT(20)), all_frames - 8 + 1, 0),
			 MEMSLOT_OK);
	assert_int_equal(in(0, 4), MEMSLOT_NO_MEMORY); /* two, one, and then none */
	assert_int_equal(read_page(2), 0);
	assert_int_equal(read_page(3), ~0ULL);
	assert_int_equal(guest_frame_free_count(), 0);
	assert_int_equal(memory->active, 0);
}

UNIT(without_objects_it_is_refused_and_regions_still_go)
{
	u64 at = 0;

	assert_int_equal(memslot_add_ram(memory, l1_gfn(1024), 8192, 0), MEMSLOT_OK);
	assert_int_equal(object_pool_reserve(&memory->objects, 2 * VM_MEMORY_RESERVE + 200), 0);
	while (page_alloc(0))
		;
	while (at < 8192 && out(1024 + at, 1) == MEMSLOT_OK)
		at += 2;
	assert_in_range(at, 2, 8191);
	assert_int_equal(in(1024, 1), MEMSLOT_NO_MEMORY);
	assert_int_equal(memslot_delete(memory, l1_gfn(1024)), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), all_frames);
}

#define PAGES 96u

static u64 model[PAGES]; /* ~0: out */

static void random_edit(u64 *seed, u64 first, u64 pages)
{
	static const enum { OUT, IN, MIGRATE, KINDS } kinds[] = { OUT, IN, IN, MIGRATE };
	u32 kind = kinds[unit_random(seed) % ARRAY_SIZE(kinds)];
	u64 end = first + pages;
	u64 at = first;

	for (; at < end && (kind == IN) == (model[at] == ~0ULL); at++)
		if (kind != MIGRATE)
			model[at] = kind == OUT ? ~0ULL : 0;
	if (kind == OUT)
		assert_int_equal(out(512 + first, pages), at < end ? MEMSLOT_HOLE : MEMSLOT_OK);
	else if (kind == IN)
		assert_int_equal(in(512 + first, pages), at < end ? MEMSLOT_PRESENT : MEMSLOT_OK);
	else
		assert_int_equal(memslot_migrate(memory, l1_gfn(512 + first), pages),
				 at < end ? MEMSLOT_HOLE : MEMSLOT_OK);
}

UNIT(random_edits_agree_with_an_array)
{
	u64 seed = 5;

	add(512, PAGES);
	for (u64 i = 0; i < PAGES; i++)
		model[i] = 512 + i;
	for (u32 round = 0; round < 2000; round++) {
		u64 at = unit_random(&seed) % PAGES, there = 0;

		random_edit(&seed, at, unit_random(&seed) % MIN(PAGES - at, 12) + 1);
		at = unit_random(&seed) % PAGES;
		if (model[at] != ~0ULL) {
			model[at] = round;
			write_page(512 + at, round);
			touch(512 + at);
		}
		for (u64 i = 0; i < PAGES; i++) {
			assert_int_equal(read_page(512 + i), model[i]);
			assert_false(is_mapped(512 + i) && model[i] == ~0ULL);
			there += model[i] != ~0ULL;
		}
		assert_int_equal(guest_frame_free_count(), all_frames - there);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(pages_that_are_out_are_a_hole, set_up),
		cmocka_unit_test_setup(they_come_back_zeroed, set_up),
		cmocka_unit_test_setup(extents_part_and_grow_together, set_up),
		cmocka_unit_test_setup(frames_are_free_after_the_kick_only, set_up),
		cmocka_unit_test_setup(caches_lose_the_page_and_find_the_new_one, set_up),
		cmocka_unit_test_setup(over_several_regions_and_whole_ones, set_up),
		cmocka_unit_test_setup(refusals_have_names_and_what_comes_before_is_done, set_up),
		cmocka_unit_test_setup(a_region_with_holes_moves_and_goes, set_up),
		cmocka_unit_test_setup(the_machine_s_own_memory_may_go, set_up),
		cmocka_unit_test_setup(a_region_may_go_while_frames_are_zeroed, set_up),
		cmocka_unit_test_setup(without_frames_it_is_refused, set_up),
		cmocka_unit_test_setup(without_objects_it_is_refused_and_regions_still_go, set_up),
		cmocka_unit_test_setup(random_edits_agree_with_an_array, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
