/* SPDX-License-Identifier: MIT */
/*
 * Dirty logging by the CPUs (SDM "Page-Modification Logging"). A page of a region that logs is
 * clean for L1 where its leaf of EPT01 has the dirty flag at 0. Before a CPU writes there it sets
 * the flag and puts the page's address into its vCPU's buffer: one store, no exit. All other leaves
 * are made with both flags set, so that no CPU has anything to write or to log there.
 *
 * A CPU fills its buffer from the last entry down, and L0 reads it in that order: the first entry
 * that says PML_NONE is the end. Who has read an entry puts PML_NONE there again. When the buffer
 * is full the CPU exits, and its owner lets it begin anew. Until then any CPU may read any buffer;
 * but only a VM exit makes sure that what a CPU logged is there to be read.
 */
#ifndef MM_PML_H
#define MM_PML_H

#include "hv/types.h"

#define PML_ENTRIES 512u
#define PML_NONE    (~0ULL) /* no entry: not an address */

struct vm_memory;

struct pml_buffer {
	struct pml_buffer *next; /* of the VM's */
	u64 *entries;            /* a page */
	u32 at; /* the entry that is read next; PML_ENTRIES or above: none is left */
};

/* Part of struct vm_memory, under its lock. */
struct pml {
	bool is_on;   /* clean pages have leaves without the dirty flag, else write permission */
	bool gave_up; /* for good */
	struct pml_buffer *buffers;
};

/* Once for a VM, before a CPU joins: its vCPUs' CPUs have PML, and use it. */
void pml_enable(struct vm_memory *memory);
/* Before its vCPU runs. 0 or -ENOMEM. */
int pml_attach(struct vm_memory *memory, struct pml_buffer *buffer);
/* Lock held: the pages that the CPUs have logged are dirty; also told by the taking under way. */
void pml_drain(struct vm_memory *memory);
/* Lock not held. The buffer is full, and its CPU is in root: it is empty, index PML_ENTRIES - 1. */
void pml_restart(struct vm_memory *memory, struct pml_buffer *buffer);
/*
 * Lock not held. From now on by write protection, since a CPU will run without the flags: what is
 * clean by them is dirty. True the first time.
 */
bool pml_give_up(struct vm_memory *memory);

#endif
