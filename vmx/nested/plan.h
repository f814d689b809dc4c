/* SPDX-License-Identifier: MIT */
/*
 * What vmcs12 asks of each of its entries. It follows from few fields, which change only by VMWRITE
 * or VMPTRLD, so it is made again only then. Pure.
 */
#ifndef VMX_NESTED_PLAN_H
#define VMX_NESTED_PLAN_H

#include "vmx/nested/vmcs12.h"

enum entry_extra {
	ENTRY_READS_MEMORY = 1, /* the checks look at L1's memory */
	ENTRY_LOADS_MSRS = 2,
	ENTRY_SHARES = 4,     /* vmx/nested/shared.c has something to do */
	ENTRY_FLUSHES = 8,    /* L2 has no VPID of L1's */
	ENTRY_NO_BITMAP = 16, /* all accesses to MSRs exit */
	ENTRY_OWN_NMIS = 32,  /* NMIs exit, and blocking them is the CPU's: no virtual NMIs */
	ENTRY_PAGES = 64,     /* plan.pages is not 0 */
	ENTRY_TIMER = 128,    /* L1's VMX-preemption timer runs */
};

struct entry_plan {
	u32 extras; /* enum entry_extra */
	u32 pages;  /* that the CPU uses, as bits: enum l2_page */
	u64 eptp12;
	u64 tsc_offset;
};

/* identity_eptp: of the EPT12 of L2s without one. */
struct entry_plan plan_make(const struct vmcs12 *v, u64 identity_eptp);
/* The fields that it follows from, and those whose pages have to be found again. */
extern const bool plan_reads[VMCS12_ROWS] __attribute__((visibility("hidden")));

#endif
