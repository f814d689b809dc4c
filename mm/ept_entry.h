/* SPDX-License-Identifier: MIT */
/* EPT paging-structure entries (SDM "EPT Translation Mechanism")
 * and EPTP ("Extended-Page-Table Pointer (EPTP)"). */
#ifndef MM_EPT_ENTRY_H
#define MM_EPT_ENTRY_H

#include "mm/addr.h"

#define EPT_READ         BIT(0)
#define EPT_WRITE        BIT(1)
#define EPT_EXECUTE      BIT(2)
#define EPT_ACCESS_MASK  BITS(2, 0)
#define EPT_TYPE_SHIFT   3 /* memory type of a leaf, numbered as in the MTRRs */
#define EPT_TYPE_MASK    BITS(5, 3)
#define EPT_IGNORE_PAT   BIT(6)
#define EPT_LEAF         BIT(7) /* in a 2M or 1G leaf; a 4K entry is a leaf without it */
#define EPT_ACCESSED     BIT(8)
#define EPT_DIRTY        BIT(9)
#define EPT_FRAME_MASK   BITS(51, 12)

#define EPT_LEVEL_4K     1u
#define EPT_LEVEL_2M     2u
#define EPT_LEVEL_1G     3u
#define EPT_LEVEL_ROOT   4u
#define EPT_ENTRIES      512u
#define EPT_GFN_END      BIT(36) /* four levels reach 48 bits */

#define EPTP_WRITE_BACK  6u
#define EPTP_FOUR_LEVELS (3u << 3)
#define EPTP_AD_ENABLE   BIT(6)

/* The order (log2 of pages) that an entry of this level maps. */
static inline u32 ept_level_order(u32 level)
{
	return 9 * (level - 1);
}

static inline u64 ept_level_pages(u32 level)
{
	return BIT(ept_level_order(level));
}

static inline u32 ept_index(u64 gfn, u32 level)
{
	return (u32)(gfn >> ept_level_order(level)) % EPT_ENTRIES;
}

static inline bool ept_is_present(u64 entry)
{
	return entry & EPT_ACCESS_MASK;
}

static inline bool ept_is_leaf(u64 entry, u32 level)
{
	return ept_is_present(entry) && (level == EPT_LEVEL_4K || (entry & EPT_LEAF));
}

static inline bool ept_is_table(u64 entry, u32 level)
{
	return ept_is_present(entry) && !ept_is_leaf(entry, level);
}

static inline pfn_t ept_entry_pfn(u64 entry)
{
	return hpa_to_pfn(hpa(entry & EPT_FRAME_MASK));
}

#endif
