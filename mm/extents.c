/* SPDX-License-Identifier: MIT */
/* What backs a region: guest frames in blocks as large as can be had. Extents count from their
 * region's first page, so they move with it. */
#include "hv/errno.h"
#include "mm/frame_pool.h"
#include "mm/page.h"
#include "mm/vm_memory.h"

_Static_assert(sizeof(struct extent) <= OBJECT_BYTES, "an extent fits an object");

static const struct extent *to_extent(const struct range_node *node)
{
	return (const struct extent *)node;
}

/* A new extent of an edit, or NULL. */
static struct extent *put(struct range_edit *edit, const struct frame_run *run, u32 flags)
{
	struct range_node *node = range_edit_new(edit);
	struct extent *extent;

	if (!node)
		return NULL;
	extent = CONTAINER_OF(node, struct extent, node);
	node->first = run->at;
	node->pages = run->pages;
	node->flags = flags;
	extent->pfn = run->first;
	range_edit_insert(edit, node);
	return extent;
}

/* Extents in the making. */
struct plan {
	struct range_edit edit;
	struct extent *last;
};

/* Back pages that continue in both spaces, as part of the last extent where they continue it. */
static int add_extent(struct plan *plan, const struct frame_run *run)
{
	struct extent *extent = plan->last;

	if (extent && pfn_add(extent->pfn, extent->node.pages).raw == run->first.raw) {
		extent->node.pages += run->pages;
		return 0;
	}
	if (range_tree_count(plan->edit.root) >= RANGE_TREE_MAX)
		return -ENOMEM;
	plan->last = put(&plan->edit, run, 0);
	return plan->last ? 0 : -ENOMEM;
}

/* The largest block that starts at this page number, aligned to its size, within so many pages. */
static unsigned int block_order(u64 at, u64 pages)
{
	unsigned int order = 63u - (unsigned int)__builtin_clzll(pages);

	if (at)
		order = MIN(order, (unsigned int)__builtin_ctzll(at));
	return MIN(order, FRAME_ORDER_MAX);
}

/*
 * Blocks as large and aligned as the gfn, so that gfn and frame agree below the block's size and
 * EPT01 gets a large leaf wherever there is a large block.
 */
int extents_alloc_block(u64 gfn, u64 pages, unsigned int *order, pfn_t *first)
{
	*order = MIN(block_order(gfn, pages), *order);
	while (guest_frame_alloc(*order, first)) {
		if (*order == 0)
			return -ENOMEM;
		--*order;
	}
	return 0;
}

static int allocate(struct plan *plan, u64 gfn, u64 pages)
{
	unsigned int ceiling = FRAME_ORDER_MAX; /* larger blocks have run out */
	struct frame_run run = { .at = 0 };

	for (; run.at < pages; run.at += run.pages) {
		unsigned int wanted = MIN(block_order(gfn + run.at, pages - run.at), ceiling);
		unsigned int order = ceiling;

		if (extents_alloc_block(gfn + run.at, pages - run.at, &order, &run.first))
			return -ENOMEM;
		if (order < wanted)
			ceiling = order;
		run.pages = BIT(order);
		if (add_extent(plan, &run)) {
			guest_frame_free(run.first, order);
			return -ENOMEM;
		}
	}
	return 0;
}

int extents_create(struct vm_memory *memory, u64 gfn, u64 pages, struct range_node **extents)
{
	struct plan plan = { 0 };
	int rc;

	range_edit_begin(&plan.edit, NULL, &memory->objects);
	rc = allocate(&plan, gfn, pages);
	range_edit_publish(&plan.edit, extents, &memory->retired, vm_memory_free_node);
	if (rc)
		extents_free(memory, *extents);
	return rc;
}

void extents_free_frames(pfn_t first, u64 pages)
{
	while (pages) {
		unsigned int order = block_order(first.raw, pages);

		guest_frame_free(first, order);
		first = pfn_add(first, BIT(order));
		pages -= BIT(order);
	}
}

static void free_extent(struct range_node *node, void *context)
{
	struct vm_memory *memory = context;

	extents_free_frames(to_extent(node)->pfn, node->pages);
	object_free(&memory->objects, node);
}

void extents_free(struct vm_memory *memory, struct range_node *extents)
{
	range_tree_walk(extents, free_extent, memory);
}

/* The edited extents, to be published with their region. */
static struct range_node *publish(struct vm_memory *memory, struct range_edit *edit)
{
	struct range_node *extents;

	range_edit_publish(edit, &extents, &memory->retired, vm_memory_free_node);
	return extents;
}

/* Pages of one extent lose their frames; what is beside them keeps its own. */
static void cut(struct range_edit *edit, const struct frame_run *run)
{
	const struct extent *old = to_extent(range_tree_find(edit->root, run->at));
	const u64 start = old->node.first, end = start + old->node.pages;
	const struct frame_run before = { start, run->at - start, old->pfn };
	const struct frame_run after = { run->at + run->pages, end - run->at - run->pages,
					 pfn_add(old->pfn, run->at + run->pages - start) };

	range_edit_remove(edit, start);
	if (before.pages)
		put(edit, &before, 0);
	if (after.pages)
		put(edit, &after, 0);
}

/* Pages that no extent has get frames: an extent that grows together with those beside it that it
 * continues in both spaces. */
static void join(struct range_edit *edit, struct frame_run run)
{
	const struct range_node *left = run.at ? range_tree_find(edit->root, run.at - 1) : NULL;
	const struct range_node *right = range_tree_find(edit->root, run.at + run.pages);

	if (right && to_extent(right)->pfn.raw == pfn_add(run.first, run.pages).raw) {
		run.pages += right->pages;
		range_edit_remove(edit, right->first);
	}
	if (left && pfn_add(to_extent(left)->pfn, left->pages).raw == run.first.raw) {
		run.at = left->first;
		run.pages += left->pages;
		run.first = to_extent(left)->pfn;
		range_edit_remove(edit, run.at);
	}
	put(edit, &run, 0);
}

struct range_node *extents_cut(struct vm_memory *memory, struct range_node *extents,
			       const struct frame_run *run)
{
	struct range_edit edit;

	range_edit_begin(&edit, extents, &memory->objects);
	cut(&edit, run);
	return publish(memory, &edit);
}

struct range_node *extents_join(struct vm_memory *memory, struct range_node *extents,
				const struct frame_run *run)
{
	struct range_edit edit;

	range_edit_begin(&edit, extents, &memory->objects);
	join(&edit, *run);
	return publish(memory, &edit);
}

struct range_node *extents_replace(struct vm_memory *memory, struct range_node *extents,
				   const struct frame_run *run)
{
	struct range_edit edit;

	range_edit_begin(&edit, extents, &memory->objects);
	cut(&edit, run);
	put(&edit, run, EXTENT_FILLING);
	return publish(memory, &edit);
}

struct range_node *extents_settle(struct vm_memory *memory, struct range_node *extents, u64 at)
{
	const struct extent *extent = to_extent(range_tree_find(extents, at));
	struct range_edit edit;

	range_edit_begin(&edit, extents, &memory->objects);
	range_edit_remove(&edit, at);
	join(&edit, (struct frame_run){ at, extent->node.pages, extent->pfn });
	return publish(memory, &edit);
}
