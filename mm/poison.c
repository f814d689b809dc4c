/* SPDX-License-Identifier: MIT */
/* Bad frames: the page behind one leaves it, by a migration or for good, and the frame is never
 * used again. */
#include "mm/block.h"
#include "mm/page.h"

static void retire_frames(pfn_t first, u64 pages)
{
	for (u64 i = 0; i < pages; i++)
		guest_frame_retire(pfn_add(first, i));
	counter_add(CTR_FRAMES_POISONED, pages);
}

enum memslot_result memslot_poison(struct vm_memory *memory, l1_gfn_t gfn,
				   enum memslot_contents contents)
{
	struct block block = { .memory = memory, .gfn = gfn.raw, .release = retire_frames };

	return block_each(&block, 1, contents == MEMSLOT_KEEP ? block_migrate : block_take_out);
}
