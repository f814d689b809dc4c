/* SPDX-License-Identifier: MIT */
/* A VM that CPU 0 runs, EPT01 under it; pages that say their number; and what else happens in the
 * machine while a change kicks. */
#ifndef TESTS_UNIT_MM_CHANGE_FIXTURE_H
#define TESTS_UNIT_MM_CHANGE_FIXTURE_H

#include "unit.h"
#include "ept01_fixture.h"
#include "host_memory.h"
#include "hv/cpu.h"
#include "hv/errno.h"
#include "mm/vm_memory.h"

#define MAX_GFN BIT(24)

static struct vm_memory *memory;
static u64 all_frames;   /* that were free at first */
static u64 free_in_kick; /* the last one's */
static u32 kicks;
static u64 kicked;            /* mask of the last one */
static void (*in_kick)(void); /* once */

static inline void kick_and_wait(u64 cpu_mask)
{
	void (*act)(void) = in_kick;

	kicks++;
	kicked = cpu_mask;
	free_in_kick = guest_frame_free_count();
	in_kick = NULL;
	if (act)
		act();
}

static inline int set_up(void **state)
{
	(void)state;
	host_memory_default();
	ept01_fixture(kick_and_wait);
	memory = vm_memory_create(l1_gfn(MAX_GFN));
	all_frames = guest_frame_free_count();
	in_kick = NULL;
	kicks = 0;
	kicked = 0;
	change_cpu_joins(memory);
	return 0;
}

static inline l1_gpa_t page_at(u64 gfn)
{
	return l1_gfn_to_l1_gpa(l1_gfn(gfn));
}

static inline int write_page(u64 gfn, u64 value)
{
	return guest_write(memory, page_at(gfn), &value, sizeof(value));
}

/* What a page says; ~0 where it is not there. */
static inline u64 read_page(u64 gfn)
{
	u64 value;

	return guest_read(memory, page_at(gfn), &value, sizeof(value)) ? ~0ULL : value;
}

static inline void add(u64 gfn, u64 pages)
{
	assert_int_equal(memslot_add_ram(memory, l1_gfn(gfn), pages, 0), MEMSLOT_OK);
	for (u64 i = gfn; i < gfn + pages; i++)
		assert_int_equal(write_page(i, i), 0);
}

static inline int touch(u64 gfn)
{
	return ept01_fault(memory, page_at(gfn), true);
}

static inline u64 frame_of(u64 gfn)
{
	struct memslot_frame frame;

	assert_int_equal(memslot_find(memory, l1_gfn(gfn), &frame), 0);
	return frame.pfn.raw;
}

static inline bool is_mapped(u64 gfn)
{
	struct ept_leaf leaf;

	return ept_lookup(&memory->ept01, gfn, &leaf) == 0;
}

#endif
