/* SPDX-License-Identifier: MIT */
/* Regions: two levels of range trees, regions by gfn and in each the extents that back it. Look-ups
 * take no lock. */
#include "hv/errno.h"
#include "mm/page.h"
#include "mm/vm_memory.h"
#include "mm/window.h"

_Static_assert(sizeof(struct region) <= OBJECT_BYTES, "a region fits an object");
_Static_assert(sizeof(struct vm_memory) <= PAGE_SIZE, "vm_memory is one page");
_Static_assert(sizeof(struct last_hit) * WINDOW_CPUS_MAX <= PAGE_SIZE, "so are the last hits");

static const char *const result_texts[] = {
	[MEMSLOT_OK] = "done",
	[MEMSLOT_EMPTY] = "has no pages",
	[MEMSLOT_WRAPS] = "passes the end of the physical address space",
	[MEMSLOT_OVERLAPS] = "overlaps another region",
	[MEMSLOT_MISSING] = "no region starts there",
	[MEMSLOT_NO_MEMORY] = "too little free memory",
	[MEMSLOT_BAD_FLAGS] = "has flags that do not exist",
	[MEMSLOT_IS_FIXED] = "is fixed",
	[MEMSLOT_HOLE] = "has pages that are not there",
	[MEMSLOT_PRESENT] = "has pages that are there",
	[MEMSLOT_LOGS_NOTHING] = "does not log writes",
	[MEMSLOT_TOO_LARGE] = "has more pages than the buffer has bits",
	[MEMSLOT_NO_BUFFER] = "has no buffer for its log",
};

const char *memslot_result_text(enum memslot_result result)
{
	ASSERT(result < ARRAY_SIZE(result_texts));
	return result_texts[result];
}

/* Itself, the last hits, EPT01's root, the caches' buckets, and the reserve of objects. */
#define PAGES_TO_CREATE (4 + ALIGN_UP(VM_MEMORY_RESERVE * OBJECT_BYTES, PAGE_SIZE) / PAGE_SIZE)

struct vm_memory *vm_memory_create(l1_gfn_t max_gfn)
{
	struct vm_memory *memory;

	if (page_free_count() < PAGES_TO_CREATE)
		return NULL;
	memory = page_alloc(0);
	memory->hits = page_alloc(0);
	memory->caches.buckets = page_alloc(0);
	memory->max_gfn = max_gfn;
	memory->generation = 1;
	ASSERT(!ept_init(&memory->ept01));
	ASSERT(!object_pool_reserve(&memory->objects, VM_MEMORY_RESERVE));
	return memory;
}

bool memslot_describe(const struct vm_memory *memory, u32 index, struct memslot_info *info)
{
	const struct range_node *node;

	epoch_read_begin();
	node = range_tree_nth(vm_memory_regions(memory), index);
	if (node)
		*info = (struct memslot_info){ l1_gfn(node->first), node->pages, node->flags };
	epoch_read_end();
	return node != NULL;
}

u32 memslot_count(const struct vm_memory *memory)
{
	u32 count;

	epoch_read_begin();
	count = range_tree_count(vm_memory_regions(memory));
	epoch_read_end();
	return count;
}

u64 memslot_generation(const struct vm_memory *memory)
{
	return __atomic_load_n(&memory->generation, __ATOMIC_ACQUIRE); /* pairs with publish() */
}

static int find_in_trees(const struct vm_memory *memory, u64 gfn, struct backing *backing)
{
	const struct range_node *region = range_tree_find(vm_memory_regions(memory), gfn);
	const struct range_node *extent;

	if (!region)
		return -ENOENT;
	extent = range_tree_find(region_extents(region), gfn - region->first);
	if (!extent)
		return -ENOENT;
	if (extent->flags & EXTENT_FILLING)
		return -EAGAIN;
	*backing = (struct backing){
		.first = region->first + extent->first,
		.pages = extent->pages,
		.pfn = ((const struct extent *)extent)->pfn,
		.flags = region->flags,
	};
	return 0;
}

/*
 * The last hit holds while the generation stands still. The generation is read before the trees, so
 * a hit that raced with an update carries the older one and is not used again once the update has
 * its own.
 */
int vm_memory_find(struct vm_memory *memory, u64 gfn, struct backing *backing)
{
	struct last_hit *hit = &memory->hits[THIS_CPU_FIELD(index)];
	u64 generation = memslot_generation(memory);
	int rc = 0;

	counter_inc(CTR_REGION_LOOKUPS);
	if (hit->generation != generation || gfn - hit->backing.first >= hit->backing.pages) {
		rc = find_in_trees(memory, gfn, &hit->backing);
		hit->generation = rc ? 0 : generation;
	}
	if (!rc)
		*backing = hit->backing;
	return rc;
}

int memslot_find(struct vm_memory *memory, l1_gfn_t gfn, struct memslot_frame *frame)
{
	struct backing backing;
	int rc;

	epoch_read_begin();
	rc = vm_memory_find(memory, gfn.raw, &backing);
	epoch_read_end();
	if (!rc) {
		frame->pfn = backing_pfn(&backing, gfn.raw);
		frame->run = backing.first + backing.pages - gfn.raw;
		frame->flags = backing.flags;
	}
	return rc;
}
