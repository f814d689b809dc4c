/* SPDX-License-Identifier: MIT */
/* A change of L1's memory takes away what EPT02 has of it: leaves that map the pages, and what was
 * made from EPT12 tables in them. */
#include "vmx/nested/ept02_impl.h"

static void zap_leaves(struct ept02_zap *zap, u64 gfn, u32 level)
{
	u32 number;

	while ((number = ept02_index_find(zap->pool, gfn, level, 0)) != 0) {
		struct ept02_leaf_at at = ept02_leaf_of(zap->pool, number);

		ept02_entry_drop(zap, at.table, at.index);
	}
}

/* A table that shadows this page, and that is not a root's that is empty already. */
static struct ept02_table *shadow_of(const struct ept02 *pool, u64 gfn)
{
	const struct ept02_page *page = ept02_page_find(pool, gfn);
	struct hlist_node *node = page ? page->tables.first : NULL;

	for (; node; node = node->next) {
		struct ept02_table *table = CONTAINER_OF(node, struct ept02_table, of_page);

		if (table->above || table->live)
			return table;
	}
	return NULL;
}

/* Tables that shadow the page go; a root's stays, empty. One may go with another, where L1's tables
 * lead to themselves. */
static void zap_page(struct ept02_zap *zap, u64 gfn)
{
	struct ept02_table *table;
	struct ept02_page *page;

	zap_leaves(zap, gfn, EPT_LEVEL_4K);
	while ((table = shadow_of(zap->pool, gfn)) != NULL) {
		if (table->above)
			ept02_entry_drop(zap, table->above, table->above_index);
		else
			ept02_table_clear(zap, table);
	}
	page = ept02_page_find(zap->pool, gfn);
	if (page)
		ept02_page_lift(zap->pool, page);
}

void ept02_zap_large(struct ept02_zap *zap, u64 gfn, u64 pages)
{
	for (u32 level = EPT_LEVEL_2M; level <= EPT_LEVEL_1G; level++) {
		u64 step = ept_level_pages(level);

		for (u64 at = ALIGN_DOWN(gfn, step); at < gfn + pages; at += step)
			zap_leaves(zap, at, level);
	}
}

void ept02_zap_l1(struct ept02 *pool, l1_gfn_t gfn, u64 pages, struct ept02_zapped *zapped)
{
	struct ept02_zap zap = { .pool = pool, .cause = EPT02_L1_CHANGED, .out = *zapped };
	u64 end = gfn.raw + pages;
	u64 block_pages = ept_level_pages(EPT_LEVEL_2M);

	pool->invalidations++;
	ept02_zap_large(&zap, gfn.raw, pages);
	for (u64 at = gfn.raw; at < end; at = ALIGN_DOWN(at, block_pages) + block_pages) {
		u64 block_end = MIN(end, ALIGN_DOWN(at, block_pages) + block_pages);

		for (u64 n = at; n < block_end && ept02_block_has_any(pool, n); n++)
			zap_page(&zap, n);
	}
	*zapped = zap.out;
}

void ept02_zap_end(struct ept02 *pool, struct ept02_zapped *zapped)
{
	if (!zapped->tables)
		return;
	vm_memory_lock(pool->memory);
	ept02_tables_free(pool, zapped->tables);
	vm_memory_unlock(pool->memory);
	*zapped = (struct ept02_zapped){ 0 };
}
