/* SPDX-License-Identifier: MIT */
/*
 * The last usual walk of a vCPU's own paging (vmx/linear_fast.h), with the entries that it read.
 * What it came to is still so while CR3 and every entry are what they were: nothing else that the
 * guest may change counts for a usual walk. So it is no TLB: each entry is read again, and MOV CR3
 * and INVLPG, which do not exit, need not be known of.
 */
#ifndef VMX_LINEAR_MEMO_H
#define VMX_LINEAR_MEMO_H

#include "mm/walk_cache.h"

struct linear_memo {
	u64 version; /* of the walk cache when the walk began; 0: there was no walk */
	u64 key;     /* linear_memo_key */
	u64 cr3;
	u64 frame; /* where the page is */
	struct walk_word entries[4];
	bool is_large; /* three entries led to it */
};

static inline u64 linear_memo_key(u64 linear, bool is_write)
{
	return linear >> PAGE_SHIFT << 1 | is_write;
}

/* Would the same walk be the same? */
static inline __attribute__((always_inline)) bool linear_memo_holds(const struct linear_memo *memo,
								    const struct walk_cache *walk)
{
	const struct walk_word *entries = memo->entries;

	return memo->version == walk->version && walk_cache_is_same(walk, &entries[0]) &&
	       walk_cache_is_same(walk, &entries[1]) && walk_cache_is_same(walk, &entries[2]) &&
	       (memo->is_large || walk_cache_is_same(walk, &entries[3]));
}

#endif
