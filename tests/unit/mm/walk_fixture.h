/* SPDX-License-Identifier: MIT */
/* A walk cache of vCPU 3 (pfn_fixture.h): 1 MiB of memory at 0, a read-only page at 0x1000. */
#ifndef TESTS_UNIT_MM_WALK_FIXTURE_H
#define TESTS_UNIT_MM_WALK_FIXTURE_H

#include "pfn_fixture.h"
#include "mm/walk_cache.h"

static struct walk_cache walk;

static inline int set_up_walk(void)
{
	set_up_memory();
	add(0, 256);
	add_with(0x1000, 1, MEMSLOT_READONLY);
	walk_cache_init(&walk, memory, 3);
	return 0;
}

static inline void expect_word(u64 gfn, u64 word)
{
	u64 value;

	assert_int_equal(walk_cache_read_u64(&walk, page_at(gfn), &value), 0);
	assert_int_equal(value, word);
}

/* Delete a region of one page that a guest uses, and let this happen while that is called out. */
static inline void remove_while(u64 gfn, void (*meanwhile)(void))
{
	struct pfn_user user = { 0 };
	struct pfn_cache other;
	pfn_t pfn;

	pfn_cache_init_guest(&other, memory, &user, 0);
	pfn_cache_activate(&other, page_at(gfn));
	assert_int_equal(pfn_cache_use(&other, 0, &pfn), 0);
	in_call_out = meanwhile;
	remove_at(gfn);
	pfn_cache_deactivate(&other);
}

#endif
