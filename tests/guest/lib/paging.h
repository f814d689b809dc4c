/* SPDX-License-Identifier: MIT */
/* The guest's own page tables: 4 GiB mapped one to one by start.asm,
 * cut down to 4 KiB pages where a test needs it. */
#ifndef TESTS_GUEST_LIB_PAGING_H
#define TESTS_GUEST_LIB_PAGING_H

#include "hv/pte.h"

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
