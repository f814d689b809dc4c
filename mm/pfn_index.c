/* SPDX-License-Identifier: MIT */
/* A hash of the gfn. A range is walked page by page, or all buckets are, whichever is less. */
#include "mm/pfn_index.h"
#include "hv/panic.h"
#include "mm/pfn_cache.h"

#define BUCKETS      (PAGE_SIZE / sizeof(struct pfn_cache *))
#define BUCKET_SHIFT 9

_Static_assert(BUCKETS == BIT(BUCKET_SHIFT), "the buckets fill a page");

static u64 gfn_of(const struct pfn_cache *cache)
{
	return cache->gpa.raw >> PAGE_SHIFT;
}

/* Neighbours lie apart, and so do pages that are a power of two apart. */
static struct pfn_cache **bucket_of(const struct pfn_index *index, u64 gfn)
{
	return &index->buckets[(gfn ^ gfn >> BUCKET_SHIFT ^ gfn >> 2 * BUCKET_SHIFT) % BUCKETS];
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
	if (range.pages < BUCKETS + index->count) {
		for (u64 i = 0; i < range.pages; i++) {
			const struct gfn_range page = { range.first + i, 1 };

			if (!visit_bucket(*bucket_of(index, page.first), page, visit, context))
				return;
		}
		return;
	}
	for (u64 i = 0; i < BUCKETS; i++)
		if (!visit_bucket(index->buckets[i], range, visit, context))
			return;
}
