/* SPDX-License-Identifier: MIT */
/* The leaf of EPT02 that does what EPT12's and EPT01's would do one after the other. */
#include "vmx/nested/ept_compose.h"
#include "hv/panic.h"

/*
 * SDM "Memory Type Used for Translated Guest-Physical Addresses": EPT02's type and L2's PAT give
 * the effective type, so EPT02's must be what L1 asked for, as far as the host's type allows it.
 * Types of which neither contains the other meet in UC.
 */
enum memory_type ept_compose_type(enum memory_type a, enum memory_type b)
{
	if (a == b || b == MEMORY_WB)
		return a;
	return a == MEMORY_WB ? b : MEMORY_UC;
}

static bool may_write(const struct ept12_walk *walk, const struct ept01_page *page)
{
	if (!page->writable || !(walk->rights & EPT_WRITE))
		return false;
	return !walk->has_flags || walk->write || ept12_was_dirty(walk);
}

u64 ept_compose_bits(const struct ept12_walk *walk, const struct ept01_page *page)
{
	u64 bits = walk->rights & (EPT_READ | EPT_EXECUTE);

	if (may_write(walk, page))
		bits |= EPT_WRITE;
	if (walk->ignore_pat)
		bits |= EPT_IGNORE_PAT;
	return bits | (u64)ept_compose_type(walk->type, page->type) << EPT_TYPE_SHIFT;
}

struct ept02_leaf ept_compose(const struct ept12_walk *walk, const struct ept01_page *page)
{
	u32 level = MIN(walk->level, page->level);
	u64 pages = ept_level_pages(level);

	ASSERT(walk->outcome == EPT12_OK);
	ASSERT(IS_ALIGNED(page->pfn.raw - l1_gpa_to_l1_gfn(walk->to).raw, pages));
	return (struct ept02_leaf){
		.gfn = l2_gfn(ALIGN_DOWN(l2_gpa_to_l2_gfn(walk->from).raw, pages)),
		.leaf = {
			.level = level,
			.pfn = pfn(ALIGN_DOWN(page->pfn.raw, pages)),
			.bits = ept_compose_bits(walk, page),
		},
	};
}
