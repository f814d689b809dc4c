/* SPDX-License-Identifier: MIT */
/* Pages that get other frames or none, and logs that are taken, for tests/fuzz/memory_fuzz.c. */
#ifndef TESTS_FUZZ_MEMORY_FRAMES_H
#define TESTS_FUZZ_MEMORY_FRAMES_H

#include "tests/fuzz/memory_changes.h"

#define FRAMES_LEFT BIT(17) /* frames are not poisoned when there are fewer */

/* Past all windows: the frames have what the pages had. */
static inline void check_contents(u64 at, u64 count)
{
	for (u64 i = at; i < at + count; i++) {
		hpa_t frame = pages[i].is_there ? pfn_to_hpa(frame_of(BASE + i)) : hpa(0);
		u64 head, tail;

		if (!pages[i].is_there)
			continue;
		host_guest_ram_read(frame, &head, sizeof(head));
		host_guest_ram_read(hpa(frame.raw + TAIL), &tail, sizeof(tail));
		assert_int_equal(head, pages[i].head);
		assert_int_equal(tail, pages[i].tail);
	}
}

/* How many pages from here on are there, up to the first hole. */
static inline u64 run_of(u64 at, u64 count)
{
	u64 there = 0;

	while (there < count && pages[MIN(at + there, (u64)GFNS)].is_there)
		there++;
	return there;
}

/* Pages up to the first hole get other frames. */
static inline void migrate(u64 at, u64 count)
{
	u64 there = run_of(at, count);
	pfn_t before = { 0 };

	if (there)
		before = frame_of(BASE + at);
	hit(at, there);
	in_kick = nothing_becomes_valid; /* the model is ahead of it: it goes a block at a time */
	assert_int_equal(memslot_migrate(memory, l1_gfn(BASE + at), count),
			 there == count ? MEMSLOT_OK : MEMSLOT_HOLE);
	in_kick = during_change;
	expect_gone(at, there);
	check_contents(at, there);
	if (there)
		assert_int_not_equal(before.raw, frame_of(BASE + at).raw);
}

static inline void lose(u64 at)
{
	struct page_model *page = &pages[at];

	*page = (struct page_model){ .read_only = page->read_only,
				     .logs = page->logs,
				     .is_dirty = page->is_dirty };
}

/* Pages up to the first hole go. */
static inline void balloon_out(u64 at, u64 count)
{
	u64 there = run_of(at, count);

	hit(at, there);
	in_kick = nothing_becomes_valid; /* as for a migration */
	assert_int_equal(memslot_balloon_out(memory, l1_gfn(BASE + at), count),
			 there == count ? MEMSLOT_OK : MEMSLOT_HOLE);
	in_kick = during_change;
	expect_gone(at, there);
	for (u64 i = at; i < at + there; i++)
		lose(i);
}

/* Pages that are out come back, up to the first that is not. */
static inline void balloon_in(u64 at, u64 count)
{
	enum memslot_result result = MEMSLOT_OK;
	u64 i;

	for (i = at; i < at + count && result == MEMSLOT_OK; i++) {
		if (i >= GFNS || !region_of(i))
			result = MEMSLOT_HOLE;
		else if (pages[i].is_there)
			result = MEMSLOT_PRESENT;
	}
	in_kick = nothing_becomes_valid;
	assert_int_equal(memslot_balloon_in(memory, l1_gfn(BASE + at), count), result);
	in_kick = during_change;
	count = i - at - (result != MEMSLOT_OK);
	for (i = at; i < at + count; i++) {
		pages[i].is_there = true;
		pages[i].head = pages[i].tail = 0;
		mark(i);
	}
	check_contents(at, count);
}

static inline void poison(u64 at, bool keep)
{
	enum memslot_result result = pages[at].is_there ? MEMSLOT_OK : MEMSLOT_HOLE;

	if (all_frames < FRAMES_LEFT)
		return;
	hit(at, run_of(at, 1));
	assert_int_equal(
		memslot_poison(memory, l1_gfn(BASE + at), keep ? MEMSLOT_KEEP : MEMSLOT_LOSE),
		result);
	if (result != MEMSLOT_OK)
		return;
	expect_gone(at, 1);
	all_frames--;
	if (keep)
		check_contents(at, 1);
	else
		lose(at);
}

/* What was told is what was written to; it is clean from now on. */
static inline void expect_told_log(struct region_model *region, l1_gpa_t buffer)
{
	u64 bits[GFNS / 64];

	assert_int_equal(guest_read(memory, buffer, bits, ALIGN_UP(region->count, 64) / 8), 0);
	for (u64 i = 0; i < region->count; i++) {
		struct page_model *page = &pages[region->at + i];

		assert_int_equal(bits[i / 64] >> i % 64 & 1, page->is_dirty);
		page->is_dirty = false;
	}
	mark_what_vmcs_has();
}

/* Into the midst of a page: the model looks at both its ends. */
static inline void take_log(struct region_model *region, u64 to)
{
	struct dirty_buffer buffer = { l1_gpa_add(gpa_of(to), 64), ALIGN_UP(region->count, 64) / 8,
				       0 };
	enum memslot_result result = MEMSLOT_OK;

	if (!region->count)
		return;
	if (!region->logs)
		result = MEMSLOT_LOGS_NOTHING;
	else if (!takes_writes(to))
		result = MEMSLOT_NO_BUFFER;
	assert_int_equal(memslot_take_dirty(memory, l1_gfn(BASE + region->at), &buffer), result);
	if (result != MEMSLOT_OK)
		return;
	expect_told_log(region, buffer.at);
	mark(to);
	users[to] = 0;
}

static inline void change_frames(void)
{
	u64 at = some_place() + below(STRIDE), count = below(64) + 1;

	switch (below(8)) {
	case 0 ... 1:
		migrate(at, count);
		break;
	case 2:
		balloon_out(at, count);
		break;
	case 3:
		balloon_in(at, count);
		break;
	case 4:
		poison(at, below(2));
		break;
	default:
		take_log(&regions[below(REGIONS)], at);
	}
}

#endif
