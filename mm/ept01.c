/* SPDX-License-Identifier: MIT */
/*
 * EPT01: a leaf is as large as the extent behind it, the CPU and the
 * host's memory types allow. IPAT stays 0, so that L1's PAT counts
 * (SDM "Memory Type Used for Translated Guest-Physical Addresses"). Accessed and dirty flags are
 * set beforehand, which hardware without them ignores: it sets and logs (mm/pml.h) only those that
 * the logs have cleared.
 */
#include "mm/ept01.h"
#include "hv/errno.h"
#include "hv/panic.h"
#include "hv/percpu.h"
#include "mm/change.h"
#include "mm/dirty_log.h"
#include "mm/ept01_protect.h"
#include "mm/mtrr.h"
#include "mm/page.h"
#include "mm/vm_memory.h"

static struct ept_features cpu;             /* constant after boot */
static const struct mtrr_map *memory_types; /* the same */

void ept01_set_features(const struct ept_features *features, const struct mtrr_map *types)
{
	cpu = *features;
	memory_types = types;
}

u64 ept01_pointer(const struct vm_memory *memory)
{
	return page_to_hpa(memory->ept01.root).raw | EPTP_WRITE_BACK | EPTP_FOUR_LEVELS |
	       (cpu.accessed_dirty ? EPTP_AD_ENABLE : 0);
}

const u64 *ept01_generation(const struct vm_memory *memory)
{
	return &memory->ept01.flush_generation;
}

static bool cpu_has_level(u32 level)
{
	return level == EPT_LEVEL_4K || (level == EPT_LEVEL_2M && cpu.leaf_2m) ||
	       (level == EPT_LEVEL_1G && cpu.leaf_1g);
}

/* Would a leaf of this level around gfn map frames of this extent only, all of one memory type? */
static bool leaf_fits(const struct backing *backing, u64 gfn, u32 level, enum memory_type *type)
{
	u64 pages = ept_level_pages(level);
	u64 first = ALIGN_DOWN(gfn, pages);
	u64 distance = first - backing->first; /* wraps where the leaf starts before the extent */
	pfn_t at = pfn_add(backing->pfn, distance);

	return cpu_has_level(level) && first >= backing->first &&
	       distance + pages <= backing->pages && IS_ALIGNED(at.raw, pages) &&
	       mtrr_block_type(memory_types, pfn_to_hpa(at), ept_level_order(level), type);
}

struct ept_leaf ept01_leaf(const struct backing *backing, u64 gfn, u32 level)
{
	struct ept_leaf leaf = { .level = level };
	enum memory_type type = MEMORY_UC;

	ASSERT(level >= EPT_LEVEL_4K && level <= EPT_LEVEL_1G);
	if (backing->flags & MEMSLOT_LOG_DIRTY) /* page by page */
		leaf.level = EPT_LEVEL_4K;
	while (!leaf_fits(backing, gfn, leaf.level, &type) && leaf.level > EPT_LEVEL_4K)
		leaf.level--;
	leaf.pfn = backing_pfn(backing, ALIGN_DOWN(gfn, ept_level_pages(leaf.level)));
	leaf.bits = EPT_READ | EPT_EXECUTE | EPT_ACCESSED | EPT_DIRTY | (u64)type << EPT_TYPE_SHIFT;
	if (!(backing->flags & MEMSLOT_READONLY))
		leaf.bits |= EPT_WRITE;
	return leaf;
}

int ept01_map_leaf(struct vm_memory *memory, const struct backing *backing, u64 gfn, u64 *next)
{
	const struct ept_leaf leaf = ept01_protected_leaf(memory, backing, gfn, EPT_LEVEL_1G);
	u64 first = ALIGN_DOWN(gfn, ept_level_pages(leaf.level));

	*next = first + ept_level_pages(leaf.level);
	return ept_map(&memory->ept01, first, &leaf);
}

int ept01_populate(struct vm_memory *memory)
{
	int rc = 0;

	ASSERT(memory_types);
	vm_memory_lock(memory);
	ASSERT(memory->active == 0);
	for (u32 i = 0; !rc && i < range_tree_count(memory->regions); i++) {
		const struct range_node *region = range_tree_nth(memory->regions, i);
		u64 gfn = region->first;

		while (!rc && gfn < region->first + region->pages) {
			struct backing backing;

			rc = vm_memory_find(memory, gfn, &backing);
			if (rc == -ENOENT) { /* ballooned out */
				rc = 0;
				gfn++;
			} else if (!rc) {
				rc = ept01_map_leaf(memory, &backing, gfn, &gfn);
			}
		}
	}
	vm_memory_unlock(memory);
	return rc;
}

void ept01_translate(struct vm_memory *memory, u64 gfn, bool write, struct ept01_translation *t)
{
	t->seq = change_snapshot(memory);
	t->gfn = gfn;
	t->write = write;
	epoch_read_begin();
	t->error = vm_memory_find(memory, gfn, &t->backing);
	epoch_read_end();
	if (!t->error && write && (t->backing.flags & MEMSLOT_READONLY))
		t->error = -EFAULT;
}

int ept01_check(const struct vm_memory *memory, const struct ept01_translation *t)
{
	if (!change_allows(memory, t->seq))
		return -EBUSY;
	if (t->error)
		return t->error;
	return t->write && ept01_is_protected(memory, l1_gfn(t->gfn)) ? -EACCES : 0;
}

int ept01_publish(struct vm_memory *memory, const struct ept01_translation *t)
{
	int rc;
	u64 next;

	vm_memory_lock(memory);
	rc = ept01_check(memory, t);
	if (!rc && t->write && (t->backing.flags & MEMSLOT_LOG_DIRTY))
		dirty_log_mark(memory, t->gfn);
	if (!rc)
		rc = ept01_map_leaf(memory, &t->backing, t->gfn, &next);
	vm_memory_unlock(memory);
	return rc;
}

int ept01_fault(struct vm_memory *memory, l1_gpa_t gpa, bool write)
{
	struct ept01_translation translation;
	int rc;

	ASSERT(memory_types);
	ept01_translate(memory, l1_gpa_to_l1_gfn(gpa).raw, write, &translation);
	rc = ept01_publish(memory, &translation);
	if (!rc)
		counter_inc(CTR_EPT01_FAULTS);
	if (rc != -EBUSY)
		return rc;
	counter_inc(CTR_EPT01_RETRIES);
	return 0;
}

u64 *ept01_zap(struct vm_memory *memory, u64 gfn, u64 pages)
{
	ept_unmap(&memory->ept01, gfn, pages);
	return ept_take_retired(&memory->ept01);
}

void ept01_count(const struct vm_memory *memory, struct ept_leaf_counts *counts)
{
	counts->leaves_4k = memory->ept01.leaves[EPT_LEVEL_4K];
	counts->leaves_2m = memory->ept01.leaves[EPT_LEVEL_2M];
	counts->leaves_1g = memory->ept01.leaves[EPT_LEVEL_1G];
	counts->tables = memory->ept01.tables;
}
