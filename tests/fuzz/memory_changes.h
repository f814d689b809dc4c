/* SPDX-License-Identifier: MIT */
/* Changes of L1's memory for tests/fuzz/memory_fuzz.c, and what they do to the model. */
#ifndef TESTS_FUZZ_MEMORY_CHANGES_H
#define TESTS_FUZZ_MEMORY_CHANGES_H

#include "tests/fuzz/memory_model.h"

/* The pages lose what they were: valid caches of theirs are invalid, and no others. */
static inline void hit(u64 at, u64 count)
{
	for (u32 i = 0; i < CACHES; i++) {
		struct cache_model *m = &models[i];

		if (!m->is_active || m->at - at >= count)
			continue;
		m->is_valid = false;
		m->is_stale |= m->is_used;
	}
}

/* The change is over: nobody holds what it took, and EPT01 has nothing of it. */
static inline void expect_gone(u64 at, u64 count)
{
	for (u32 i = 0; i < CACHES; i++)
		assert_false(models[i].held && models[i].at - at < count);
	for (u64 i = at; i < at + count; i++)
		assert_int_equal(leaf_at(BASE + i).level, 0);
}

static inline bool is_free(u64 at, u64 count, const struct region_model *but)
{
	for (u32 i = 0; i < REGIONS; i++)
		if (&regions[i] != but && regions[i].count &&
		    at < regions[i].at + regions[i].count && regions[i].at < at + count)
			return false;
	return true;
}

/* A page is there, and both its words say something; past all windows. */
static inline void fill(u64 at)
{
	hpa_t frame = pfn_to_hpa(frame_of(BASE + at));
	u64 head = ++last_word, tail = ++last_word;

	host_guest_ram_write(frame, &head, sizeof(head));
	host_guest_ram_write(hpa(frame.raw + TAIL), &tail, sizeof(tail));
	pages[at] = (struct page_model){ .is_there = true, .head = head, .tail = tail };
}

static inline void add_region(struct region_model *region)
{
	u64 at = some_place(), size = below(256);
	u64 count = size < 250 ? size % 40 + 1 : 2 * size;
	enum memslot_result result = MEMSLOT_OK;

	if (at + count > GFNS)
		return;
	if (!is_free(at, count, NULL))
		result = MEMSLOT_OVERLAPS;
	assert_int_equal(memslot_add_ram(memory, l1_gfn(BASE + at), count, 0), result);
	if (result != MEMSLOT_OK)
		return;
	*region = (struct region_model){ .at = at, .count = count };
	for (u64 i = at; i < at + count; i++)
		fill(i);
}

static inline void delete_region(struct region_model *region)
{
	hit(region->at, region->count);
	remove_at(BASE + region->at);
	expect_gone(region->at, region->count);
	memset(&pages[region->at], 0, region->count * sizeof(pages[0]));
	region->count = 0;
}

static inline void move_region(struct region_model *region)
{
	u64 to = some_place(), from = region->at, count = region->count;

	if (to + count > GFNS)
		return;
	if (!is_free(to, count, region)) {
		assert_int_equal(memslot_move(memory, l1_gfn(BASE + from), l1_gfn(BASE + to)),
				 MEMSLOT_OVERLAPS);
		return;
	}
	hit(from, count);
	move(BASE + from, BASE + to);
	expect_gone(from, count);
	memmove(&pages[to], &pages[from], count * sizeof(pages[0]));
	for (u64 i = from; i < from + count; i++)
		if (i - to >= count)
			pages[i] = (struct page_model){ 0 };
	region->at = to;
}

static inline void change_flags(struct region_model *region)
{
	bool read_only = below(2), logs = below(2), is_new = logs && !region->logs;
	u32 flags = (read_only ? MEMSLOT_READONLY : 0u) | (logs ? MEMSLOT_LOG_DIRTY : 0u);

	hit(region->at, region->count);
	assert_int_equal(memslot_set_flags(memory, l1_gfn(BASE + region->at), flags), MEMSLOT_OK);
	expect_gone(region->at, region->count);
	region->read_only = read_only;
	region->logs = logs;
	for (u64 i = region->at; i < region->at + region->count; i++) {
		pages[i].read_only = read_only;
		pages[i].logs = logs;
		pages[i].is_dirty &= logs && !is_new;
	}
}

static inline void change_region(void)
{
	struct region_model *region = &regions[below(REGIONS)];

	if (!region->count) {
		add_region(region);
		return;
	}
	switch (below(4)) {
	case 0:
		delete_region(region);
		break;
	case 1:
		move_region(region);
		break;
	default:
		change_flags(region);
	}
}

#endif
