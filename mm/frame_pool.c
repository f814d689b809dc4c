/* SPDX-License-Identifier: MIT */
/* Buddy allocator on bitsets: each operation costs one bitset step per order at most. */
#include "mm/frame_pool.h"
#include "hv/errno.h"
#include "hv/panic.h"

static u64 blocks_of(u64 frames, unsigned int order)
{
	return (frames + BIT(order) - 1) >> order;
}

static pfn_t aligned_base(pfn_t lowest)
{
	return pfn(ALIGN_DOWN(lowest.raw, BIT(FRAME_ORDER_MAX)));
}

u64 frame_pool_words(pfn_t lowest, pfn_t end)
{
	u64 frames = end.raw - aligned_base(lowest).raw;
	u64 words = 0;

	for (unsigned int order = 0; order <= FRAME_ORDER_MAX; order++)
		words += bitset_words(blocks_of(frames, order));
	return words;
}

void frame_pool_init(struct frame_pool *pool, pfn_t lowest, pfn_t end, u64 *words)
{
	ASSERT(lowest.raw < end.raw);
	*pool = (struct frame_pool){ .base = aligned_base(lowest) };
	pool->frames = end.raw - pool->base.raw;
	for (unsigned int order = 0; order <= FRAME_ORDER_MAX; order++) {
		u64 blocks = blocks_of(pool->frames, order);

		bitset_init(&pool->free[order], words, blocks);
		words += bitset_words(blocks);
	}
}

/* Is no part of this block free? */
static bool is_in_use(const struct frame_pool *pool, u64 index, unsigned int order)
{
	u64 end = index + BIT(order);

	for (unsigned int o = 0; o < order; o++)
		if (bitset_find(&pool->free[o], index >> o) < end >> o)
			return false;
	for (unsigned int o = order; o <= FRAME_ORDER_MAX; o++)
		if (bitset_test(&pool->free[o], index >> o))
			return false;
	return true;
}

/* Relaxed: frame_pool_free_count reads it without the lock, as a hint. */
static void set_free_count(struct frame_pool *pool, u64 count)
{
	__atomic_store_n(&pool->free_frames, count, __ATOMIC_RELAXED);
}

static void give_block(struct frame_pool *pool, u64 index, unsigned int order)
{
	ASSERT(IS_ALIGNED(index, BIT(order)) && index + BIT(order) <= pool->frames);
	ASSERT(is_in_use(pool, index, order));
	set_free_count(pool, pool->free_frames + BIT(order));
	ASSERT(pool->free_frames <= pool->total_frames);
	while (order < FRAME_ORDER_MAX) {
		u64 buddy = index ^ BIT(order);

		if (buddy >= pool->frames || !bitset_test(&pool->free[order], buddy >> order))
			break;
		bitset_clear(&pool->free[order], buddy >> order);
		index &= ~BIT(order);
		order++;
	}
	bitset_set(&pool->free[order], index >> order);
}

void frame_pool_add(struct frame_pool *pool, pfn_t first, u64 count)
{
	u64 index = first.raw - pool->base.raw;
	u64 end = index + count;

	ASSERT(first.raw >= pool->base.raw && end <= pool->frames);
	spin_lock(&pool->lock);
	pool->total_frames += count;
	while (index < end) {
		unsigned int order = FRAME_ORDER_MAX;

		while (!IS_ALIGNED(index, BIT(order)) || index + BIT(order) > end)
			order--;
		give_block(pool, index, order);
		index += BIT(order);
	}
	pool->lowest_free = pool->free_frames;
	spin_unlock(&pool->lock);
}

/* Take the block out of its set and put back all but its first 2^order frames. */
static void take_block(struct frame_pool *pool, u64 index, unsigned int found, unsigned int order)
{
	bitset_clear(&pool->free[found], index >> found);
	while (found > order) {
		found--;
		bitset_set(&pool->free[found], (index + BIT(found)) >> found);
	}
	set_free_count(pool, pool->free_frames - BIT(order));
	pool->lowest_free = MIN(pool->lowest_free, pool->free_frames);
}

int frame_pool_alloc(struct frame_pool *pool, unsigned int order, pfn_t *first)
{
	int rc = -ENOMEM;

	spin_lock(&pool->lock);
	for (unsigned int found = order; found <= FRAME_ORDER_MAX; found++) {
		u64 block = bitset_find(&pool->free[found], 0);

		if (block == BITSET_NONE)
			continue;
		take_block(pool, block << found, found, order);
		*first = pfn_add(pool->base, block << found);
		rc = 0;
		break;
	}
	spin_unlock(&pool->lock);
	return rc;
}

void frame_pool_free(struct frame_pool *pool, pfn_t first, unsigned int order)
{
	ASSERT(order <= FRAME_ORDER_MAX && first.raw >= pool->base.raw);
	spin_lock(&pool->lock);
	give_block(pool, first.raw - pool->base.raw, order);
	spin_unlock(&pool->lock);
}

void frame_pool_retire(struct frame_pool *pool, pfn_t frame)
{
	u64 index = frame.raw - pool->base.raw;

	ASSERT(frame.raw >= pool->base.raw && index < pool->frames);
	spin_lock(&pool->lock);
	ASSERT(is_in_use(pool, index, 0));
	pool->total_frames--;
	spin_unlock(&pool->lock);
}

u64 frame_pool_free_count(const struct frame_pool *pool)
{
	return __atomic_load_n(&pool->free_frames, __ATOMIC_RELAXED);
}
