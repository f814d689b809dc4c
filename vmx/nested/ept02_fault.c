/* SPDX-License-Identifier: MIT */
/*
 * A fault under EPT02: EPT12 is walked without the lock, and what comes of it is published under
 * the lock, if nothing has changed since. As a CPU does with its paging-structure caches, a walk
 * begins at the table that EPT02 has for the address already; where that leads nowhere, L1's tables
 * are walked from the root. A violation may be told before, once.
 */
#include "mm/change.h"
#include "mm/dirty_log.h"
#include "mm/ept01_protect.h"
#include "vmx/nested/ept02_impl.h"

struct attempt {
	struct ept02 *pool;
	struct ept02_root *root;
	struct ept12_table start; /* level 0: the walk begins at the root */
	u64 seq, invalidations;   /* before it began */
	bool is_closed;           /* the access is a write to a protected page */
};

static struct ept02_table *find_lowest(const struct ept02 *pool, struct ept02_root *root, u64 gfn)
{
	struct ept02_table *table = root->table;

	for (u32 level = EPT_LEVEL_ROOT; level > EPT_LEVEL_4K; level--) {
		u64 entry = table->entries[ept_index(gfn, level)];

		if (!ept_is_table(entry, level))
			return NULL;
		table = ept02_table_below(pool, entry);
	}
	if (!table->page)
		return NULL;
	root->recent = table;
	root->recent_block = gfn >> ept_level_order(EPT_LEVEL_2M);
	return table;
}

/* The table with the 4K leaves around this page, where it shadows one of EPT12; or NULL. */
static struct ept02_table *lowest_table(const struct ept02 *pool, struct ept02_root *root, u64 gfn)
{
	if (root->recent && root->recent_block == gfn >> ept_level_order(EPT_LEVEL_2M))
		return root->recent;
	return find_lowest(pool, root, gfn);
}

static void begin(struct attempt *try, struct ept02 *pool, struct ept02_root *root, l2_gpa_t gpa)
{
	const struct ept02_table *table = NULL;

	try->pool = pool;
	try->root = root;
	try->is_closed = false;
	try->start.level = 0;
	vm_memory_lock(pool->memory);
	try->seq = change_snapshot(pool->memory);
	try->invalidations = pool->invalidations;
	if (l2_gpa_to_l2_gfn(gpa).raw < EPT_GFN_END)
		table = lowest_table(pool, root, l2_gpa_to_l2_gfn(gpa).raw);
	if (table)
		try->start = (struct ept12_table){ l1_gfn_to_l1_gpa(l1_gfn(table->page->gfn)),
						   EPT_LEVEL_4K, table->rights };
	vm_memory_unlock(pool->memory);
}

/* What EPT01 has around the page, or would have, protection aside; NULL: nothing. seq is of now. */
static const struct ept02_behind *look_behind(struct ept02 *pool, u64 seq, u64 gfn)
{
	struct ept02_behind *behind = &pool->behind;
	struct backing backing;

	if (behind->seq == seq && gfn - behind->first < behind->pages)
		return behind;
	if (gfn == pool->avoid || vm_memory_find(pool->memory, gfn, &backing))
		return NULL;
	behind->seq = seq;
	behind->leaf = ept01_leaf(&backing, gfn, EPT_LEVEL_1G);
	behind->is_logged = (backing.flags & MEMSLOT_LOG_DIRTY) && (behind->leaf.bits & EPT_WRITE);
	if (behind->is_logged) /* the first write is to be seen */
		behind->leaf.bits &= ~EPT_WRITE;
	behind->pages = ept_level_pages(behind->leaf.level);
	behind->first = ALIGN_DOWN(gfn, behind->pages);
	return behind;
}

/* Where pages are protected, EPT02's leaves are as small as EPT01's. */
static struct ept01_page page_behind(const struct ept02 *pool, const struct ept02_behind *behind,
				     u64 gfn, u32 level)
{
	const struct vm_memory *memory = pool->memory;
	u64 bits = behind->leaf.bits;

	level = MIN(level, behind->leaf.level);
	while (level > EPT_LEVEL_4K &&
	       (protected_set_has(&memory->protected_pages, gfn, level) ||
		(pool->singles.in_use && protected_set_has(&pool->singles, gfn, level))))
		level--;
	return (struct ept01_page){
		.pfn = pfn_add(behind->leaf.pfn, gfn - behind->first),
		.level = level,
		.writable = (bits & EPT_WRITE) &&
			    (level > EPT_LEVEL_4K || !ept01_is_protected(memory, l1_gfn(gfn))),
		.type = (enum memory_type)((bits & EPT_TYPE_MASK) >> EPT_TYPE_SHIFT),
	};
}

/* A write that EPT02 has reason to stop: L1 may not write there; somebody is to be told first; or
 * it is logged, and then goes on. */
static enum ept02_result allow_write(struct attempt *try, const struct ept02_behind *behind,
				     u64 gfn, struct ept01_page *page)
{
	struct vm_memory *memory = try->pool->memory;

	if (!(behind->leaf.bits & EPT_WRITE) && !behind->is_logged)
		return EPT02_EPT01_FAULT;
	try->is_closed = ept01_is_protected(memory, l1_gfn(gfn));
	if (try->is_closed)
		return EPT02_BUSY;
	dirty_log_mark(memory, gfn);
	page->writable = true;
	return EPT02_MAPPED;
}

/* Put the leaf where the walk began, if that table still is what it was. */
static enum ept02_result map_in_table(const struct attempt *try,
				      const struct ept02_mapping *mapping, struct ept02_zap *zap)
{
	u64 gfn = l2_gpa_to_l2_gfn(mapping->walk->from).raw;
	struct ept02_table *table = lowest_table(try->pool, try->root, gfn);

	if (!table || l1_gfn_to_l1_gpa(l1_gfn(table->page->gfn)).raw != try->start.at.raw ||
	    table->rights != try->start.rights)
		return EPT02_BUSY;
	ept02_map_in(mapping, table, zap);
	return EPT02_MAPPED;
}

static enum ept02_result map(const struct attempt *try, const struct ept02_mapping *mapping,
			     struct ept02_zap *zap)
{
	if (likely(try->start.level))
		return map_in_table(try, mapping, zap);
	while (!ept02_map(mapping, zap))
		if (!ept02_recycle(try->pool, zap))
			return EPT02_BUSY;
	return EPT02_MAPPED;
}

static enum ept02_result publish(struct attempt *try, const struct ept12_walk *walk,
				 struct ept02_zap *zap)
{
	struct ept02 *pool = try->pool;
	u64 gfn = l1_gpa_to_l1_gfn(walk->to).raw;
	const struct ept02_behind *behind;
	struct ept02_mapping mapping;

	if (!change_allows(pool->memory, try->seq) || pool->invalidations != try->invalidations)
		return EPT02_BUSY;
	behind = look_behind(pool, try->seq, gfn);
	if (!behind)
		return EPT02_EPT01_FAULT;
	mapping.pool = pool;
	mapping.root = try->root;
	mapping.walk = walk;
	mapping.page = page_behind(pool, behind, gfn, walk->level);
	if (unlikely(walk->write && !mapping.page.writable)) {
		enum ept02_result result = allow_write(try, behind, gfn, &mapping.page);

		if (result != EPT02_MAPPED)
			return result;
	}
	return map(try, &mapping, zap);
}

static enum ept02_result finish(struct attempt *try, const struct ept12_walk *walk)
{
	struct ept02 *pool = try->pool;
	struct ept02_zap zap = { .pool = pool, .cause = EPT02_EPT12_MOVED };
	enum ept02_result result;

	vm_memory_lock(pool->memory);
	result = publish(try, walk, &zap);
	pool->counts.faults++;
	if (result == EPT02_BUSY)
		pool->counts.retries++;
	vm_memory_unlock(pool->memory);
	if (zap.out.tables)
		ept02_zap_finish(&zap);
	if (try->is_closed) /* whoever protects it lets go, and the next try finds it open */
		change_page_written(pool->memory, l1_gpa_to_l1_gfn(walk->to));
	return result;
}

static enum ept02_result walk_from(struct attempt *try, const struct ept12 *ept,
				   const struct ept12_table *start, struct ept02_fault *fault)
{
	struct ept12_walk walk;

	ept12_translate_from(ept, &fault->access, start, &walk);
	if (unlikely(walk.outcome != EPT12_OK)) {
		fault->qualification = walk.qualification;
		return walk.outcome == EPT12_VIOLATION ? EPT02_REFLECT_VIOLATION
						       : EPT02_REFLECT_MISCONFIGURATION;
	}
	fault->l1 = walk.to;
	if (walk.has_flags && ept12_set_flags(ept, &walk))
		return EPT02_BUSY;
	return finish(try, &walk);
}

/*
 * A violation by way of the known table is told once: as a CPU's paging-structure caches, the table
 * may be one that L1 has replaced without INVEPT. A CPU forgets those at a violation; here the
 * second violation at the address has L1's tables walked from the root.
 */
static bool is_first_told(struct ept02_root *root, l2_gpa_t gpa)
{
	bool is_first = root->told != gpa.raw + 1;

	root->told = gpa.raw + 1;
	return is_first;
}

enum ept02_result ept02_fault(struct ept02 *pool, struct ept02_root *root, const struct ept12 *ept,
			      struct ept02_fault *fault)
{
	struct ept12_table start;
	struct attempt try;

	ASSERT(root->key == ept02_key(ept->eptp));
	begin(&try, pool, root, fault->access.gpa);
	if (try.start.level) {
		enum ept02_result result = walk_from(&try, ept, &try.start, fault);

		if (result == EPT02_MAPPED || result == EPT02_BUSY)
			return result;
		if (result == EPT02_REFLECT_VIOLATION && is_first_told(root, fault->access.gpa))
			return result;
	}
	try.start.level = 0;
	start = ept12_root(ept, &fault->access);
	return walk_from(&try, ept, &start, fault);
}
