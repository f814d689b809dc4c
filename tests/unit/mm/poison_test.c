/* SPDX-License-Identifier: MIT */
/* mm/poison.c: what becomes of the page, and that nobody gets the frame again. */
#include "change_fixture.h"
#include "mm/page.h"

static enum memslot_result poison(u64 gfn, enum memslot_contents contents)
{
	return memslot_poison(memory, l1_gfn(gfn), contents);
}

/* Is the frame behind none of the pages that all free frames together give? */
static bool is_gone(u64 bad)
{
	u64 frames = guest_frame_free_count();
	pfn_t frame;

	while (frames--) {
		assert_int_equal(guest_frame_alloc(0, &frame), 0);
		if (frame.raw == bad)
			return false;
	}
	return guest_frame_alloc(0, &frame) == -ENOMEM;
}

UNIT(soft_keeps_the_contents_and_loses_the_frame)
{
	u64 bad;

	add(512, 64);
	bad = frame_of(530);
	assert_int_equal(ept01_fault(memory, page_at(530), true), 0);
	assert_int_equal(poison(530, MEMSLOT_KEEP), MEMSLOT_OK);
	assert_int_equal(kicks, 1);
	assert_true(frame_of(530) != bad);
	for (u64 i = 512; i < 576; i++)
		assert_int_equal(read_page(i), i);
	assert_int_equal(guest_frame_free_count(), all_frames - 65);
	assert_int_equal(host_counter(CTR_FRAMES_POISONED), 1);
	assert_int_equal(memslot_delete(memory, l1_gfn(512)), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), all_frames - 1);
	assert_true(is_gone(bad));
}

UNIT(hard_leaves_a_hole_that_a_fresh_page_fills)
{
	u64 bad;

	add(512, 64);
	bad = frame_of(530);
	assert_int_equal(ept01_fault(memory, page_at(530), true), 0);
	assert_int_equal(poison(530, MEMSLOT_LOSE), MEMSLOT_OK);
	assert_int_equal(kicks, 1);
	assert_int_equal(read_page(530), ~0ULL);
	assert_int_equal(read_page(529), 529);
	assert_int_equal(read_page(531), 531);
	assert_int_equal(guest_frame_free_count(), all_frames - 64);
	assert_int_equal(host_counter(CTR_FRAMES_POISONED), 1);
	assert_int_equal(memslot_balloon_in(memory, l1_gfn(530), 1), MEMSLOT_OK);
	assert_true(frame_of(530) != bad);
	assert_int_equal(read_page(530), 0);
	assert_int_equal(memslot_delete(memory, l1_gfn(512)), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), all_frames - 1);
	assert_true(is_gone(bad));
}

UNIT(without_another_frame_the_page_stays)
{
	u64 bad;

	add(0, 1);
	bad = frame_of(0);
	assert_int_equal(memslot_add_ram(memory, l1_gfn(BIT(20)), all_frames - 1, 0), MEMSLOT_OK);
	assert_int_equal(poison(0, MEMSLOT_KEEP), MEMSLOT_NO_MEMORY);
	assert_int_equal(frame_of(0), bad);
	assert_int_equal(read_page(0), 0);
	assert_int_equal(host_counter(CTR_FRAMES_POISONED), 0);
	assert_int_equal(poison(0, MEMSLOT_LOSE), MEMSLOT_OK);
	assert_int_equal(guest_frame_free_count(), 0);
}

UNIT(refusals_have_names)
{
	add(10, 1);
	assert_int_equal(poison(9, MEMSLOT_KEEP), MEMSLOT_HOLE);
	assert_int_equal(poison(9, MEMSLOT_LOSE), MEMSLOT_HOLE);
	assert_int_equal(poison(MAX_GFN, MEMSLOT_LOSE), MEMSLOT_WRAPS);
	assert_int_equal(poison(10, MEMSLOT_LOSE), MEMSLOT_OK);
	assert_int_equal(poison(10, MEMSLOT_LOSE), MEMSLOT_HOLE);
	assert_int_equal(poison(10, MEMSLOT_KEEP), MEMSLOT_HOLE);
	assert_int_equal(host_counter(CTR_FRAMES_POISONED), 1);
}

static void retire_free_frame(void)
{
	pfn_t frame;

	assert_int_equal(guest_frame_alloc(0, &frame), 0);
	guest_frame_free(frame, 0);
	guest_frame_retire(frame);
}

UNIT(a_free_frame_is_nobody_s_to_retire)
{
	assert_true(host_panics(retire_free_frame, "is_in_use"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(soft_keeps_the_contents_and_loses_the_frame, set_up),
		cmocka_unit_test_setup(hard_leaves_a_hole_that_a_fresh_page_fills, set_up),
		cmocka_unit_test_setup(without_another_frame_the_page_stays, set_up),
		cmocka_unit_test_setup(refusals_have_names, set_up),
		cmocka_unit_test_setup(a_free_frame_is_nobody_s_to_retire, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
