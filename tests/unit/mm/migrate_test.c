/* SPDX-License-Identifier: MIT */
/* mm/migrate.c: contents and frames, what others find in the midst of it, extents that part and
 * grow together, refusals. */
#include "change_fixture.h"

static enum memslot_result migrate(u64 gfn, u64 pages)
{
	return memslot_migrate(memory, l1_gfn(gfn), pages);
}

static void expect_numbers(u64 gfn, u64 pages)
{
	for (u64 i = gfn; i < gfn + pages; i++)
		assert_int_equal(read_page(i), i);
}

static u32 extents_at(u64 gfn)
{
	return range_tree_count(
		((const struct region *)range_tree_find(memory->regions, gfn))->extents);
}

UNIT(each_page_has_another_frame_and_its_contents)
{
	u64 before[100];

	add(64, 100);
	for (u64 i = 0; i < 100; i++)
		before[i] = frame_of(64 + i);
	assert_int_equal(migrate(64, 100), MEMSLOT_OK);
	for (u64 i = 0; i < 100; i++)
		assert_true(frame_of(64 + i) != before[i]);
	expect_numbers(64, 100);
	assert_int_equal(guest_frame_free_count(), all_frames - 100);
	assert_int_equal(host_counter(CTR_PAGES_MIGRATED), 100);
	assert_int_equal(memslot_delete(memory, l1_gfn(64)), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), all_frames);
}

UNIT(others_keep_theirs)
{
	u64 before[20];

	add(100, 20);
	for (u64 i = 0; i < 20; i++)
		before[i] = frame_of(100 + i);
	assert_int_equal(migrate(107, 1), MEMSLOT_OK);
	for (u64 i = 0; i < 20; i++)
		assert_int_equal(frame_of(100 + i) != before[i], i == 7);
	expect_numbers(100, 20);
}

UNIT(a_large_leaf_gives_up_the_page_alone)
{
	struct ept_leaf leaf;

	add(512, 512);
	assert_int_equal(ept01_fault(memory, l1_gpa(512 * PAGE_SIZE), true), 0);
	assert_int_equal(memory->ept01.leaves[EPT_LEVEL_2M], 1);
	assert_int_equal(migrate(700, 1), MEMSLOT_OK);
	assert_int_equal(memory->ept01.leaves[EPT_LEVEL_4K], 511);
	assert_int_equal(ept_lookup(&memory->ept01, 700, &leaf), -ENOENT);
	assert_int_equal(ept01_fault(memory, l1_gpa(700 * PAGE_SIZE), true), 0);
	assert_int_equal(ept_lookup(&memory->ept01, 700, &leaf), 0);
	assert_int_equal(leaf.pfn.raw, frame_of(700));
	expect_numbers(512, 512);
}

UNIT(a_large_block_stays_large)
{
	add(512, 1024);
	assert_int_equal(migrate(512, 1024), MEMSLOT_OK);
	assert_int_equal(ept01_fault(memory, l1_gpa(600 * PAGE_SIZE), true), 0);
	assert_int_equal(memory->ept01.leaves[EPT_LEVEL_2M], 1);
	expect_numbers(512, 1024);
}

UNIT(extents_part_and_grow_together)
{
	u64 seed = 3;

	add(512, 64);
	assert_int_equal(extents_at(512), 1);
	assert_int_equal(migrate(530, 1), MEMSLOT_OK);
	assert_int_equal(extents_at(512), 3);
	/* Its old frame is the lowest free one: it goes home. */
	assert_int_equal(migrate(530, 1), MEMSLOT_OK);
	assert_int_equal(extents_at(512), 1);
	for (u32 i = 0; i < 500; i++) {
		u64 at = unit_random(&seed) % 64, pages = unit_random(&seed) % (64 - at) + 1;

		assert_int_equal(migrate(512 + at, pages), MEMSLOT_OK);
		assert_in_range(extents_at(512), 1, 64);
	}
	expect_numbers(512, 64);
	assert_int_equal(guest_frame_free_count(), all_frames - 64);
	epoch_wait(&memory->retired);
	memslot_delete(memory, l1_gfn(512));
	epoch_wait(&memory->retired);
	assert_int_equal(memory->objects.free_count % (PAGE_SIZE / OBJECT_BYTES), 0);
	assert_int_equal(guest_frame_free_count(), all_frames);
}

static void look_from_inside(void)
{
	struct memslot_frame frame;
	struct ept_leaf leaf;

	assert_int_equal(memslot_find(memory, l1_gfn(20), &frame), -EAGAIN);
	assert_int_equal(memslot_find(memory, l1_gfn(19), &frame), 0);
	assert_int_equal(ept_lookup(&memory->ept01, 20, &leaf), -ENOENT);
	/* Nothing is mapped meanwhile, and no error is told. */
	assert_int_equal(ept01_fault(memory, l1_gpa(20 * PAGE_SIZE), true), 0);
	assert_int_equal(ept_lookup(&memory->ept01, 20, &leaf), -ENOENT);
	/* Both frames are taken. */
	assert_int_equal(guest_frame_free_count(), all_frames - 17);
	/* Who adds does not wait. */
	add(200, 1);
}

UNIT(nobody_finds_a_frame_that_is_not_filled)
{
	add(10, 16);
	assert_int_equal(ept01_fault(memory, l1_gpa(20 * PAGE_SIZE), true), 0);
	in_kick = look_from_inside;
	assert_int_equal(migrate(20, 1), MEMSLOT_OK);
	assert_null(in_kick);
	expect_numbers(10, 16);
	expect_numbers(200, 1);
	assert_int_equal(guest_frame_free_count(), all_frames - 17);
}

UNIT(flags_do_not_matter_and_stay)
{
	struct memslot_info info;
	u64 before;

	assert_int_equal(memslot_add_ram(memory, l1_gfn(5), 1, MEMSLOT_READONLY | MEMSLOT_FIXED),
			 MEMSLOT_OK);
	before = frame_of(5);
	assert_int_equal(migrate(5, 1), MEMSLOT_OK);
	assert_true(frame_of(5) != before);
	assert_true(memslot_describe(memory, 0, &info));
	assert_int_equal(info.flags, MEMSLOT_READONLY | MEMSLOT_FIXED);
	assert_int_equal(info.pages, 1);
}

UNIT(refusals_have_names)
{
	add(10, 4);
	assert_int_equal(migrate(10, 0), MEMSLOT_EMPTY);
	assert_int_equal(migrate(MAX_GFN - 1, 2), MEMSLOT_WRAPS);
	assert_int_equal(migrate(~0ULL, 1), MEMSLOT_WRAPS);
	assert_int_equal(migrate(9, 1), MEMSLOT_HOLE);
	assert_int_equal(migrate(13, 2), MEMSLOT_HOLE);
	expect_numbers(10, 4);
	assert_string_equal(memslot_result_text(MEMSLOT_HOLE), "has pages that are not there");
}

UNIT(without_frames_it_is_refused_and_nothing_is_lost)
{
	add(0, 8);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(BIT(20)), all_frames - 8 - 2, 0),
			 MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), 2);
	assert_int_equal(migrate(0, 8), MEMSLOT_OK); /* two at a time */
	assert_int_equal(memslot_add_ram(memory, l1_gfn(BIT(23)), 2, 0), MEMSLOT_OK);
	assert_int_equal(migrate(0, 8), MEMSLOT_NO_MEMORY);
	expect_numbers(0, 8);
	assert_int_equal(memory->active, 0);
	assert_false(memory->exclusive);
}

UNIT(without_objects_it_is_refused_and_regions_still_go)
{
	u64 at = 0;

	add(512, 1);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(1024), 8192, 0), MEMSLOT_OK);
	assert_int_equal(object_pool_reserve(&memory->objects, 2 * VM_MEMORY_RESERVE + 200), 0);
	while (page_alloc(0))
		;
	while (at < 8192 && migrate(1024 + at, 1) == MEMSLOT_OK)
		at += 2;
	assert_in_range(at, 2, 8191);
	assert_int_equal(migrate(512, 1), MEMSLOT_NO_MEMORY);
	assert_int_equal(memslot_delete(memory, l1_gfn(1024)), MEMSLOT_OK);
	assert_int_equal(migrate(512, 1), MEMSLOT_OK);
	expect_numbers(512, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_page_has_another_frame_and_its_contents, set_up),
		cmocka_unit_test_setup(others_keep_theirs, set_up),
		cmocka_unit_test_setup(a_large_leaf_gives_up_the_page_alone, set_up),
		cmocka_unit_test_setup(a_large_block_stays_large, set_up),
		cmocka_unit_test_setup(extents_part_and_grow_together, set_up),
		cmocka_unit_test_setup(nobody_finds_a_frame_that_is_not_filled, set_up),
		cmocka_unit_test_setup(flags_do_not_matter_and_stay, set_up),
		cmocka_unit_test_setup(refusals_have_names, set_up),
		cmocka_unit_test_setup(without_frames_it_is_refused_and_nothing_is_lost, set_up),
		cmocka_unit_test_setup(without_objects_it_is_refused_and_regions_still_go, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
