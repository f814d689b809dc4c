/* SPDX-License-Identifier: MIT */
/* mm/memslot.c: refusals, order, backing; beside an array that knows each gfn's region. */
#include "unit.h"
#include "host_memory.h"
#include "hv/cpu.h"
#include "hv/errno.h"
#include "mm/ept01.h"
#include "mm/memslot.h"
#include "mm/mtrr.h"

#define MAX_GFN (64 * GIB / PAGE_SIZE)

static struct vm_memory *memory;
static u64 all_frames;

static int set_up(void **state)
{
	static const struct mtrr_map types = { .def_type = MTRR_DEF_ENABLED | MEMORY_WB,
					       .maxphyaddr = 40 };
	static const struct ept_features features = { .leaf_2m = true, .leaf_1g = true };

	(void)state;
	host_memory_default();
	ept01_set_features(&features, &types);
	memory = vm_memory_create(l1_gfn(MAX_GFN));
	all_frames = guest_frame_free_count();
	return memory ? 0 : -1;
}

static enum memslot_result add(u64 gfn, u64 pages)
{
	return memslot_add_ram(memory, l1_gfn(gfn), pages, 0);
}

UNIT(refusals_have_names)
{
	assert_int_equal(add(100, 50), MEMSLOT_OK);
	assert_int_equal(add(7, 0), MEMSLOT_EMPTY);
	assert_int_equal(add(MAX_GFN - 1, 2), MEMSLOT_WRAPS);
	assert_int_equal(add(MAX_GFN, 1), MEMSLOT_WRAPS);
	assert_int_equal(add(200, ~0ULL - 100), MEMSLOT_WRAPS);
	assert_int_equal(add(~0ULL, 1), MEMSLOT_WRAPS);
	assert_int_equal(add(149, 1), MEMSLOT_OVERLAPS);
	assert_int_equal(add(0, 101), MEMSLOT_OVERLAPS);
	assert_int_equal(add(110, 5), MEMSLOT_OVERLAPS);
	assert_int_equal(add(0, 1000), MEMSLOT_OVERLAPS);
	assert_int_equal(memslot_delete(memory, l1_gfn(101)), MEMSLOT_MISSING);
	assert_int_equal(memslot_delete(memory, l1_gfn(150)), MEMSLOT_MISSING);
	assert_int_equal(add(150, 1), MEMSLOT_OK);
	assert_int_equal(add(99, 1), MEMSLOT_OK);
	assert_int_equal(add(MAX_GFN - 1, 1), MEMSLOT_OK);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(0), 1, 8), MEMSLOT_BAD_FLAGS);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(99), 8), MEMSLOT_BAD_FLAGS);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(101), 0), MEMSLOT_MISSING);
	assert_int_equal(memslot_move(memory, l1_gfn(101), l1_gfn(0)), MEMSLOT_MISSING);
	assert_int_equal(memslot_move(memory, l1_gfn(100), l1_gfn(MAX_GFN - 49)), MEMSLOT_WRAPS);
	assert_int_equal(memslot_move(memory, l1_gfn(100), l1_gfn(50)), MEMSLOT_OVERLAPS);
	assert_int_equal(memslot_move(memory, l1_gfn(100), l1_gfn(101)), MEMSLOT_OVERLAPS);
	for (enum memslot_result r = MEMSLOT_OK; r <= MEMSLOT_IS_FIXED; r++)
		assert_true(strlen(memslot_result_text(r)) > 0);
	assert_string_equal(memslot_result_text(MEMSLOT_OVERLAPS), "overlaps another region");
}

UNIT(too_many_pages_are_refused_and_nothing_is_lost)
{
	assert_int_equal(add(0, all_frames + 1), MEMSLOT_NO_MEMORY);
	assert_int_equal(guest_frame_free_count(), all_frames);
	assert_int_equal(memslot_count(memory), 0);
	assert_int_equal(add(0, all_frames), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), 0);
	assert_int_equal(add(all_frames, 1), MEMSLOT_NO_MEMORY);
	assert_int_equal(memslot_delete(memory, l1_gfn(0)), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), all_frames);
}

UNIT(no_room_for_the_books_is_refused_and_nothing_is_lost)
{
	u64 gfn = 2;

	assert_int_equal(add(0, 1), MEMSLOT_OK);
	while (page_alloc(0))
		;
	while (add(gfn, 1) == MEMSLOT_OK)
		gfn += 2;
	assert_int_equal(add(gfn, 1), MEMSLOT_NO_MEMORY);
	assert_int_equal(guest_frame_free_count(), all_frames - gfn / 2);
	assert_int_equal(memslot_count(memory), gfn / 2);
	assert_null(vm_memory_create(l1_gfn(1)));
}

/* Only additions are refused for want of memory. */
UNIT(without_memory_regions_still_move_change_and_go)
{
	u64 gfn = 0;

	for (u64 i = 0; i < 2000; i++)
		assert_int_equal(add(i * 2, 1), MEMSLOT_OK);
	while (page_alloc(0))
		;
	while (add(4000 + gfn, 1) == MEMSLOT_OK)
		gfn += 2;
	for (u64 i = 0; i < 2000; i++) {
		assert_int_equal(memslot_set_flags(memory, l1_gfn(i * 2), MEMSLOT_READONLY),
				 MEMSLOT_OK);
		assert_int_equal(memslot_move(memory, l1_gfn(i * 2), l1_gfn(9000000 - i)),
				 MEMSLOT_OK);
		assert_int_equal(memslot_delete(memory, l1_gfn(9000000 - i)), MEMSLOT_OK);
	}
	assert_int_equal(memslot_count(memory), gfn / 2);
}

UNIT(moved_region_keeps_its_frames)
{
	struct memslot_frame before[70], frame;

	add(1001, 70); /* several extents */
	add(5000, 1);
	for (u64 i = 0; i < 70; i++)
		assert_int_equal(memslot_find(memory, l1_gfn(1001 + i), &before[i]), 0);
	assert_int_equal(memslot_move(memory, l1_gfn(1001), l1_gfn(1031)), MEMSLOT_OK);
	for (u64 i = 0; i < 30; i++)
		assert_int_equal(memslot_find(memory, l1_gfn(1001 + i), &frame), -ENOENT);
	for (u64 i = 0; i < 70; i++) {
		assert_int_equal(memslot_find(memory, l1_gfn(1031 + i), &frame), 0);
		assert_int_equal(frame.pfn.raw, before[i].pfn.raw);
		assert_int_equal(frame.run, before[i].run);
	}
	assert_int_equal(memslot_move(memory, l1_gfn(1031), l1_gfn(4931)), MEMSLOT_OVERLAPS);
	assert_int_equal(memslot_find(memory, l1_gfn(1031), &frame), 0);
	assert_int_equal(memslot_delete(memory, l1_gfn(1031)), MEMSLOT_OK);
	assert_int_equal(memslot_delete(memory, l1_gfn(5000)), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), all_frames);
}

UNIT(flags_change_in_place)
{
	struct memslot_frame frame;
	char byte = 1;

	add(10, 4);
	assert_int_equal(
		memslot_set_flags(memory, l1_gfn(10), MEMSLOT_READONLY | MEMSLOT_LOG_DIRTY),
		MEMSLOT_OK);
	assert_int_equal(memslot_find(memory, l1_gfn(13), &frame), 0);
	assert_int_equal(frame.flags, MEMSLOT_READONLY | MEMSLOT_LOG_DIRTY);
	assert_int_equal(guest_write(memory, l1_gpa(10 * PAGE_SIZE), &byte, 1), -EFAULT);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(10), 0), MEMSLOT_OK);
	assert_int_equal(guest_write(memory, l1_gpa(10 * PAGE_SIZE), &byte, 1), 0);
}

UNIT(generation_grows_with_each_update_and_nothing_else)
{
	struct memslot_frame frame;
	u64 generation = memslot_generation(memory);

	assert_true(generation > 0);
	add(10, 10);
	assert_int_equal(memslot_generation(memory), ++generation);
	memslot_move(memory, l1_gfn(10), l1_gfn(30));
	assert_int_equal(memslot_generation(memory), ++generation);
	memslot_set_flags(memory, l1_gfn(30), MEMSLOT_READONLY);
	assert_int_equal(memslot_generation(memory), ++generation);
	add(35, 1);
	memslot_find(memory, l1_gfn(30), &frame);
	memslot_move(memory, l1_gfn(10), l1_gfn(30));
	memslot_delete(memory, l1_gfn(31));
	assert_int_equal(memslot_generation(memory), generation);
	memslot_delete(memory, l1_gfn(30));
	assert_int_equal(memslot_generation(memory), ++generation);
}

UNIT(regions_are_described_in_order)
{
	struct memslot_info info;

	add(5000, 10);
	memslot_add_ram(memory, l1_gfn(20), 3, MEMSLOT_READONLY);
	add(300, 7);
	assert_int_equal(memslot_count(memory), 3);
	assert_true(memslot_describe(memory, 0, &info));
	assert_int_equal(info.gfn.raw, 20);
	assert_int_equal(info.pages, 3);
	assert_int_equal(info.flags, MEMSLOT_READONLY);
	assert_true(memslot_describe(memory, 2, &info));
	assert_int_equal(info.gfn.raw, 5000);
	assert_int_equal(info.flags, 0);
	assert_false(memslot_describe(memory, 3, &info));
}

UNIT(backing_is_congruent_to_gfn_wherever_a_large_leaf_could_be)
{
	u64 gfn = 0x9f, pages = 0x100000 / 8;
	struct memslot_frame frame;
	u64 large = 0;

	assert_int_equal(add(gfn, pages), MEMSLOT_OK);
	for (u64 at = ALIGN_UP(gfn, 512); at + 512 <= gfn + pages; at += 512) {
		assert_int_equal(memslot_find(memory, l1_gfn(at), &frame), 0);
		if (frame.pfn.raw % 512 == 0 && frame.run >= 512)
			large++;
	}
	assert_int_equal(large, (gfn + pages) / 512 - 1);
}

UNIT(gib_of_guest_at_a_gib_gets_a_gib_of_host)
{
	struct memslot_frame frame;

	add(GIB / PAGE_SIZE, 2 * GIB / PAGE_SIZE);
	assert_int_equal(memslot_find(memory, l1_gfn(GIB / PAGE_SIZE), &frame), 0);
	assert_int_equal(frame.pfn.raw % BIT(18), 0);
	assert_int_equal(frame.run, 2 * GIB / PAGE_SIZE);
	assert_int_equal(memslot_find(memory, l1_gfn(2 * GIB / PAGE_SIZE + 5), &frame), 0);
	assert_int_equal(frame.run, GIB / PAGE_SIZE - 5);
}

UNIT(find_gives_each_page_its_own_frame)
{
	struct memslot_frame frame;
	u64 max = 8 * GIB / PAGE_SIZE;
	char *seen = calloc(max, 1);

	add(3, 1000);
	add(1003, 77);
	for (u64 gfn = 3; gfn < 1080; gfn++) {
		assert_int_equal(memslot_find(memory, l1_gfn(gfn), &frame), 0);
		assert_true(frame.pfn.raw < max && !seen[frame.pfn.raw]++);
		assert_in_range(frame.run, 1, 1080 - gfn);
	}
	assert_int_equal(memslot_find(memory, l1_gfn(2), &frame), -ENOENT);
	assert_int_equal(memslot_find(memory, l1_gfn(1080), &frame), -ENOENT);
	assert_int_equal(memslot_find(memory, l1_gfn(~0ULL), &frame), -ENOENT);
	assert_int_equal(host_counter(CTR_REGION_LOOKUPS), 1077 + 3);
	free(seen);
}

UNIT(run_continues_in_both_spaces)
{
	struct memslot_frame frame, next;

	add(0x7f, 1000);
	for (u64 gfn = 0x7f; gfn < 0x7f + 1000; gfn += frame.run) {
		assert_int_equal(memslot_find(memory, l1_gfn(gfn), &frame), 0);
		for (u64 i = 1; i < frame.run; i++) {
			assert_int_equal(memslot_find(memory, l1_gfn(gfn + i), &next), 0);
			assert_int_equal(next.pfn.raw, frame.pfn.raw + i);
		}
	}
}

UNIT(deleted_region_is_not_found_by_the_shortcut)
{
	struct memslot_frame frame;

	add(10, 10);
	assert_int_equal(memslot_find(memory, l1_gfn(15), &frame), 0);
	assert_int_equal(memslot_delete(memory, l1_gfn(10)), MEMSLOT_OK);
	assert_int_equal(memslot_find(memory, l1_gfn(15), &frame), -ENOENT);
}

UNIT(shortcut_does_not_outlive_the_extent_that_it_led_to)
{
	struct memslot_frame first, again;

	add(1, 3); /* two extents */
	assert_int_equal(memslot_find(memory, l1_gfn(1), &first), 0);
	memslot_delete(memory, l1_gfn(1));
	add(100, 1);
	add(200, 1); /* among them they use the deleted region's objects again, in other roles */
	assert_int_equal(memslot_find(memory, l1_gfn(200), &first), 0);
	assert_int_equal(memslot_find(memory, l1_gfn(100), &again), 0);
	assert_int_equal(memslot_find(memory, l1_gfn(200), &again), 0);
	assert_int_equal(first.pfn.raw, again.pfn.raw);
}

#define MODEL_PAGES 3000u

static void move_in_model(u32 *model, u32 from, u64 to)
{
	bool overlaps = false;
	u64 pages = 0;

	while (from + pages < MODEL_PAGES && model[from + pages] == from + 1)
		pages++;
	if (to + pages > MODEL_PAGES)
		return;
	for (u64 p = to; p < to + pages; p++)
		overlaps |= model[p] && model[p] != from + 1;
	assert_int_equal(memslot_move(memory, l1_gfn(from), l1_gfn(to)),
			 overlaps ? MEMSLOT_OVERLAPS : MEMSLOT_OK);
	if (overlaps)
		return;
	for (u64 p = from; p < from + pages; p++)
		model[p] = 0;
	for (u64 p = to; p < to + pages; p++)
		model[p] = (u32)to + 1;
}

UNIT(random_updates_agree_with_an_array)
{
	static u32 model[MODEL_PAGES]; /* 1 + first gfn of the region that has the page */
	struct memslot_frame frame;
	u64 seed = 17, used = 0;

	memset(model, 0, sizeof(model));
	for (u32 i = 0; i < 6000; i++) {
		u64 gfn = unit_random(&seed) % MODEL_PAGES;
		u64 pages = unit_random(&seed) % 60 + 1;
		u64 probe = unit_random(&seed) % MODEL_PAGES;
		bool overlaps = false;

		pages = MIN(pages, MODEL_PAGES - gfn);
		for (u64 p = gfn; p < gfn + pages; p++)
			overlaps |= model[p] != 0;
		assert_int_equal(add(gfn, pages), overlaps ? MEMSLOT_OVERLAPS : MEMSLOT_OK);
		if (!overlaps) {
			used += pages;
			for (u64 p = gfn; p < gfn + pages; p++)
				model[p] = (u32)gfn + 1;
		} else if (model[probe] && i % 4 == 2) {
			move_in_model(model, model[probe] - 1, gfn);
		} else if (model[probe] && i % 2) {
			u32 owner = model[probe];

			assert_int_equal(memslot_delete(memory, l1_gfn(owner - 1)), MEMSLOT_OK);
			for (u64 p = owner - 1; p < MODEL_PAGES && model[p] == owner; p++, used--)
				model[p] = 0;
		}
		assert_int_equal(memslot_find(memory, l1_gfn(probe), &frame),
				 model[probe] ? 0 : -ENOENT);
		assert_int_equal(guest_frame_free_count(), all_frames - used);
	}
}

UNIT(as_many_regions_as_specified)
{
	struct memslot_info info;
	struct memslot_frame frame;
	u64 free_before = page_free_count();

	for (u64 i = 0; i < 32768; i++)
		assert_int_equal(add(i * 40503 % 32768 * 4, 1 + i % 3), MEMSLOT_OK);
	assert_int_equal(memslot_count(memory), 32768);
	for (u32 i = 0; i < 32768; i += 97) {
		assert_true(memslot_describe(memory, i, &info));
		assert_int_equal(info.gfn.raw, 4 * i);
		assert_int_equal(memslot_find(memory, info.gfn, &frame), 0);
		assert_int_equal(memslot_find(memory, l1_gfn(4 * i + 3), &frame), -ENOENT);
	}
	assert_true((free_before - page_free_count()) * PAGE_SIZE < 8 * MIB);
	for (u64 i = 0; i < 32768; i++)
		assert_int_equal(memslot_delete(memory, l1_gfn(i * 4)), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), all_frames);
}

UNIT(fixed_region_stays)
{
	struct memslot_frame frame;

	assert_int_equal(memslot_add_ram(memory, l1_gfn(10), 4, MEMSLOT_FIXED), MEMSLOT_OK);
	assert_int_equal(memslot_delete(memory, l1_gfn(10)), MEMSLOT_IS_FIXED);
	assert_int_equal(memslot_move(memory, l1_gfn(10), l1_gfn(20)), MEMSLOT_IS_FIXED);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(10), MEMSLOT_READONLY), MEMSLOT_IS_FIXED);
	assert_int_equal(memslot_find(memory, l1_gfn(10), &frame), 0);
	assert_int_equal(memslot_find(memory, l1_gfn(20), &frame), -ENOENT);
}

UNIT(fixed_region_may_log)
{
	struct memslot_info info;

	assert_int_equal(memslot_add_ram(memory, l1_gfn(10), 4, MEMSLOT_FIXED), MEMSLOT_OK);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(10), MEMSLOT_LOG_DIRTY), MEMSLOT_OK);
	assert_true(memslot_describe(memory, 0, &info));
	assert_int_equal(info.flags, MEMSLOT_FIXED | MEMSLOT_LOG_DIRTY);
	assert_int_equal(memslot_delete(memory, l1_gfn(10)), MEMSLOT_IS_FIXED);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(10), 0), MEMSLOT_OK);
	assert_true(memslot_describe(memory, 0, &info));
	assert_int_equal(info.flags, MEMSLOT_FIXED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refusals_have_names, set_up),
		cmocka_unit_test_setup(too_many_pages_are_refused_and_nothing_is_lost, set_up),
		cmocka_unit_test_setup(no_room_for_the_books_is_refused_and_nothing_is_lost,
				       set_up),
		cmocka_unit_test_setup(without_memory_regions_still_move_change_and_go, set_up),
		cmocka_unit_test_setup(moved_region_keeps_its_frames, set_up),
		cmocka_unit_test_setup(flags_change_in_place, set_up),
		cmocka_unit_test_setup(fixed_region_stays, set_up),
		cmocka_unit_test_setup(fixed_region_may_log, set_up),
		cmocka_unit_test_setup(generation_grows_with_each_update_and_nothing_else, set_up),
		cmocka_unit_test_setup(regions_are_described_in_order, set_up),
		cmocka_unit_test_setup(backing_is_congruent_to_gfn_wherever_a_large_leaf_could_be,
				       set_up),
		cmocka_unit_test_setup(gib_of_guest_at_a_gib_gets_a_gib_of_host, set_up),
		cmocka_unit_test_setup(find_gives_each_page_its_own_frame, set_up),
		cmocka_unit_test_setup(run_continues_in_both_spaces, set_up),
		cmocka_unit_test_setup(deleted_region_is_not_found_by_the_shortcut, set_up),
		cmocka_unit_test_setup(shortcut_does_not_outlive_the_extent_that_it_led_to, set_up),
		cmocka_unit_test_setup(random_updates_agree_with_an_array, set_up),
		cmocka_unit_test_setup(as_many_regions_as_specified, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
