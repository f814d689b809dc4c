/* SPDX-License-Identifier: MIT */
/* The active pfn-caches of a VM by their page, so that a change of a range costs what it hits,
 * however many there are. All of it is protected by the VM's memory lock. */
#ifndef MM_PFN_INDEX_H
#define MM_PFN_INDEX_H

#include "hv/types.h"

struct pfn_cache;

struct pfn_index {
	struct pfn_cache **buckets; /* 2^order pages */
	u32 order;
	u64 expected; /* caches there is room for */
	u64 count;    /* of caches */
};

struct gfn_range {
	u64 first, pages;
};

/* Room for so many more caches, so that a bucket has one of four at most, on average. 0, or
 * -ENOMEM: it finds all of them even so. */
int pfn_index_expect(struct pfn_index *index, u64 more);

/* The cache's gpa is set, and stays while it is on the index. */
void pfn_index_insert(struct pfn_index *index, struct pfn_cache *cache);
void pfn_index_remove(struct pfn_index *index, struct pfn_cache *cache);
/* Visit the caches of a range, in no order, until a visit returns false. */
void pfn_index_each(const struct pfn_index *index, struct gfn_range range,
		    bool (*visit)(struct pfn_cache *cache, void *context), void *context);

#endif
