/* SPDX-License-Identifier: MIT */
/*
 * What of L1's memory EPT02 uses, by gfn: leaves, and the EPT12 table pages that are shadowed. A
 * leaf's links belong to its entry, so the index never lacks memory. Leaves of 4K and pages are
 * counted by blocks of 2M too, so that a look at many pages skips what is empty.
 */
#include "vmx/nested/ept02_impl.h"

#define LEVEL_BITS 2 /* of a bucket's key: the leaf's level */

static u32 leaf_number(const struct ept02 *pool, const struct ept02_table *table, u32 index)
{
	return (u32)(table - pool->tables) * EPT_ENTRIES + index + 1;
}

struct ept02_leaf_at ept02_leaf_of(const struct ept02 *pool, u32 number)
{
	return (struct ept02_leaf_at){ &pool->tables[(number - 1) / EPT_ENTRIES],
				       (number - 1) % EPT_ENTRIES };
}

static struct ept02_link *link_of(const struct ept02 *pool, u32 number)
{
	struct ept02_leaf_at at = ept02_leaf_of(pool, number);

	return &at.table->links[at.index];
}

u64 ept02_leaf_gfn(const struct ept02_table *table, u32 index)
{
	if (!table->page)
		return table->first + index * ept_level_pages(table->level);
	return ept_entry_pfn(table->seen[index]).raw; /* L1's: it is EPT12's entry */
}

static u32 *bucket_of(const struct ept02 *pool, u64 gfn, u32 level)
{
	return &pool->leaves[ept02_hash(pool, gfn << LEVEL_BITS | level)];
}

static u32 *block_of(const struct ept02 *pool, u64 gfn)
{
	return &pool->blocks[ept02_hash(pool, gfn >> ept_level_order(EPT_LEVEL_2M))];
}

bool ept02_block_has_any(const struct ept02 *pool, u64 gfn)
{
	return *block_of(pool, gfn) > 0;
}

void ept02_index_add(struct ept02 *pool, struct ept02_table *table, u32 index)
{
	u64 gfn = ept02_leaf_gfn(table, index);
	u32 *bucket = bucket_of(pool, gfn, table->level);
	u32 number = leaf_number(pool, table, index);

	table->links[index] = (struct ept02_link){ .next = *bucket };
	if (*bucket)
		link_of(pool, *bucket)->previous = number;
	*bucket = number;
	if (table->level == EPT_LEVEL_4K)
		++*block_of(pool, gfn);
}

void ept02_index_remove(struct ept02 *pool, struct ept02_table *table, u32 index)
{
	u64 gfn = ept02_leaf_gfn(table, index);
	struct ept02_link *link = &table->links[index];

	if (link->next)
		link_of(pool, link->next)->previous = link->previous;
	if (link->previous)
		link_of(pool, link->previous)->next = link->next;
	else
		*bucket_of(pool, gfn, table->level) = link->next;
	if (table->level == EPT_LEVEL_4K)
		--*block_of(pool, gfn);
}

u32 ept02_index_find(const struct ept02 *pool, u64 gfn, u32 level, u32 after)
{
	u32 number = after ? link_of(pool, after)->next : *bucket_of(pool, gfn, level);

	while (number) {
		struct ept02_leaf_at at = ept02_leaf_of(pool, number);

		if (at.table->level == level && ept02_leaf_gfn(at.table, at.index) == gfn)
			break;
		number = at.table->links[at.index].next;
	}
	return number;
}

struct ept02_page *ept02_page_find(const struct ept02 *pool, u64 gfn)
{
	struct hlist_node *node = pool->pages[ept02_hash(pool, gfn)].first;

	while (node && CONTAINER_OF(node, struct ept02_page, of_gfn)->gfn != gfn)
		node = node->next;
	return node ? CONTAINER_OF(node, struct ept02_page, of_gfn) : NULL;
}

struct ept02_page *ept02_page_make(struct ept02 *pool, u64 gfn)
{
	struct ept02_page *page = ept02_page_find(pool, gfn);

	if (page)
		return page;
	/* There are as many as tables, and each shadows one at most. */
	ASSERT(pool->free_pages.first);
	page = CONTAINER_OF(pool->free_pages.first, struct ept02_page, of_gfn);
	hlist_remove(&page->of_gfn);
	*page = (struct ept02_page){ .gfn = gfn };
	hlist_push(&pool->pages[ept02_hash(pool, gfn)], &page->of_gfn);
	++*block_of(pool, gfn);
	return page;
}

void ept02_page_drop(struct ept02 *pool, struct ept02_page *page)
{
	if (page->is_protected)
		pool->ops->unprotect(pool->ops->context, l1_gfn(page->gfn));
	hlist_remove(&page->of_gfn);
	--*block_of(pool, page->gfn);
	hlist_push(&pool->free_pages, &page->of_gfn);
}

bool ept02_pages_are_in(const struct ept02 *pool, u64 gfn, u64 pages)
{
	u64 step = ept_level_pages(EPT_LEVEL_2M);

	for (u64 at = gfn; at < gfn + pages; at += step)
		for (u64 n = at; n < at + step && ept02_block_has_any(pool, n); n++)
			if (ept02_page_find(pool, n))
				return true;
	return false;
}
