/* SPDX-License-Identifier: MIT */
/*
 * A fault under EPT02: EPT12 is walked without a lock, and what comes of it is published under the
 * lock, if nothing has changed since. Entries that a fault finds different in EPT12 from what EPT02
 * was made from take what was below them away.
 */
#include "mm/change.h"
#include "vmx/nested/ept02_impl.h"
#include "vmx/nested/ept_compose.h"

/* What of an EPT12 entry counts: not the bits that the CPU ignores, nor its flags. */
#define SEEN_BITS  (EPT_FRAME_MASK | BITS(7, 0))
#define SEEN_FLAGS (EPT_ACCESSED | EPT_DIRTY)

struct mapping {
	struct ept02 *pool;
	struct ept02_root *root;
	const struct ept12_walk *walk;
	struct ept01_translation to;
	u64 seq, invalidations; /* when the walk began */
};

/* EPT12's entry of this level, with the flags that the walk has set by now. */
static u64 entry_now(const struct mapping *map, u32 level)
{
	const struct ept12_walk *walk = map->walk;
	u64 value = walk->used[EPT_LEVEL_ROOT - level].value;

	if (!walk->has_flags)
		return value;
	value |= EPT_ACCESSED;
	return level == walk->level && walk->write ? value | EPT_DIRTY : value;
}

/* A flag that L1 took away must be set again by the next access. */
bool ept02_is_same(u64 seen, u64 now, bool has_flags)
{
	return !((seen ^ now) & SEEN_BITS) && !(has_flags && (seen & ~now & SEEN_FLAGS));
}

/* Large leaves over a page that becomes a table go: it is to be protected by itself. */
static void shadow(const struct mapping *map, struct ept02_table *table, u64 gfn,
		   struct ept02_zap *zap)
{
	zap->cause = EPT02_TABLE_INSIDE;
	ept02_zap_large(zap, gfn, 1);
	zap->cause = EPT02_EPT12_MOVED;
	ept02_table_shadow(map->pool, table, gfn);
}

/* The table below this entry; NULL: there is none left to make it of. */
static struct ept02_table *table_below(const struct mapping *map, struct ept02_table *table,
				       u32 index, struct ept02_zap *zap)
{
	u64 old = table->entries[index];
	u64 now = table->page ? entry_now(map, table->level) : 0;
	bool is_kept =
		ept_is_table(old, table->level) &&
		(!table->page || ept02_is_same(table->seen[index], now, map->walk->has_flags));
	struct ept02_table *below;

	table->seen[index] = is_kept ? now : table->seen[index];
	if (is_kept)
		return ept02_table_below(map->pool, old);
	below = ept02_table_new(map->pool, map->root, table->level - 1);
	if (!below)
		return NULL;
	ept02_entry_drop(zap, table, index);
	table->seen[index] = now;
	if (table->level > map->walk->level)
		shadow(map, below, ept_entry_pfn(now).raw, zap);
	else
		below->first = ALIGN_DOWN(map->to.gfn, ept_level_pages(table->level));
	ept02_table_link(table, index, below);
	return below;
}

static void set_leaf(const struct mapping *map, struct ept02_table *table,
		     const struct ept02_leaf *leaf, struct ept02_zap *zap)
{
	u32 index = ept_index(leaf->gfn.raw, table->level);
	u64 value = pfn_to_hpa(leaf->leaf.pfn).raw | leaf->leaf.bits |
		    (table->level == EPT_LEVEL_4K ? 0 : EPT_LEAF);
	u64 now = table->page ? entry_now(map, table->level) : 0;

	if (ept_is_leaf(table->entries[index], table->level) &&
	    !((table->seen[index] ^ now) & EPT_FRAME_MASK)) {
		table->seen[index] = now;
		ept02_leaf_alter(table, index, value);
		return;
	}
	ept02_entry_drop(zap, table, index);
	table->seen[index] = now;
	ept02_leaf_set(map->pool, table, index, value);
}

/* The largest leaf that both sides allow, up to a level. */
static struct ept02_leaf compose(const struct mapping *map, u32 level)
{
	u64 gfn = map->to.gfn;
	struct ept_leaf behind = ept01_leaf(&map->to.backing, gfn, level);
	struct ept01_page page = {
		.pfn = backing_pfn(&map->to.backing, gfn),
		.level = behind.level,
		.writable = behind.bits & EPT_WRITE,
		.type = (enum memory_type)((behind.bits & EPT_TYPE_MASK) >> EPT_TYPE_SHIFT),
	};

	return ept_compose(map->walk, &page);
}

/* L2 sees a table of EPT12 as a page: it writes to it like L1, and exits first. */
static void guard_table(const struct mapping *map, struct ept_leaf *leaf)
{
	struct ept02_page *page = ept02_page_find(map->pool, map->to.gfn);

	if (!page || !page->is_protected || !(leaf->bits & EPT_WRITE))
		return;
	if (map->walk->write)
		ept02_page_lift(map->pool, page);
	else
		leaf->bits &= ~EPT_WRITE;
}

/* False: no table is left. What has been made stays for the next try. No large leaf is made over a
 * table of EPT12; the tables on the way may be such themselves. */
static bool put_in_place(const struct mapping *map, struct ept02_zap *zap)
{
	struct ept02_table *table = map->root->table;
	struct ept02_leaf leaf;
	u32 level = map->walk->level;
	u64 pages;

	do {
		leaf = compose(map, level);
		while (table && table->level > leaf.leaf.level)
			table = table_below(map, table, ept_index(leaf.gfn.raw, table->level), zap);
		if (!table)
			return false;
		level = table->level - 1;
		pages = ept_level_pages(table->level);
	} while (level > 0 && ept02_pages_are_in(map->pool, ALIGN_DOWN(map->to.gfn, pages), pages));
	if (level == 0)
		guard_table(map, &leaf.leaf);
	set_leaf(map, table, &leaf, zap);
	return true;
}

static enum ept02_result publish(const struct mapping *map, struct ept02_zap *zap)
{
	struct ept02 *pool = map->pool;

	if (!change_allows(pool->memory, map->seq) || pool->invalidations != map->invalidations)
		return EPT02_BUSY;
	if (map->to.error || map->to.gfn == pool->avoid)
		return EPT02_EPT01_FAULT;
	while (!put_in_place(map, zap))
		if (!ept02_recycle(pool, zap))
			return EPT02_BUSY;
	return EPT02_MAPPED;
}

static enum ept02_result map_walk(struct mapping *map)
{
	struct ept02 *pool = map->pool;
	struct ept02_zap zap = { .pool = pool, .cause = EPT02_EPT12_MOVED };
	enum ept02_result result;

	ept01_translate(pool->memory, l1_gpa_to_l1_gfn(map->walk->to).raw, map->walk->write,
			&map->to);
	vm_memory_lock(pool->memory);
	result = publish(map, &zap);
	pool->counts.faults++;
	pool->counts.retries += result == EPT02_BUSY;
	vm_memory_unlock(pool->memory);
	ept02_zap_finish(&zap);
	return result;
}

enum ept02_result ept02_fault(struct ept02 *pool, struct ept02_root *root, const struct ept12 *ept,
			      struct ept02_fault *fault)
{
	struct mapping map = {
		.pool = pool,
		.root = root,
		.seq = change_snapshot(pool->memory),
		/* acquire: EPT12 is read after it; pairs with ept02_invept_* */
		.invalidations = __atomic_load_n(&pool->invalidations, __ATOMIC_ACQUIRE),
	};
	struct ept12_walk walk = ept12_translate(ept, &fault->access);

	ASSERT(ept02_root_is_for(root, ept->eptp));
	map.walk = &walk;
	fault->qualification = walk.qualification;
	if (walk.outcome == EPT12_VIOLATION)
		return EPT02_REFLECT_VIOLATION;
	if (walk.outcome == EPT12_MISCONFIGURATION)
		return EPT02_REFLECT_MISCONFIGURATION;
	fault->l1 = walk.to;
	return ept12_set_flags(ept, &walk) ? EPT02_BUSY : map_walk(&map);
}
