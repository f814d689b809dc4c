/* SPDX-License-Identifier: MIT */
/*
 * A machine's memory for host tests. The host pool is an arena of the test program, where virtual
 * and physical address are the same, as in the hypervisor. Guest RAM is a sparse memory file whose
 * offsets are the physical addresses: it is not mapped, except by the window PTEs, page by page and
 * with their permissions, so that a stale access faults.
 */
#ifndef HOST_MEMORY_H
#define HOST_MEMORY_H

#include "mm/page.h"

/* Set the pools and the windows up anew;
 * everything from before is gone. cpus ≥ 1; runs on CPU 0. */
void host_memory_init(u64 host_bytes, const struct page_range *guest, unsigned int guest_count,
		      u32 cpus);
/* The same with 16 MiB of host pool, guest RAM
 * at [1 MiB, 640 MiB) and [4 GiB, 6 GiB), and two CPUs. */
void host_memory_default(void);
/* Make this the CPU that the test runs on. */
void host_run_on(u32 cpu_index);
/* What a counter of the current CPU says. */
u64 host_counter(u32 counter);
/* Read or write guest RAM at a physical address, past all windows. */
void host_guest_ram_read(hpa_t at, void *dst, size_t bytes);
void host_guest_ram_write(hpa_t at, const void *src, size_t bytes);
/* Called after each store that a hardware walker could see; NULL: nobody watches. */
extern void (*host_store_watch)(u64 *entry, u64 old);

/* Run this in a child: did it die by a panic whose text contains this, or by an access fault? */
bool host_panics(void (*run)(void), const char *text);
bool host_faults(void (*run)(void));

#endif
