/* SPDX-License-Identifier: MIT */
/* EPT edits. ept_set is the only way to an entry that hardware can see;
 * it keeps the counts and the flush generation. */
#include "mm/ept.h"
#include "hv/errno.h"
#include "hv/panic.h"
#include "mm/ept_iter.h"
#include "mm/page.h"
#include "mm/walker.h"

/* A table allows all; its leaves restrict. Hardware need not write to it. */
#define TABLE_BITS (EPT_ACCESS_MASK | EPT_ACCESSED)

static u64 *table_of(u64 entry)
{
	return page_from_hpa(pfn_to_hpa(ept_entry_pfn(entry)));
}

static u64 table_entry(const u64 *table)
{
	return page_to_hpa(table).raw | TABLE_BITS;
}

static u64 leaf_entry(const struct ept_leaf *leaf)
{
	return pfn_to_hpa(leaf->pfn).raw | leaf->bits |
	       (leaf->level == EPT_LEVEL_4K ? 0 : EPT_LEAF);
}

static void count_entry(struct ept *ept, u32 level, u64 entry, u64 delta)
{
	if (ept_is_leaf(entry, level))
		ept->leaves[level] += delta;
	else if (ept_is_present(entry))
		ept->tables += delta;
}

static void ept_set(struct ept *ept, u64 *slot, u32 level, u64 value)
{
	u64 old = *slot;

	count_entry(ept, level, old, -1ULL);
	count_entry(ept, level, value, 1);
	walker_store(slot, value);
	if (ept_is_present(old)) /* release: pairs with ept_generation */
		__atomic_store_n(&ept->flush_generation, ept->flush_generation + 1,
				 __ATOMIC_RELEASE);
}

int ept_init(struct ept *ept)
{
	*ept = (struct ept){ .root = page_alloc(0), .tables = 1, .flush_generation = 1 };
	return ept->root ? 0 : -ENOMEM;
}

/* Put a table that no entry points to any more, and all below it, on the list of retired ones. */
static void retire(struct ept *ept, u64 *table, u32 level)
{
	for (u32 i = 0; i < EPT_ENTRIES; i++) {
		count_entry(ept, level, table[i], -1ULL);
		if (ept_is_table(table[i], level))
			retire(ept, table_of(table[i]), level - 1);
	}
	/* The link is a page's address: a walker that still holds
	 * this table takes it for an entry that is not present. */
	walker_store(table, (u64)(uintptr_t)ept->retired);
	ept->retired = table;
}

u64 *ept_take_retired(struct ept *ept)
{
	u64 *tables = ept->retired;

	ept->retired = NULL;
	return tables;
}

void ept_free_tables(u64 *tables)
{
	while (tables) {
		u64 *table = tables;

		tables = (u64 *)(uintptr_t)table[0];
		page_free(table, 0);
	}
}

void ept_destroy(struct ept *ept)
{
	retire(ept, ept->root, EPT_LEVEL_ROOT);
	ept_free_tables(ept_take_retired(ept));
	*ept = (struct ept){ 0 };
}

/* Replace an entry; what hung below it is retired. */
static void replace(struct ept *ept, u64 *slot, u32 level, u64 value)
{
	u64 old = *slot;

	ept_set(ept, slot, level, value);
	if (ept_is_table(old, level))
		retire(ept, table_of(old), level - 1);
}

/*
 * Put a table of next smaller leaves with the same translation in a large leaf's place.
 * Accessed and dirty are set in all: hardware may set them in the large leaf
 * until the store, and no dirty page may be lost.
 */
static int split_leaf(struct ept *ept, u64 *slot, u32 level)
{
	u64 *table = page_alloc(0);
	u64 old = *slot;
	struct ept_leaf leaf = {
		.level = level - 1,
		.pfn = ept_entry_pfn(old),
		.bits = (old & ~EPT_FRAME_MASK & ~EPT_LEAF) | EPT_ACCESSED | EPT_DIRTY,
	};

	ASSERT(level > EPT_LEVEL_4K);
	if (!table)
		return -ENOMEM;
	for (u32 i = 0; i < EPT_ENTRIES; i++) {
		table[i] = leaf_entry(&leaf);
		leaf.pfn = pfn_add(leaf.pfn, ept_level_pages(leaf.level));
	}
	ept->leaves[leaf.level] += EPT_ENTRIES;
	ept_set(ept, slot, level, table_entry(table));
	return 0;
}

/* Make the entry of this level point to a table that translates as it did. */
static int need_table(struct ept *ept, u64 *slot, u32 level)
{
	u64 *table;

	if (ept_is_leaf(*slot, level))
		return split_leaf(ept, slot, level);
	if (ept_is_present(*slot))
		return 0;
	table = page_alloc(0);
	if (!table)
		return -ENOMEM;
	ept_set(ept, slot, level, table_entry(table));
	return 0;
}

int ept_map(struct ept *ept, u64 gfn, const struct ept_leaf *leaf)
{
	u64 value = leaf_entry(leaf);
	u64 *table = ept->root;
	u64 *slot;

	ASSERT(leaf->level >= EPT_LEVEL_4K && leaf->level <= EPT_LEVEL_1G && gfn < EPT_GFN_END);
	ASSERT(IS_ALIGNED(gfn | leaf->pfn.raw, ept_level_pages(leaf->level)));
	for (u32 level = EPT_LEVEL_ROOT; level > leaf->level; level--) {
		int rc;

		slot = &table[ept_index(gfn, level)];
		rc = need_table(ept, slot, level);
		if (rc)
			return rc;
		table = table_of(*slot);
	}
	slot = &table[ept_index(gfn, leaf->level)];
	if (((*slot ^ value) & ~(EPT_ACCESSED | EPT_DIRTY)) != 0)
		replace(ept, slot, leaf->level, value);
	return 0;
}

void ept_unmap(struct ept *ept, u64 gfn, u64 pages)
{
	struct ept_iter it;
	u64 end = gfn + pages;

	for (ept_iter_start(&it, ept->root, gfn, end); it.slot; ept_iter_next(&it)) {
		if (!ept_is_present(it.value))
			continue;
		if (it.gfn >= gfn && it.gfn + ept_level_pages(it.level) <= end)
			replace(ept, it.slot, it.level, 0);
		else if (ept_is_leaf(it.value, it.level) && split_leaf(ept, it.slot, it.level))
			replace(ept, it.slot, it.level, 0);
	}
}

int ept_split(struct ept *ept, u64 gfn, u32 level)
{
	struct ept_iter it;
	int rc = -ENOENT;

	for (ept_iter_start(&it, ept->root, gfn, gfn + 1); it.slot; ept_iter_next(&it)) {
		if (!ept_is_leaf(it.value, it.level))
			continue;
		rc = it.level > level ? split_leaf(ept, it.slot, it.level) : 0;
		if (rc)
			break;
	}
	return rc;
}

/* Of an entry that has both flags hardware sets nothing, so a store loses nothing. */
void ept_clean(struct ept *ept, u64 gfn)
{
	const u64 flags = EPT_ACCESSED | EPT_DIRTY;
	struct ept_iter it;

	for (ept_iter_start(&it, ept->root, gfn, gfn + 1); it.slot; ept_iter_next(&it)) {
		if (!ept_is_leaf(it.value, it.level) || !(it.value & EPT_DIRTY))
			continue;
		ASSERT(it.level == EPT_LEVEL_4K && (it.value & flags) == flags);
		ept_set(ept, it.slot, it.level, it.value & ~EPT_DIRTY);
	}
}

int ept_lookup(const struct ept *ept, u64 gfn, struct ept_leaf *leaf)
{
	struct ept_iter it;

	for (ept_iter_start(&it, ept->root, gfn, gfn + 1); it.slot; ept_iter_next(&it)) {
		if (!ept_is_leaf(it.value, it.level))
			continue;
		leaf->level = it.level;
		leaf->pfn = ept_entry_pfn(it.value);
		leaf->bits = it.value & ~EPT_FRAME_MASK & ~EPT_LEAF;
		return 0;
	}
	return -ENOENT;
}

u64 ept_generation(const struct ept *ept)
{
	/* acquire: pairs with ept_set; an INVEPT after this
	 * load covers all edits that the value counts. */
	return __atomic_load_n(&ept->flush_generation, __ATOMIC_ACQUIRE);
}
