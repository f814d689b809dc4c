/* SPDX-License-Identifier: MIT */
/* The active pfn-caches of a VM by their page, so that a change of a range costs what it hits. All
 * of it is protected by the VM's memory lock. */
#ifndef MM_PFN_INDEX_H
#define MM_PFN_INDEX_H

#include "hv/types.h"

struct pfn_cache;

struct pfn_index {
	struct pfn_cache **buckets; /* one page; the pointer is constant */
	u64 count;                  /* of caches */
};

struct gfn_range {
	u64 first, pages;
};

/* The cache's gpa is set, and stays while it is on the index. */
void pfn_index_insert(struct pfn_index *index, struct pfn_cache *cache);
void pfn_index_remove(struct pfn_index *index, struct pfn_cache *cache);
/* Visit the caches of a range, in no order, until a visit returns false. */
void pfn_index_each(const struct pfn_index *index, struct gfn_range range,
		    bool (*visit)(struct pfn_cache *cache, void *context), void *context);

#endif
