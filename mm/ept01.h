/* SPDX-License-Identifier: MIT */
/* EPT01: L1's physical memory as hardware sees it,
 * built from the regions with the largest leaf that both sides allow. */
#ifndef MM_EPT01_H
#define MM_EPT01_H

#include "mm/addr.h"
#include "mm/memslot.h"

/* What the CPU's EPT can do (IA32_VMX_EPT_VPID_CAP) and what
 * the host's memory types are; set once at boot. */
struct ept_features {
	bool leaf_2m;
	bool leaf_1g;
	bool accessed_dirty;
	bool execute_only;
};

struct mtrr_map; /* mm/mtrr.h */

void ept01_set_features(const struct ept_features *features, const struct mtrr_map *types);

/* EPTP value (SDM "Extended-Page-Table Pointer (EPTP)"): WB, 4 levels, A/D where offered. */
u64 ept01_pointer(const struct vm_memory *memory);
/* Map every region now, largest leaf first; no change is under way. 0 or -ENOMEM. */
int ept01_populate(struct vm_memory *memory);
/*
 * An EPT violation at gpa: map the leaf if a region has it. 0, -ENOENT (no region), -EFAULT (write
 * to a read-only one), -EACCES (write to a protected page: change_page_written, then let L1 try
 * again), -ENOMEM (no page for a table). Where a change of L1's memory came between,
 * nothing is mapped and 0 says the same: let L1 try again. Takes the VM's lock, in no reader
 * section.
 */
int ept01_fault(struct vm_memory *memory, l1_gpa_t gpa, bool write);

/*
 * A counter that grows, from 1 on, whenever EPT01 loses or changes a present leaf; it stays where
 * it is. Whoever makes it grow tells the CPUs that run the VM (mm/change.h).
 */
const u64 *ept01_generation(const struct vm_memory *memory);

/*
 * A page of L0's in front of all regions, at a place that no region covers: the APIC-access page.
 * It is there for all CPUs or for none: while nobody hides it. Each hide is taken back by one show.
 */
/* Once for a VM, before a CPU joins; the page is there at once. 0 or -ENOMEM. */
int ept01_overlay_create(struct vm_memory *memory, l1_gfn_t gfn, pfn_t pfn);
/* On return no CPU finds it any more; waits as a change does (mm/change.h). */
void ept01_overlay_hide(struct vm_memory *memory);
/* Where there is no memory for a table, it stays away: EPT violations then tell of accesses. */
void ept01_overlay_show(struct vm_memory *memory);

/* Leaves by size, for the report. */
struct ept_leaf_counts {
	u64 leaves_4k, leaves_2m, leaves_1g;
	u64 tables;
};
void ept01_count(const struct vm_memory *memory, struct ept_leaf_counts *counts);

#endif
