/* SPDX-License-Identifier: MIT */
/*
 * After L1's INVEPT its CPU has nothing cached until L2 runs on it again. So INVEPT only counts,
 * and the next entry reads EPT12: what L1 changes after the INVEPT is seen as well. It reads only
 * those tables that may have changed. A table starts unsync. Its page is protected against writes,
 * it is read, and it is sync; the first write lifts the protection, and it is unsync again. Each
 * root has its own list, since an INVEPT is for one root.
 *
 *     unsync ── entry after INVEPT: protect, kick, compare ──► sync
 *        ▲                                                      │
 *        └──────────── first write by L1, L2 or L0 ─────────────┘
 *
 * A CPU may write to the page until the kick, from its TLB: so a table is sync only if the page was
 * protected before a kick that has ended, and stayed so.
 */
#include "vmx/nested/ept02_impl.h"
#include "mm/window.h"

void ept02_page_lift(struct ept02 *pool, struct ept02_page *page)
{
	if (!page->is_protected)
		return;
	page->is_protected = false;
	pool->counts.unsync_marks++;
	pool->ops->unprotect(pool->ops->context, l1_gfn(page->gfn));
	for (struct hlist_node *node = page->tables.first; node; node = node->next) {
		struct ept02_table *table = CONTAINER_OF(node, struct ept02_table, of_page);

		if (!hlist_has(&table->unsync))
			hlist_push(&table->root->unsync, &table->unsync);
	}
}

bool ept02_table_written(struct ept02 *pool, l1_gfn_t gfn)
{
	struct ept02_page *page;

	vm_memory_lock(pool->memory);
	page = ept02_page_find(pool, gfn.raw);
	if (page)
		ept02_page_lift(pool, page);
	vm_memory_unlock(pool->memory);
	return page;
}

/* Nobody writes to the page any more, once the CPUs have been called out. Large leaves are never
 * over it. */
static void protect(struct ept02 *pool, struct ept02_page *page)
{
	u32 number = 0;

	if (page->is_protected || pool->ops->protect(pool->ops->context, l1_gfn(page->gfn)))
		return;
	page->is_protected = true;
	page->protected_at = ++pool->protections;
	while ((number = ept02_index_find(pool, page->gfn, EPT_LEVEL_4K, number)) != 0) {
		struct ept02_leaf_at at = ept02_leaf_of(pool, number);

		ept02_leaf_alter(at.table, at.index, at.table->entries[at.index] & ~EPT_WRITE);
	}
}

/* An entry of EPT12 that is not what was seen. Where L1 only took the dirty flag away, the next
 * write must fault and no more. */
static void take_over(struct ept02_zap *zap, struct ept02_table *table, u32 i, u64 now)
{
	u64 seen = table->seen[i], entry = table->entries[i];
	bool has_flags = table->root->key & EPTP_AD_ENABLE;

	if (ept_is_present(entry) && !ept02_is_same(seen, now, has_flags)) {
		if (ept02_is_same(seen & ~EPT_DIRTY, now, has_flags) &&
		    ept_is_leaf(entry, table->level))
			ept02_leaf_alter(table, i, entry & ~EPT_WRITE);
		else
			ept02_entry_drop(zap, table, i);
	}
	table->seen[i] = now;
}

#define STRIDE 8u /* entries that are compared at once */

static u64 differ(const u64 *seen, const volatile u64 *now)
{
	return (seen[0] ^ now[0]) | (seen[1] ^ now[1]) | (seen[2] ^ now[2]) | (seen[3] ^ now[3]) |
	       (seen[4] ^ now[4]) | (seen[5] ^ now[5]) | (seen[6] ^ now[6]) | (seen[7] ^ now[7]);
}

static void compare(struct ept02_zap *zap, struct ept02_table *table, const volatile u64 *now)
{
	for (u32 i = 0; i < EPT_ENTRIES; i += STRIDE) {
		if (likely(!differ(&table->seen[i], &now[i])))
			continue;
		for (u32 n = i; n < i + STRIDE; n++)
			take_over(zap, table, n, now[n]);
	}
}

/* False: the table stays unsync. */
static bool resync(struct ept02_zap *zap, struct ept02_table *table)
{
	struct ept02 *pool = zap->pool;
	const struct ept02_page *page = table->page;
	struct backing backing;

	pool->counts.resyncs++;
	if (vm_memory_find(pool->memory, page->gfn, &backing)) {
		/* Tables that are nobody's memory but the reader's own can be protected, and then
		 * nobody writes to them; else L1 has no memory there any more. */
		if (!page->is_protected)
			ept02_table_clear(zap, table);
	} else {
		u64 *now = window_map(backing_pfn(&backing, page->gfn), WINDOW_READ);

		compare(zap, table, now);
		window_unmap(now);
	}
	return page->is_protected && page->protected_at <= pool->settled;
}

/* Lock held. Tables from which nothing was made need no look. True: CPUs are to be called out
 * before the others are read. */
static bool protect_all(struct ept02 *pool, const struct ept02_root *root)
{
	bool is_any = false;

	for (struct hlist_node *node = root->unsync.first; node; node = node->next) {
		const struct ept02_table *table = CONTAINER_OF(node, struct ept02_table, unsync);

		if (!table->live)
			continue;
		protect(pool, table->page);
		is_any = true;
	}
	return is_any && pool->protections > pool->settled;
}

/* Tables below an entry that is dropped leave the list by themselves, whichever it is. Those that
 * became unsync during the kick are read too, and stay so. */
static void read_all(struct ept02_zap *zap, struct ept02_root *root)
{
	struct hlist again = { 0 };
	struct hlist_node *node;

	while ((node = root->unsync.first) != NULL) {
		struct ept02_table *table = CONTAINER_OF(node, struct ept02_table, unsync);

		hlist_remove(node);
		if (!table->live || !resync(zap, table))
			hlist_push(&again, node);
	}
	while ((node = again.first) != NULL) {
		hlist_remove(node);
		hlist_push(&root->unsync, node);
	}
}

/* Lock held, and given up. */
static void resync_all(struct ept02 *pool, struct ept02_root *root)
{
	struct ept02_zap zap = { .pool = pool, .cause = EPT02_INVALIDATED };
	bool kick = protect_all(pool, root);
	u64 protections = kick ? pool->protections : 0;

	vm_memory_unlock(pool->memory);
	if (kick)
		pool->ops->kick_and_wait(pool->ops->context);
	vm_memory_lock(pool->memory);
	pool->settled = MAX(pool->settled, protections);
	read_all(&zap, root);
	vm_memory_unlock(pool->memory);
	ept02_zap_finish(&zap);
}

void ept02_catch_up(struct ept02 *pool, struct ept02_root *root, const struct ept02_vcpu *vcpu)
{
	u64 invepts = ept02_invepts(vcpu, root->key);

	if (root->entered[vcpu->index] == invepts) {
		vm_memory_unlock(pool->memory);
		return;
	}
	root->entered[vcpu->index] = invepts;
	pool->invalidations++; /* who walks EPT12 now has begun before, and does not publish */
	resync_all(pool, root);
}
