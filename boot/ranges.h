/* SPDX-License-Identifier: MIT */
/*
 * The list of memory ranges: always sorted, without overlap, neighbours of one type merged. What is
 * marked later wins. Pure functions.
 */
#ifndef BOOT_RANGES_H
#define BOOT_RANGES_H

#include "hv/boot_info.h"

/* Mark the range; RAM shrinks and the others grow to whole pages. 0,
 * or -ENOSPC when the list (BOOT_RANGES_MAX) is full. */
int ranges_mark(struct boot_info *info, struct boot_range range);

/* Bytes of BOOT_RAM. */
u64 ranges_ram(const struct boot_info *info);

/*
 * L0's pool: 16 MiB for page tables, windows and the books of small machines; 1/64 of RAM for what
 * grows with it (a frame's books, and EPT tables should all leaves be 4 KiB); 512 KiB for each
 * CPU's stacks, VMCSs and recorder; 20 KiB for each context of nested VMX. Whole 2 MiB.
 */
u64 ranges_pool_bytes(u64 ram, u32 cpus, u32 contexts);
/* What stays free of L1's memory: more than hv/machine.c keeps back, and what the firmware may
 * still take until it is left. */
#define RANGES_SLACK (6 * MIB)
/* What of ram bytes L1 can have at most beside that pool. */
u64 ranges_l1_bytes(u64 ram, u64 pool);

#endif
