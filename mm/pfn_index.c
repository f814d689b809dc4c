/* SPDX-License-Identifier: MIT */
/* A hash of the gfn. A range is walked page by page, or all buckets are, whichever is less. */
#include "mm/pfn_index.h"
#include "hv/errno.h"
#include "hv/panic.h"
#include "mm/page.h"
#include "mm/pfn_cache.h"

#define BUCKETS_IN_PAGE   (PAGE_SIZE / sizeof(struct pfn_cache *))
#define BUCKET_BITS       9u /* of the number of a bucket, in one page of them */
#define BUCKETS_PER_CACHE 4u

_Static_assert(BUCKETS_IN_PAGE == BIT(BUCKET_BITS), "the buckets fill a page");

static u64 gfn_of(const struct pfn_cache *cache)
{
	return cache->gpa.raw >> PAGE_SHIFT;
}

static u64 buckets(const struct pfn_index *index)
{
	return BUCKETS_IN_PAGE << index->order;
}

/* Neighbours lie apart, and so do pages that are a power of two apart. */
static struct pfn_cache **bucket_of(const struct pfn_index *index, u64 gfn)
{
	return &index->buckets[gfn * 0x9e3779b97f4a7c15ULL >> (64 - BUCKET_BITS - index->order)];
}

static void move_all(struct pfn_index *to, const struct pfn_index *from)
{
	for (u64 i = 0; i < buckets(from); i++) {
		struct pfn_cache *cache = from->buckets[i];

		while (cache) {
			struct pfn_cache *next = cache->next;

			pfn_index_insert(to, cache);
			cache = next;
		}
	}
}

static int grow(struct pfn_index *index, u32 order)
{
	struct pfn_index larger = { .order = order, .buckets = page_alloc(order) };

	if (!larger.buckets)
		return -ENOMEM;
	move_all(&larger, index);
	page_free(index->buckets, index->order);
	*index = larger;
	return 0;
}

int pfn_index_expect(struct pfn_index *index, u64 more)
{
	u64 expected = index->expected + more;
	u32 order = page_order(expected * BUCKETS_PER_CACHE * sizeof(struct pfn_cache *));

	if (order > index->order && grow(index, order))
		return -ENOMEM;
	index->expected = expected;
	return 0;
}

void pfn_index_insert(struct pfn_index *index, struct pfn_cache *cache)
{
	struct pfn_cache **bucket = bucket_of(index, gfn_of(cache));

	cache->next = *bucket;
	*bucket = cache;
	index->count++;
}

void pfn_index_remove(struct pfn_index *index, struct pfn_cache *cache)
{
	struct pfn_cache **link = bucket_of(index, gfn_of(cache));

	while (*link != cache) {
		ASSERT(*link);
		link = &(*link)->next;
	}
	*link = cache->next;
	index->count--;
}

/* Visit those of a bucket that lie in the range; false: a visit said so. */
static bool visit_bucket(struct pfn_cache *cache, struct gfn_range range,
			 bool (*visit)(struct pfn_cache *cache, void *context), void *context)
{
	for (; cache; cache = cache->next)
		if (gfn_of(cache) - range.first < range.pages && !visit(cache, context))
			return false;
	return true;
}

void pfn_index_each(const struct pfn_index *index, struct gfn_range range,
		    bool (*visit)(struct pfn_cache *cache, void *context), void *context)
{
	if (index->count == 0)
		return;
	if (range.pages < buckets(index) + index->count) {
		for (u64 i = 0; i < range.pages; i++) {
			const struct gfn_range page = { range.first + i, 1 };

			if (!visit_bucket(*bucket_of(index, page.first), page, visit, context))
				return;
		}
		return;
	}
	for (u64 i = 0; i < buckets(index); i++)
		if (!visit_bucket(index->buckets[i], range, visit, context))
			return;
}
