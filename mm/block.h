/* SPDX-License-Identifier: MIT */
/*
 * What migration, balloon and poison have in common: the pages of regions get other frames, or
 * none, a block at a time. Each block is a change of its own (mm/change.h), so others get on in
 * between.
 */
#ifndef MM_BLOCK_H
#define MM_BLOCK_H

#include "mm/memslot.h"
#include "mm/vm_memory.h"

#define BLOCK_ORDER_MAX 9u /* where pages are copied or zeroed: others wait for their block */

struct block {
	struct vm_memory *memory;
	u64 gfn, pages; /* of one region */
	pfn_t first;    /* the frames that these pages have */
	/* Frames that nobody uses any more. */
	void (*release)(pfn_t first, u64 pages);
};

/* A step takes care of block->pages pages from block->gfn on, as many as it likes of the pages that
 * are left; where it fails, of none. No lock is held. */
typedef enum memslot_result (*block_step)(struct block *block, u64 pages);

/* Step by step through the pages from block->gfn on: MEMSLOT_EMPTY, MEMSLOT_WRAPS, or the result of
 * the step that failed. */
enum memslot_result block_each(struct block *block, u64 pages, block_step step);

/* Steps: other frames with the same contents, no frames. */
enum memslot_result block_migrate(struct block *block, u64 pages);
enum memslot_result block_take_out(struct block *block, u64 pages);

/* Lock held: are there objects to part one extent in three, besides the reserve? */
bool block_has_objects(struct vm_memory *memory, const struct range_node *region);
/* The region gets other extents. Lock held, reserve there. */
void block_publish(struct vm_memory *memory, const struct range_node *region,
		   struct range_node *extents);

#endif
