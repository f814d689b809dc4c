/* SPDX-License-Identifier: MIT */
/*
 * L1's linear addresses: the walk through L1's own paging structures (SDM "Hierarchical Paging
 * Structures"), for the few instructions whose memory operand L0 must reach. As the CPU's, it sets
 * the accessed and dirty flags of the entries it used. Pure: memory is reached through functions,
 * nothing is cached.
 */
#ifndef VMX_GUEST_LINEAR_H
#define VMX_GUEST_LINEAR_H

#include "hv/pte.h"
#include "mm/addr.h"

/* How L1 translates right now. */
struct paging_mode {
	u64 cr0, cr3, cr4, efer;
	u32 cpl;
	bool alignment_check; /* RFLAGS.AC: overrides SMAP for explicit accesses */
	u64 pdptes[4];        /* with PAE paging, as they were loaded last */
	u32 physical_bits;    /* MAXPHYADDR: address bits above are reserved */
	bool has_1g_pages;
};

enum linear_access { LINEAR_READ, LINEAR_WRITE, LINEAR_FETCH };

/* Read bytes of L1-physical memory: 0 or a negative error, which the walk takes for a not-present
 * entry. */
typedef int (*guest_reader)(void *context, l1_gpa_t gpa, void *dst, size_t bytes);

/* Set bits in a byte of L1-physical memory, atomically. */
typedef void (*guest_marker)(void *context, l1_gpa_t gpa, u8 bits);

struct linear_result {
	bool faults;
	bool is_refused; /* linear_now(): by EPT12 */
	u32 error_code;  /* of the #PF */
	l1_gpa_t gpa;
};

struct linear_source {
	guest_reader read;
	guest_marker mark;
	void *context;
};

struct linear_result linear_translate(const struct paging_mode *mode, u64 linear,
				      enum linear_access access,
				      const struct linear_source *source);

#endif
