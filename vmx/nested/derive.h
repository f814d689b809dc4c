/* SPDX-License-Identifier: MIT */
/*
 * vmcs02 from vmcs12: a table says which field of vmcs02 follows from what, and to which group it
 * belongs. A VMWRITE marks the groups that its field has a part in; an entry derives the marked
 * groups only. Pure: values come out, who writes them is not said here.
 */
#ifndef VMX_NESTED_DERIVE_H
#define VMX_NESTED_DERIVE_H

#include "hv/msr_index.h"
#include "vmx/controls.h"
#include "vmx/nested/vmcs12.h"

enum derive_group {
	DERIVE_CONTROLS,  /* execution, exit and entry controls */
	DERIVE_APIC,      /* what virtualizes L2's local APIC, but for its pages (pages.h) */
	DERIVE_PAUSE,     /* which PAUSEs are a loop; L0 asks for none while L2 runs */
	DERIVE_EXCEPTION, /* exception bitmap, page-fault filter */
	DERIVE_CR,        /* CR0 and CR4 with masks and shadows, CR3, CR3 targets */
	DERIVE_SEGMENTS,  /* and descriptor tables */
	DERIVE_MSRS,      /* EFER, PAT, SYSENTER, debug controls, PDPTEs */
	DERIVE_TSC,
	DERIVE_RIP,
	DERIVE_RUN,   /* RSP, RFLAGS, interruptibility, pending debug */
	DERIVE_EVENT, /* what the entry injects */
	DERIVE_GROUPS
};

#define DERIVE_ALL ((1u << DERIVE_GROUPS) - 1)

/* What vmcs02 follows from beside vmcs12: L0's own needs, and L1's state where vmcs12 does not load
 * another. */
struct derive_inputs {
	const struct vmcs12 *v12;
	u32 l0_controls[CONTROL_SETS]; /* what vmcs01 runs L1 with, without windows and timer */
	u32 l0_exceptions;
	u64 cr0_fixed0; /* that hardware demands; unrestricted guests may clear PE and PG */
	u64 cr4_fixed0;
	u64 cr4_guest;          /* bits that L0 leaves to a guest */
	bool lost_virtual_apic; /* no memory at the virtual-APIC page, and none is needed */
	u64 l1_tsc_offset;
	u64 l1_efer, l1_pat, l1_dr7, l1_debugctl;
};

struct derive_row {
	enum vmcs_field field;
	u8 group;
	u8 source; /* enum vmcs12_row that is copied where there is no function */
	u64 (*value)(const struct derive_inputs *in);
};

/* Ordered by group; group g has rows [derive_first[g], derive_first[g + 1]). */
extern const struct derive_row derive_rows[] __attribute__((visibility("hidden")));
extern const u8 derive_first[DERIVE_GROUPS + 1] __attribute__((visibility("hidden")));

/* EFER for an entry that loads none (SDM "Loading Guest Control Registers, Debug Registers, and
 * MSRs"): LMA is the entry's mode, and LME as well where paging is on. */
static inline u64 derive_shared_efer(const struct vmcs12 *v12, u64 l1_efer)
{
	if (v12->ENTRY_CONTROLS & ENTRY_CTL_IA32E_MODE)
		return l1_efer | EFER_LMA | EFER_LME;
	l1_efer &= ~(u64)EFER_LMA;
	return v12->GUEST_CR0 & CR0_PG ? l1_efer & ~(u64)EFER_LME : l1_efer;
}

static inline u64 derive_value(const struct derive_row *row, const struct derive_inputs *in)
{
	return row->value ? row->value(in) : in->v12->fields[row->source];
}

/* By row: the group of the field of the same name, and others in whose values it takes part. */
extern const u16 derive_own_group[VMCS12_ROWS] __attribute__((visibility("hidden")));
extern const u16 derive_other_groups[VMCS12_ROWS] __attribute__((visibility("hidden")));

/* The groups, as a mask, that a write to this field of vmcs12 marks. */
static inline u32 derive_marks(enum vmcs12_row row)
{
	return derive_own_group[row] | derive_other_groups[row];
}

/* CR0 and CR4 as L2 sees them: what vmcs12 holds after an exit, from what vmcs02 held. */
u64 derive_cr0_of_l2(const struct vmcs12 *v12, u64 hardware_cr0, u64 shadow);
u64 derive_cr4_of_l2(const struct derive_inputs *in, u64 hardware_cr4, u64 shadow);

#endif
