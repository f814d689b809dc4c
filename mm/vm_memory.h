/* SPDX-License-Identifier: MIT */
/* The memory of one VM, for the files that implement it:
 * regions by gfn, their extents, and EPT01 over them. */
#ifndef MM_VM_MEMORY_H
#define MM_VM_MEMORY_H

#include "hv/spinlock.h"
#include "mm/ept.h"
#include "mm/memslot.h"
#include "mm/object_pool.h"
#include "mm/range_tree.h"

struct extent {                 /* guest frames that continue in both spaces */
	struct range_node node; /* in region.extents; first must stay the first member */
	pfn_t pfn;              /* backs node.first */
};

struct region {
	struct range_node node;     /* in vm_memory.regions */
	struct range_node *extents; /* cover the region without gaps */
	u32 flags;                  /* enum memslot_flags */
};

/* Where a gfn lives. */
struct backing {
	const struct region *region;
	const struct extent *extent;
};

struct vm_memory {
	l1_gfn_t max_gfn; /* constant */

	/*
	 * Protects all below. Held while a frame found here is accessed through a window or put
	 * into EPT01, so that a deletion cannot take it away meanwhile. Taken before the locks of
	 * the pools and of the windows.
	 */
	struct spinlock lock;
	struct range_node *regions;
	struct object_pool objects; /* regions and extents */
	struct backing last;        /* of the last lookup, NULLs after each update */
	struct ept ept01;
};

/* Find a gfn's backing: 0 or -ENOENT. Lock held. */
int vm_memory_find(struct vm_memory *memory, u64 gfn, struct backing *backing);
/*
 * Take a range out of EPT01 for good. Lock held. The frames behind it are free to use again on
 * return, so the CPUs that run the VM must be in root until then, and do INVEPT (ept01_generation)
 * before they enter it again.
 */
void ept01_zap(struct vm_memory *memory, u64 gfn, u64 pages);

/* The frame behind a gfn of the backing's extent. */
static inline pfn_t backing_pfn(const struct backing *backing, u64 gfn)
{
	return pfn_add(backing->extent->pfn, gfn - backing->extent->node.first);
}

#endif
