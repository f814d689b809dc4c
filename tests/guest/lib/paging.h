/* SPDX-License-Identifier: MIT */
/* The guest's own page tables: 4 GiB mapped one to one by start.asm, cut down to 4 KiB pages where
 * a test needs it. */
#ifndef TESTS_GUEST_LIB_PAGING_H
#define TESTS_GUEST_LIB_PAGING_H

#include "hv/types.h"

#define PTE_PRESENT       BIT(0)
#define PTE_WRITABLE      BIT(1)
#define PTE_USER          BIT(2)
#define PTE_ACCESSED      BIT(5)
#define PTE_DIRTY         BIT(6)
#define PTE_LARGE         BIT(7)
#define PTE_GLOBAL        BIT(8)
#define PTE_NX            BIT(63)
#define PTE_ADDRESS       BITS(51, 12)

/* Free for tests: PAGING_TEST_VA and up is never mapped outside a test. */
#define PAGING_TEST_VA    0x8000000000ULL
#define PAGING_MAPPED_END (4 * GIB)

void paging_init(void);
/* The 4 KiB entry that maps va; tables are made, and large pages split, as needed. */
u64 *paging_leaf(u64 va);
/* Change an entry and drop its old translation. */
void paging_set(u64 *leaf, u64 va, u64 entry);
/* Map the 4 KiB page at va to physical address pa with these PTE_* bits; unmap it. */
void paging_map(u64 va, u64 pa, u64 bits);
void paging_unmap(u64 va);

#endif
