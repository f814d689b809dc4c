/* SPDX-License-Identifier: MIT */
/*
 * A leaf's way into EPT02. Entries that a walk finds different in EPT12 from what EPT02 was made
 * from take what was below them away. No large leaf is over a page that is a table of EPT12, so
 * that such a page can be protected by itself.
 */
#include "vmx/nested/ept02_impl.h"

/* What of an EPT12 entry counts: not the bits that the CPU ignores, nor its flags. */
#define SEEN_BITS  (EPT_FRAME_MASK | BITS(7, 0))
#define SEEN_FLAGS (EPT_ACCESSED | EPT_DIRTY)

/* A flag that L1 took away must be set again by the next access. */
bool ept02_is_same(u64 seen, u64 now, bool has_flags)
{
	return !((seen ^ now) & SEEN_BITS) && !(has_flags && (seen & ~now & SEEN_FLAGS));
}

/* EPT12's entry of this level, with the flags that the walk has set by now. */
static u64 entry_now(const struct ept02_mapping *map, u32 level)
{
	const struct ept12_walk *walk = map->walk;
	u64 value = walk->used[walk->used_count - 1 - (level - walk->level)].value;

	if (!walk->has_flags)
		return value;
	value |= EPT_ACCESSED;
	return level == walk->level && walk->write ? value | EPT_DIRTY : value;
}

static u64 gfn_of(const struct ept02_mapping *map)
{
	return l1_gpa_to_l1_gfn(map->walk->to).raw;
}

static void shadow(const struct ept02_mapping *map, struct ept02_table *table, u64 entry,
		   struct ept02_zap *zap)
{
	u64 gfn = ept_entry_pfn(entry).raw;

	zap->cause = EPT02_TABLE_INSIDE;
	ept02_zap_large(zap, gfn, 1);
	zap->cause = EPT02_EPT12_MOVED;
	ept02_table_shadow(map->pool, table, gfn);
	table->rights = entry & table->above->rights;
}

static struct ept02_table *make_below(const struct ept02_mapping *map, struct ept02_table *table,
				      u32 index, struct ept02_zap *zap)
{
	struct ept02_table *below = ept02_table_new(map->pool, map->root, table->level - 1);

	if (!below)
		return NULL;
	ept02_entry_drop(zap, table, index);
	if (table->page)
		table->seen[index] = entry_now(map, table->level);
	below->above = table;
	below->above_index = index;
	if (table->level > map->walk->level)
		shadow(map, below, table->seen[index], zap);
	else
		below->first = ALIGN_DOWN(gfn_of(map), ept_level_pages(table->level));
	ept02_table_link(below);
	return below;
}

/* The table below this entry; NULL: there is none left to make it of. */
static struct ept02_table *need_below(const struct ept02_mapping *map, struct ept02_table *table,
				      u32 index, struct ept02_zap *zap)
{
	u64 old = table->entries[index];

	if (!ept_is_table(old, table->level))
		return make_below(map, table, index, zap);
	if (table->page) {
		u64 now = entry_now(map, table->level);

		if (!ept02_is_same(table->seen[index], now, map->walk->has_flags))
			return make_below(map, table, index, zap);
		table->seen[index] = now;
	}
	return ept02_table_below(map->pool, old);
}

static inline void set_leaf(const struct ept02_mapping *map, struct ept02_table *table,
			    struct ept02_zap *zap, u64 value)
{
	u32 index = ept_index(l2_gpa_to_l2_gfn(map->walk->from).raw, table->level);
	u64 old = table->entries[index];
	u64 now = table->page ? entry_now(map, table->level) : 0;

	if (ept_is_leaf(old, table->level) && !((table->seen[index] ^ now) & EPT_FRAME_MASK)) {
		table->seen[index] = now;
		ept02_leaf_alter(table, index, value);
		return;
	}
	if (ept_is_present(old))
		ept02_entry_drop(zap, table, index);
	table->seen[index] = now;
	ept02_leaf_set(map->pool, table, index, value);
}

void ept02_map_in(const struct ept02_mapping *map, struct ept02_table *table, struct ept02_zap *zap)
{
	set_leaf(map, table, zap,
		 pfn_to_hpa(map->page.pfn).raw | ept_compose_bits(map->walk, &map->page));
}

/* The tables on the way down may be what the leaf would be over. */
bool ept02_map(const struct ept02_mapping *map, struct ept02_zap *zap)
{
	struct ept02_table *table = map->root->table;
	struct ept01_page page = map->page;
	struct ept02_leaf leaf;
	u64 pages;

	do {
		leaf = ept_compose(map->walk, &page);
		while (table && table->level > leaf.leaf.level)
			table = need_below(map, table, ept_index(leaf.gfn.raw, table->level), zap);
		if (!table)
			return false;
		pages = ept_level_pages(table->level);
		page.level = table->level - 1;
	} while (page.level > 0 &&
		 ept02_pages_are_in(map->pool, ALIGN_DOWN(gfn_of(map), pages), pages));
	set_leaf(map, table, zap,
		 pfn_to_hpa(leaf.leaf.pfn).raw | leaf.leaf.bits |
			 (table->level == EPT_LEVEL_4K ? 0 : EPT_LEAF));
	return true;
}
