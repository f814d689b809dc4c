/* SPDX-License-Identifier: MIT */
/* A VM with two CPUs for the tests of pfn-caches: regions by gfn, and steps at which another CPU
 * comes in between. */
#ifndef TESTS_UNIT_MM_PFN_FIXTURE_H
#define TESTS_UNIT_MM_PFN_FIXTURE_H

#include "unit.h"
#include "ept01_fixture.h"
#include "host_memory.h"
#include "hv/errno.h"
#include "hv/percpu.h"
#include "hv/spinlock.h"
#include "mm/vm_memory.h"

#define FIXTURE_MAX_GFN BIT(24)

static struct vm_memory *memory;
static u64 kicked, called_out; /* masks of CPUs and of vCPUs, since set_up */
static void (*in_call_out)(void);

static void kick_and_wait(u64 cpu_mask)
{
	kicked |= cpu_mask;
}

static void call_out(u64 vcpu_mask)
{
	called_out |= vcpu_mask;
	if (in_call_out)
		in_call_out();
}

static inline int set_up_memory(void)
{
	static const struct change_ops ops = { .kick_and_wait = kick_and_wait,
					       .call_out = call_out };

	host_memory_default();
	ept01_fixture_with(&ops);
	memory = vm_memory_create(l1_gfn(FIXTURE_MAX_GFN));
	kicked = 0;
	called_out = 0;
	in_call_out = NULL;
	return 0;
}

static inline l1_gpa_t page_at(u64 gfn)
{
	return l1_gfn_to_l1_gpa(l1_gfn(gfn));
}

static inline void add_with(u64 gfn, u64 pages, u32 flags)
{
	assert_int_equal(memslot_add_ram(memory, l1_gfn(gfn), pages, flags), MEMSLOT_OK);
}

static inline void add(u64 gfn, u64 pages)
{
	add_with(gfn, pages, 0);
}

static inline void remove_at(u64 gfn)
{
	assert_int_equal(memslot_delete(memory, l1_gfn(gfn)), MEMSLOT_OK);
}

static inline void move(u64 from, u64 to)
{
	assert_int_equal(memslot_move(memory, l1_gfn(from), l1_gfn(to)), MEMSLOT_OK);
}

/* The frame behind a gfn. */
static inline pfn_t frame_of(u64 gfn)
{
	struct memslot_frame frame;

	assert_int_equal(memslot_find(memory, l1_gfn(gfn), &frame), 0);
	return frame.pfn;
}

/* Write the frame behind a gfn, past all windows. */
static inline void stamp(u64 gfn, u64 value)
{
	host_guest_ram_write(pfn_to_hpa(frame_of(gfn)), &value, sizeof(value));
}

/* The first word of the page through the cache, held by vCPU 0; 0: it cannot be held. */
static inline u64 word_of(struct pfn_cache *cache, u64 gfn)
{
	u64 *page = pfn_cache_hold(cache, page_at(gfn), 0);
	u64 word = page ? *page : 0;

	if (page)
		pfn_cache_release(cache, 0);
	return word;
}

#endif
