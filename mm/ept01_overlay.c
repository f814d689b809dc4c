/* SPDX-License-Identifier: MIT */
/*
 * The overlay: one page of L0's in EPT01 that no region has. It goes by the protocol of every
 * change of L1's memory; it comes as any leaf does. Its frame stays L0's: nothing is freed.
 */
#include "hv/panic.h"
#include "mm/change.h"
#include "mm/ept01.h"
#include "mm/mtrr.h"
#include "mm/vm_memory.h"

/* No execution: the CPU virtualizes reads and writes of the APIC-access page, no fetches. */
static int map(struct vm_memory *memory)
{
	const struct ept_leaf leaf = {
		.level = EPT_LEVEL_4K,
		.pfn = memory->overlay.pfn,
		.bits = EPT_READ | EPT_WRITE | EPT_ACCESSED | EPT_DIRTY |
			(u64)MEMORY_WB << EPT_TYPE_SHIFT,
	};

	return ept_map(&memory->ept01, memory->overlay.gfn, &leaf);
}

int ept01_overlay_create(struct vm_memory *memory, l1_gfn_t gfn, pfn_t pfn)
{
	int error;

	vm_memory_lock(memory);
	ASSERT(!memory->overlay.exists && !range_tree_overlaps(memory->regions, gfn.raw, 1));
	memory->overlay = (struct overlay){ .exists = true, .gfn = gfn.raw, .pfn = pfn };
	error = map(memory);
	vm_memory_unlock(memory);
	return error;
}

void ept01_overlay_hide(struct vm_memory *memory)
{
	struct change change;
	bool goes;

	vm_memory_lock(memory);
	ASSERT(memory->overlay.exists);
	goes = memory->overlay.hidden++ == 0;
	if (goes)
		change_begin(&change, memory, memory->overlay.gfn, 1);
	vm_memory_unlock(memory);
	if (goes)
		change_end(&change);
}

void ept01_overlay_show(struct vm_memory *memory)
{
	vm_memory_lock(memory);
	ASSERT(memory->overlay.exists && memory->overlay.hidden > 0);
	if (--memory->overlay.hidden == 0)
		(void)map(memory); /* without it, software answers */
	vm_memory_unlock(memory);
}
