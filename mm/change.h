/* SPDX-License-Identifier: MIT */
/*
 * The protocol of everything that changes what L1's memory is: regions, EPT01, frames.
 *
 *     under the lock:   change_begin   active++, the range's pfn-caches become invalid,
 *                                      the range leaves EPT01
 *                       the edit       published by one store
 *     without a lock:   change_wait    kick and wait, wait for holders of the caches, grace
 *                                      period
 *                       change_end     seq++ and active--
 *     afterwards:       frames that the edit took away are free to use again
 *
 * The kick comes after the range has left EPT01: a CPU that was kicked before could enter again and
 * load the old translation. The same holds for the gates that a change raises. A translation is put
 * into use only if no change is active and none has ended since it was made (change_allows).
 */
#ifndef MM_CHANGE_H
#define MM_CHANGE_H

#include "hv/types.h"
#include "mm/pfn_cache.h"

struct vm_memory;

/* What change_ops.zap took away, from the zap to the end of the kick. */
struct change_shadow {
	void *tables;
	bool flush; /* some of it may be in a TLB */
};

/* What the layers above do for a change. */
struct change_ops {
	/*
	 * Return when each CPU of the mask has been outside guest mode since the call; it does
	 * INVEPT before it enters again. The caller's own CPU may be one of them; a CPU that waits
	 * here counts as outside. No lock is held.
	 */
	void (*kick_and_wait)(u64 cpu_mask);
	/*
	 * The same for vCPUs: their VMCS has a frame that goes away, and their gate is raised
	 * (struct pfn_user). They owe no INVEPT.
	 */
	void (*call_out)(u64 vcpu_mask);
	/*
	 * Lock held: what others made of these pages' translations goes as well, before the kick;
	 * and after it. NULL: nothing is made of them.
	 */
	void (*zap)(struct gfn_range range, struct change_shadow *shadow);
	void (*zap_end)(struct change_shadow *shadow);
	/*
	 * A write to this page, which is protected (mm/ept01_protect.h), comes next: each of its
	 * users unprotects it. No lock is held, but maybe vm.device_lock, so nothing is waited for.
	 * NULL where no page is ever protected.
	 */
	void (*page_written)(l1_gfn_t gfn);
};

/* Once, before a CPU joins; constant from then on. */
void change_set_ops(const struct change_ops *ops);

/* This CPU may have the VM's translations from now on; it does INVEPT after this and before it
 * enters. */
void change_cpu_joins(struct vm_memory *memory);
/* This CPU has left the VM: when it joins again, it does INVEPT before it enters. */
void change_cpu_leaves(struct vm_memory *memory);

/* Lock not held: kick and wait (change_ops) for the CPUs that run the VM, which do INVEPT. */
void change_flush(struct vm_memory *memory);
/* Lock not held. A write to this page found it protected: its users are told, unless they have
 * unprotected it meanwhile. Then the write tries again. */
void change_page_written(struct vm_memory *memory, l1_gfn_t gfn);

/* One change under way; belongs to the CPU that makes it. */
struct change {
	struct vm_memory *memory;
	struct gfn_range range; /* pages that are taken away */
	u64 *tables;            /* of EPT01, taken out */
	bool flush;             /* some of the pages may be in a TLB */
	struct pfn_hits hits;   /* and in pfn-caches */
	struct change_shadow shadow;
	bool waited;
};

/* Lock held. These pages lose what they were; none, where the change only adds. */
void change_begin(struct change *change, struct vm_memory *memory, u64 gfn, u64 pages);
/* Lock held, in a change under way. Nobody writes to this page after the wait without an EPT
 * violation that comes after the call, or, with PML, L1 without logging it; its leaves are of 4K.
 * What L2s have of it goes. */
void change_protect(struct change *change, u64 gfn);
/* Lock not held: waits where pages were taken away. On return nobody uses what they were. */
void change_wait(struct change *change);
/* The same, unless that has been; and the change is over. */
void change_end(struct change *change);

/* Changes that have ended, for a translation that begins now. */
u64 change_snapshot(const struct vm_memory *memory);
/* Lock held: is what was found since the snapshot still so? */
bool change_allows(const struct vm_memory *memory, u64 snapshot);

#endif
