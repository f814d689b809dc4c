/* SPDX-License-Identifier: MIT */
/* Which pages are protected, the set knows; here is what EPT01 and the pfn-caches do about it. */
#include "mm/ept01_protect.h"
#include "hv/errno.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "mm/change.h"
#include "mm/dirty_log.h"
#include "mm/vm_memory.h"

int ept01_protect_create(struct vm_memory *memory, u32 pages)
{
	return protected_set_create(&memory->protected_pages, pages);
}

bool ept01_is_protected(const struct vm_memory *memory, l1_gfn_t gfn)
{
	return protected_set_users(&memory->protected_pages, gfn.raw) > 0;
}

bool ept01_may_be_protected(const struct vm_memory *memory, l1_gfn_t gfn)
{
	return protected_set_may_have(&memory->protected_pages, gfn.raw);
}

struct ept_leaf ept01_protected_leaf(const struct vm_memory *memory, const struct backing *backing,
				     u64 gfn, u32 level)
{
	struct ept_leaf leaf;

	if (backing->flags & MEMSLOT_READONLY)
		return ept01_leaf(backing, gfn, level);
	while (level > EPT_LEVEL_4K && protected_set_has(&memory->protected_pages, gfn, level))
		level--;
	leaf = ept01_leaf(backing, gfn, level);
	if (leaf.level == EPT_LEVEL_4K && ept01_is_protected(memory, l1_gfn(gfn)))
		leaf.bits &= ~EPT_WRITE;
	if ((backing->flags & MEMSLOT_LOG_DIRTY) && !dirty_log_has(memory, gfn))
		leaf.bits &= memory->pml.is_on ? ~EPT_DIRTY : ~EPT_WRITE;
	return leaf;
}

/* Accessed and dirty are set where the CPU could have set them until the store, as where a leaf is
 * split. */
int ept01_take_write_away(struct ept *ept, u64 gfn)
{
	struct ept_leaf leaf;
	int rc;

	if (ept_lookup(ept, gfn, &leaf) || !(leaf.bits & EPT_WRITE))
		return 0;
	rc = ept_split(ept, gfn, EPT_LEVEL_4K);
	if (rc)
		return rc;
	rc = ept_lookup(ept, gfn, &leaf);
	ASSERT(!rc && leaf.level == EPT_LEVEL_4K);
	leaf.bits = (leaf.bits & ~EPT_WRITE) | EPT_ACCESSED | EPT_DIRTY;
	return ept_map(ept, gfn, &leaf);
}

/*
 * An idle page leaves the set, and its leaf grows back where it is mapped. The tables that are left
 * over stay with EPT01 until the next wait or change.
 */
static void give_up(struct vm_memory *memory, u64 gfn)
{
	struct backing backing;
	struct ept_leaf leaf;
	u64 next;

	protected_set_forget(&memory->protected_pages, gfn);
	if (!ept_lookup(&memory->ept01, gfn, &leaf) && !vm_memory_find(memory, gfn, &backing))
		(void)ept01_map_leaf(memory, &backing, gfn, &next); /* else it stays as it is */
}

/* The page that has been idle for the longest gives its place up. */
static bool make_room(struct vm_memory *memory)
{
	u64 gfn;

	if (!protected_set_oldest(&memory->protected_pages, &gfn))
		return false;
	give_up(memory, gfn);
	return true;
}

int ept01_protect(struct vm_memory *memory, l1_gfn_t gfn)
{
	struct protected_set *set = &memory->protected_pages;
	struct backing backing;
	int rc;

	if (vm_memory_find(memory, gfn.raw, &backing))
		return -ENOENT;
	rc = protected_set_get(set, gfn.raw);
	if (rc && make_room(memory))
		rc = protected_set_get(set, gfn.raw);
	if (rc)
		return -ENOMEM;
	if (protected_set_users(set, gfn.raw) > 1)
		return 0;
	rc = ept01_take_write_away(&memory->ept01, gfn.raw);
	if (rc) {
		protected_set_put(set, gfn.raw);
		give_up(memory, gfn.raw);
		return rc;
	}
	memory->writers_pending |= pfn_cache_set_writable(memory, gfn.raw, false);
	counter_inc(CTR_PAGE_PROTECTIONS);
	return 0;
}

void ept01_unprotect(struct vm_memory *memory, l1_gfn_t gfn)
{
	protected_set_put(&memory->protected_pages, gfn.raw);
	if (!ept01_is_protected(memory, gfn))
		pfn_cache_set_writable(memory, gfn.raw, true);
}

void ept01_protect_wait(struct vm_memory *memory)
{
	u64 *tables;

	vm_memory_lock(memory);
	tables = ept_take_retired(&memory->ept01);
	vm_memory_unlock(memory);
	change_flush(memory);
	pfn_cache_wait_for_writers(memory);
	epoch_wait(&memory->retired);
	ept_free_tables(tables);
}
