/* SPDX-License-Identifier: MIT */
/*
 * Mapping windows: the only way to guests' memory. A window slot is one page of L0's address space
 * whose PTE points to a guest frame. Transient slots belong to one CPU and are used like a stack
 * (map, access, unmap); persistent slots (pfn-caches) are shared. Unmapping leaves a TLB debt on
 * each CPU that may hold the translation; a slot is used again only after every debt was paid by
 * INVLPG. See docs/locking.md.
 */
#ifndef MM_WINDOW_H
#define MM_WINDOW_H

#include "mm/addr.h"

#define WINDOW_CPUS_MAX  64 /* one bit each in a debt mask */
#define WINDOW_TRANSIENT 4  /* transient slots of a CPU */

enum window_access { WINDOW_READ, WINDOW_WRITE };

struct window_slot;

/* VA of the first slot. L0's page tables give it a page
 * table per 512 slots, which window_init receives. */
#define WINDOW_BASE       0xffff900000000000ULL
#define WINDOW_PERSISTENT 3072u /* persistent slots */

/* Page-table entries of the window area:
 * ptes[i] maps WINDOW_BASE + i * PAGE_SIZE. cpus ≤ WINDOW_CPUS_MAX. */
void window_init(u64 *ptes, u32 cpus);
/* How many PTEs window_init needs for this many CPUs. */
u32 window_pte_count(u32 cpus);

/* Map a frame in this CPU's next transient slot; unmapped in reverse order. */
void *window_map(pfn_t pfn, enum window_access access);
void window_unmap(void *va);

/* A persistent slot: NULL when none is free. */
struct window_slot *window_slot_get(void);
/* Point the slot at a frame (read-write) and return its address; the slot must be unmapped. */
void *window_slot_map(struct window_slot *slot, pfn_t pfn);
/* Declare that this CPU uses the slot's address from now on;
 * required before the first access on each CPU. */
void window_slot_use(struct window_slot *slot);
/* Point a mapped slot, which no CPU accesses now, at another frame. False, and nothing is done: a
 * CPU other than this one used it and would owe for it. */
bool window_slot_repoint(struct window_slot *slot, pfn_t pfn);
/* Zero the PTE; from now on every CPU that used the slot owes an INVLPG. */
void window_slot_unmap(struct window_slot *slot);
/* Give the slot back; it is handed out again when no CPU owes for it. */
void window_slot_put(struct window_slot *slot);
/* Pay what this CPU owes. Called where the CPU holds no slot's address:
 * before a slot is taken, in idle. */
void window_pay_debts(void);

#endif
