/* SPDX-License-Identifier: MIT */
/*
 * A buddy allocator over frame numbers: it never touches the frames. Its books are one bitset per
 * order (a member is a free block), about 2.1 bits a frame. A free block is a member of exactly one
 * set, and never has its buddy free beside it.
 */
#ifndef MM_FRAME_POOL_H
#define MM_FRAME_POOL_H

#include "hv/spinlock.h"
#include "mm/addr.h"
#include "mm/bitset.h"

#define FRAME_ORDER_MAX 18u /* 1 GiB */

struct frame_pool {
	pfn_t base;           /* frame of index 0, aligned to the largest block */
	u64 frames;           /* indices 0 ≤ i < frames */
	struct spinlock lock; /* protects what follows */
	struct bitset free[FRAME_ORDER_MAX + 1];
	u64 total_frames;
	u64 free_frames;
	u64 lowest_free; /* the least that free_frames was since the first allocation */
};

/* How many words of books a pool over [lowest, end) needs. */
u64 frame_pool_words(pfn_t lowest, pfn_t end);
/* An empty pool over [lowest, end). */
void frame_pool_init(struct frame_pool *pool, pfn_t lowest, pfn_t end, u64 *words);
/* Let the pool own these frames; they are free. */
void frame_pool_add(struct frame_pool *pool, pfn_t first, u64 count);
/* A block of 2^order frames, naturally aligned:
 * the lowest of the smallest blocks that hold it. 0 or -ENOMEM. */
int frame_pool_alloc(struct frame_pool *pool, unsigned int order, pfn_t *first);
/* Frames that are free already, or that the pool does not own, are a caller's bug. */
void frame_pool_free(struct frame_pool *pool, pfn_t first, unsigned int order);
/* The pool does without this frame from now on; it was allocated. */
void frame_pool_retire(struct frame_pool *pool, pfn_t frame);
u64 frame_pool_free_count(const struct frame_pool *pool);

#endif
