/* SPDX-License-Identifier: MIT */
/* The memory of one VM, for the files that implement it:
 * regions by gfn, their extents, and EPT01 over them. */
#ifndef MM_VM_MEMORY_H
#define MM_VM_MEMORY_H

#include "mm/ept.h"
#include "mm/memslot.h"
#include "mm/pfn_index.h"
#include "mm/protected_set.h"
#include "mm/range_tree.h"

struct extent {                 /* guest frames that continue in both spaces */
	struct range_node node; /* in region.extents; first counts from the region's first page */
	pfn_t pfn;              /* backs node.first */
};

struct region {                     /* node.flags: enum memslot_flags */
	struct range_node node;     /* in vm_memory.regions */
	struct range_node *extents; /* cover the region without gaps; never change */
};

/* Where a gfn lives: a copy of its extent's facts, good until the next update takes it away. */
struct backing {
	u64 first, pages; /* the extent in gfns */
	pfn_t pfn;        /* backs first */
	u32 flags;        /* of the region */
};

struct last_hit {
	u64 generation; /* 0: none */
	struct backing backing;
};

struct overlay { /* mm/ept01_overlay.c */
	bool exists;
	u32 hidden; /* by so many; there while 0 */
	u64 gfn;
	pfn_t pfn;
};

struct vm_memory {
	l1_gfn_t max_gfn;      /* constant */
	struct last_hit *hits; /* by CPU, each its own; the pointer is constant */

	/* Read without the lock, in reader sections; written under it. */
	struct range_node *regions; /* acquire, pairs with range_edit_publish */
	u64 generation;             /* memslot_generation */

	struct epoch_queue retired; /* nodes of regions; has its own lock */
	struct object_pool objects; /* regions and extents; allocated from under the lock */
	u64 cpus;                   /* mm/change.h: may run the VM; atomic, see change_cpu_joins */

	struct spinlock lock; /* for all writes above, and protects what follows */
	u64 seq;              /* changes that have ended; read without the lock by snapshots */
	u32 active;           /* changes under way */
	struct ept ept01;
	struct overlay overlay;
	struct pfn_index caches;
	struct protected_set protected_pages; /* mm/ept01_protect.h */
	bool writers_pending; /* some held a page while it was protected, and may still */
};

static inline void vm_memory_lock(struct vm_memory *memory)
{
	epoch_assert_quiescent();
	spin_lock(&memory->lock);
}

static inline void vm_memory_unlock(struct vm_memory *memory)
{
	spin_unlock(&memory->lock);
}

/* The tree of regions as it is now; in a reader section, or under the lock. */
static inline const struct range_node *vm_memory_regions(const struct vm_memory *memory)
{
	return __atomic_load_n(&memory->regions, __ATOMIC_ACQUIRE);
}

/* Find a gfn's backing: 0 or -ENOENT. In a reader section, in which it stays, or under the lock. */
int vm_memory_find(struct vm_memory *memory, u64 gfn, struct backing *backing);

/* Objects that additions leave: what two insertions or removals and a node may need. */
#define VM_MEMORY_RESERVE (2u * RANGE_EDIT_OBJECTS + 1)

/* Free a node of either tree (epoch_item.free). */
void vm_memory_free_node(struct epoch_queue *queue, struct epoch_item *item);

/* The frame behind a gfn of the backing. */
static inline pfn_t backing_pfn(const struct backing *backing, u64 gfn)
{
	return pfn_add(backing->pfn, gfn - backing->first);
}

/* Allocate frames for a region; lock held. 0 or -ENOMEM, and then nothing is taken. */
int extents_create(struct vm_memory *memory, u64 gfn, u64 pages, struct range_node **extents);
/* Give the frames and the nodes back; nobody uses them any more. */
void extents_free(struct vm_memory *memory, struct range_node *extents);

/* The largest leaf around gfn, up to a level, that this backing, the CPU and the host's memory
 * types allow, protection aside (ept01_protected_leaf). */
struct ept_leaf ept01_leaf(const struct backing *backing, u64 gfn, u32 level);

/* Lock held, and the backing is still so: put the largest leaf around gfn that may be there now
 * into EPT01. 0 or -ENOMEM; *next = the first gfn after the leaf. */
int ept01_map_leaf(struct vm_memory *memory, const struct backing *backing, u64 gfn, u64 *next);

/* A look-up that EPT01 may be given, if nothing changes in between. */
struct ept01_translation {
	u64 seq; /* when it was made */
	u64 gfn;
	bool write;
	int error; /* as ept01_fault returns it */
	struct backing backing;
};
void ept01_translate(struct vm_memory *memory, u64 gfn, bool write, struct ept01_translation *t);
/* Lock held: 0, a leaf may be made of it now; -EBUSY: it may be out of date; -EACCES: a write to a
 * protected page; or the translation's error. */
int ept01_check(const struct vm_memory *memory, const struct ept01_translation *t);
/* Map the largest leaf, or return what ept01_check says. */
int ept01_publish(struct vm_memory *memory, const struct ept01_translation *t);

/* Is the overlay's place among these pages? Lock held. */
static inline bool ept01_overlay_is_in(const struct vm_memory *memory, u64 gfn, u64 pages)
{
	return memory->overlay.exists && memory->overlay.gfn - gfn < pages;
}

/* Take a range out of EPT01. Lock held. Returns the tables that hung below, for ept_free_tables. */
u64 *ept01_zap(struct vm_memory *memory, u64 gfn, u64 pages);

#endif
