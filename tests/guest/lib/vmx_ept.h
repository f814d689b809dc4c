/* SPDX-License-Identifier: MIT */
/*
 * EPT tables that a test gives its L2s. They last as long as the test, and begin with all below
 * 4 GiB mapped one to one, all accesses allowed, in 2 MiB leaves.
 */
#ifndef TESTS_GUEST_LIB_VMX_EPT_H
#define TESTS_GUEST_LIB_VMX_EPT_H

#include "tests/guest/lib/vmx_caps.h"
#include "tests/guest/lib/vmx_l2.h"

/* Entries and EPTP (SDM "EPT Translation Mechanism", "Extended-Page-Table Pointer (EPTP)"). */
#define EPT_READ         BIT(0)
#define EPT_WRITE        BIT(1)
#define EPT_EXECUTE      BIT(2)
#define EPT_RWX          BITS(2, 0)
#define EPT_TYPE_SHIFT   3
#define EPT_TYPE_MASK    BITS(5, 3)
#define EPT_WB           BITS(5, 4) /* a leaf's memory type, 6; 0 is UC */
#define EPT_MEMORY       (EPT_RWX | EPT_WB)
#define EPT_LEAF         BIT(7)
#define EPT_ACCESSED     BIT(8)
#define EPT_DIRTY        BIT(9)
#define EPT_FRAME_MASK   BITS(51, 12)
#define EPT_ENTRIES      512u

#define EPT_LEVEL_4K     1u
#define EPT_LEVEL_2M     2u
#define EPT_LEVEL_1G     3u
#define EPT_LEVEL_ROOT   4u

#define EPTP_WRITE_BACK  6u
#define EPTP_FOUR_LEVELS (3u << 3)
#define EPTP_AD_ENABLE   BIT(6)

enum invept_type { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };
enum invvpid_type { INVVPID_ADDRESS, INVVPID_SINGLE, INVVPID_ALL, INVVPID_LOCALS };

/* NULL, or why a test that uses EPT cannot run: these bits of the capability MSR are missing. */
const char *ept_lacks(u64 capabilities);
#define NEEDS_EPT(capabilities)                                 \
	do {                                                    \
		const char *ept_why_ = ept_lacks(capabilities); \
                                                                \
		if (ept_why_)                                   \
			SKIP(ept_why_);                         \
	} while (0)

#define NEEDS_INVEPT(type) NEEDS_EPT(EPT_CAP_MASK(INVEPT) | EPT_CAP_MASK(type))

/* The EPTP of new tables, without accessed and dirty flags. */
u64 ept_new(void);
/* The current VMCS uses them. */
void ept_use(u64 eptp);
/* An L2 (l2_new()) under new tables. */
struct l2 *l2_under_ept(const void *code, u64 *eptp);
/* The entry of a guest-physical address at a level (1: 4 KiB); larger leaves are split, missing
 * tables made. A table entry becomes what the caller writes. */
u64 *ept_entry(u64 eptp, u64 gpa, u32 level);
/* Let a guest-physical page be this one: a leaf of a level, with these bits. */
void ept_map(u64 eptp, u64 gpa, u32 level, u64 entry);

static inline u64 ept_level_size(u32 level)
{
	return PAGE_SIZE << 9 * (level - 1);
}

/* Where such an L2 finds what its tables lead to; nothing of the machine is there. */
#define EPT_ALIAS 0xd8000000ULL
/* It finds memory of L1's, a leaf of this level large. */
struct l2 *l2_with_alias(const void *code, u64 pa, u32 level);
/* The leaf table is this page. */
struct l2 *l2_with_alias_table(const void *code, u64 table, u64 *eptp);
/* Map so many bytes there in 4 KiB leaves. */
void ept_map_alias(u64 eptp, u64 pa, u64 bytes);

/* True: VMsucceed. */
bool ept_invalidate(enum invept_type type, u64 eptp);
bool vpid_invalidate(enum invvpid_type type, u16 vpid, u64 address);

#endif
