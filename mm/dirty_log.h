/* SPDX-License-Identifier: MIT */
/*
 * Which pages of a region with MEMSLOT_LOG_DIRTY have been written to. A page that has not is
 * clean, and nobody writes to it untold:
 *
 *   L1      EPT01 has a leaf of 4K without write permission; the EPT violation marks the page, then
 *           the leaf lets writes through. With PML (mm/pml.h), one without the dirty flag: the CPU
 *           logs the page, and what it has logged is marked before a log is taken
 *   L2      by write permission in EPT02, always: its CPU would log L2's addresses
 *   L0      for L1, by a window: under the lock, where it marks the page first; no held page of a
 *           region that logs is writable (mm/pfn_cache.h), so that all of L0's writes come that way
 *   a CPU   by a VMCS that has the frame (virtual-APIC page): such a page is dirty all the time
 *
 * Who takes the log clears it, takes write permission (or the dirty flag) from the pages that were
 * dirty, and calls CPUs out, before it gives up what it took: a write that is not in the new log
 * was there by then.
 *
 * With PML, what the CPUs have logged is read before and after the kick. A page that is found only
 * then was written to before the kick, or since: it is told now, and is dirty in the new log too,
 * because its dirty flag is set, so that no later write would be logged. So it may be told once
 * more, but is never left out. The kick is made even if nothing was dirty: it brings the CPUs' logs
 * to memory, and dirty flags out of TLBs.
 *
 * The logs are a tree of their own beside the regions, read and written under the memory's lock.
 * Its bits come from the host pool.
 */
#ifndef MM_DIRTY_LOG_H
#define MM_DIRTY_LOG_H

#include "mm/range_tree.h"

struct memslot_info; /* mm/memslot.h */
struct vm_memory;

struct dirty_log {
	struct range_node node; /* in vm_memory.logs: the region's pages */
	u64 *bits;              /* one for each page; then as many for who takes them */
};

/*
 * Lock held, reserve there, in all. The region becomes the other one, either of which may log or
 * not, or not be (NULL). The pages are as many; their bits go with them. 0, or -ENOMEM: it would
 * log and there is no room for the bits; then nothing is done.
 */
int dirty_log_alter(struct vm_memory *memory, const struct memslot_info *from,
		    const struct memslot_info *to);

/* The page, of a region that logs, is about to be written to. */
void dirty_log_mark(struct vm_memory *memory, u64 gfn);
/* A CPU has logged a write to this page, which may be any: where it logs, it is dirty, and the
 * taking under way tells it. */
void dirty_log_tell(struct vm_memory *memory, u64 gfn);
/* All pages of all logs are. */
void dirty_log_mark_all(struct vm_memory *memory);
/* Has it been, since the log was taken? */
bool dirty_log_has(const struct vm_memory *memory, u64 gfn);

#endif
