/* SPDX-License-Identifier: MIT */
/* Bits of x86 paging-structure entries (SDM "4-Level Paging and 5-Level Paging") and of the error
 * code of a page fault (SDM "Page-Fault Exceptions"). */
#ifndef HV_PTE_H
#define HV_PTE_H

#include "hv/types.h"

#define PTE_PRESENT       BIT(0)
#define PTE_WRITE         BIT(1)
#define PTE_USER          BIT(2)
#define PTE_WRITE_THROUGH BIT(3)
#define PTE_CACHE_DISABLE BIT(4)
#define PTE_ACCESSED      BIT(5)
#define PTE_DIRTY         BIT(6)
#define PTE_LARGE         BIT(7)
#define PTE_GLOBAL        BIT(8)
#define PTE_NO_EXECUTE    BIT(63)
#define PTE_ADDRESS       BITS(51, 12)

#define PF_PRESENT        (1u << 0)
#define PF_WRITE          (1u << 1)
#define PF_USER           (1u << 2)
#define PF_RESERVED       (1u << 3)
#define PF_FETCH          (1u << 4)

#endif
