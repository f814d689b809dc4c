/* SPDX-License-Identifier: MIT */
/*
 * L0's own address space: the image (code read-execute, constants read, data read-write),
 * the host pool, the CPUs' stacks with guard pages, the mapping windows' tables,
 * the local APIC where it is memory-mapped. Nothing else: no guest memory, no firmware, no page 0.
 * The trampoline is mapped while CPUs start.
 */
#ifndef HV_PAGING_H
#define HV_PAGING_H

#include "hv/boot_info.h"
#include "hv/page_table.h"

/* The control registers that every CPU of L0 runs with (before VMX operation adds CR4.VMXE). */
struct paging_registers {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
};

/*
 * Build the tables; the firmware's are still in use and map the host pool one to one. 0, -ENOMEM,
 * -EEXIST (image, pool or trampoline overlap), -ENOTSUP (the firmware runs with 5-level paging).
 */
int paging_init(const struct boot_info *info, page_source *source);
/* Page tables for the windows: the PTE of page i behind va is [i].
 * NULL when the host pool is empty. */
u64 *paging_reserve(u64 va, u32 pages);
/* Switch the boot CPU to L0's tables and to its main stack, there run(arg).
 * Nothing of the firmware is mapped any more. */
_Noreturn void paging_activate(void (*run)(void *), void *arg);
/* What an application processor must load, and what remains for it to set: the PAT. */
struct paging_registers paging_registers(void);
void paging_set_memory_types(void);
/* Unmap one 4 KiB page; every CPU that may hold its translation owes an INVLPG. */
void paging_unmap(u64 va);
bool paging_is_mapped(u64 va);

#endif
