/* SPDX-License-Identifier: MIT */
/* The memory of one VM, for the files that implement it:
 * regions by gfn, their extents, and EPT01 over them. */
#ifndef MM_VM_MEMORY_H
#define MM_VM_MEMORY_H

#include "mm/ept.h"
#include "mm/memslot.h"
#include "mm/pfn_index.h"
#include "mm/pml.h"
#include "mm/protected_set.h"
#include "mm/range_tree.h"

struct extent {                 /* guest frames that continue in both spaces */
	struct range_node node; /* in region.extents; first counts from the region's first page */
	pfn_t pfn;              /* backs node.first */
};

enum extent_flags {
	EXTENT_FILLING = 1, /* its contents are on their way to it (mm/migrate.c) */
};

struct region {                     /* node.flags: enum memslot_flags */
	struct range_node node;     /* in vm_memory.regions */
	struct range_node *extents; /* cover it but for the pages that a balloon has taken */
};

static inline struct range_node *region_extents(const struct range_node *region)
{
	return ((const struct region *)region)->extents;
}

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
	bool exclusive;       /* one of them fills an extent, or takes a log: none goes or moves */
	struct range_node *logs; /* mm/dirty_log.h */
	struct taking *taking;   /* of one of them, under way; else NULL */
	struct pml pml;
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

/*
 * Find a gfn's backing: 0, -ENOENT, or -EAGAIN: its contents are not there yet, but will be when
 * the change has ended that is under way. In a reader section, in which it stays, or under the
 * lock.
 */
int vm_memory_find(struct vm_memory *memory, u64 gfn, struct backing *backing);

static inline bool vm_memory_has_room(const struct vm_memory *memory, u64 gfn, u64 pages)
{
	return gfn < memory->max_gfn.raw && pages <= memory->max_gfn.raw - gfn;
}

/*
 * Objects that stay free for updates that must not fail: whoever makes the trees grow leaves them.
 * The longest step is a migration's: three extents go, one comes, and their region is replaced.
 */
#define VM_MEMORY_RESERVE (6u * RANGE_EDIT_OBJECTS + 4)

/* Take the lock when the reserve is there; it may be in the grace period of other updates. */
void vm_memory_lock_with_reserve(struct vm_memory *memory);
/* The same, when nobody is exclusive: before an extent or a log goes, moves or is replaced. */
void vm_memory_lock_to_update(struct vm_memory *memory);
/* Let the edited tree be the regions. Lock held. */
void vm_memory_publish(struct vm_memory *memory, struct range_edit *edit);
/* A region that is to be published; the pool has an object for it. */
void vm_memory_insert_region(struct range_edit *edit, const struct memslot_info *info,
			     struct range_node *extents);
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
/* The largest block of frames that is aligned as its gfn and lies within so many pages from there
 * on; *order: at most, and then what it has. 0 or -ENOMEM. */
int extents_alloc_block(u64 gfn, u64 pages, unsigned int *order, pfn_t *first);
/* Frames that continue, whatever blocks they came in. */
void extents_free_frames(pfn_t first, u64 pages);

struct frame_run { /* pages of a region, counted from its first, and frames behind them */
	u64 at, pages;
	pfn_t first;
};

/*
 * Edits of a region's extents. Lock held, reserve there. The nodes that are replaced are retired.
 * Each returns the edited tree.
 */
/* Some pages of one extent lose their frames; run->first does not matter. */
struct range_node *extents_cut(struct vm_memory *memory, struct range_node *extents,
			       const struct frame_run *run);
/* Pages without frames get these: their extent grows together with those beside it that it
 * continues. */
struct range_node *extents_join(struct vm_memory *memory, struct range_node *extents,
				const struct frame_run *run);
/* Some pages of one extent get these frames, which are to be filled. */
struct range_node *extents_replace(struct vm_memory *memory, struct range_node *extents,
				   const struct frame_run *run);
/* They are filled: the extent at this page grows together as in extents_join. */
struct range_node *extents_settle(struct vm_memory *memory, struct range_node *extents, u64 at);

/* The largest leaf around gfn, up to a level, that this backing, the CPU and the host's memory
 * types allow, protection and logs aside (ept01_protected_leaf). */
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
/* Map the largest leaf, or return what ept01_check says. A write to a page that is logged is. */
int ept01_publish(struct vm_memory *memory, const struct ept01_translation *t);

/* Is the overlay's place among these pages? Lock held. */
static inline bool ept01_overlay_is_in(const struct vm_memory *memory, u64 gfn, u64 pages)
{
	return memory->overlay.exists && memory->overlay.gfn - gfn < pages;
}

/* Take a range out of EPT01. Lock held. Returns the tables that hung below, for ept_free_tables. */
u64 *ept01_zap(struct vm_memory *memory, u64 gfn, u64 pages);

#endif
