/* SPDX-License-Identifier: MIT */
/*
 * A set of single pages with counted users, of a capacity fixed at its creation. It knows which
 * blocks of 2M and 1G have a page of it. A page whose last user has left stays as an idle one,
 * until it has users again or is forgotten; the caller does the locking.
 */
#ifndef MM_PROTECTED_SET_H
#define MM_PROTECTED_SET_H

#include "mm/ept_entry.h"

struct protected_node;

struct protected_set {
	struct protected_node *nodes; /* constant, as buckets, their number and the capacity are */
	u32 *buckets;                 /* of nodes; read without the lock, too: atomic */
	u32 bucket_bits;
	u32 capacity; /* pages */
	u32 kept;     /* pages with users, and idle ones */
	u32 in_use;   /* pages with users; read without the lock, too: atomic */
	u32 free;     /* list of nodes */
};

/* Give a zeroed set room for so many pages, 1 to 2^20. 0 or -ENOMEM. */
int protected_set_create(struct protected_set *set, u32 pages);
/* One user more: 0, or -ENOSPC when it is not in the set and that is full. */
int protected_set_get(struct protected_set *set, u64 gfn);
/* One of its users less. */
void protected_set_put(struct protected_set *set, u64 gfn);
/* The page that has been idle for the longest: false where none is. */
bool protected_set_oldest(const struct protected_set *set, u64 *gfn);
/* An idle page leaves the set. */
void protected_set_forget(struct protected_set *set, u64 gfn);

/* How many users the page has; 0 where it is idle or not in the set. */
u32 protected_set_users(const struct protected_set *set, u64 gfn);
/* Does the block of this level around gfn have a page of the set, idle or not? */
bool protected_set_has(const struct protected_set *set, u64 gfn, u32 level);
/* Without the lock. False: the page has no users, or has got them since the call. */
bool protected_set_may_have(const struct protected_set *set, u64 gfn);

#endif
