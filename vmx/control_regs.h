/* SPDX-License-Identifier: MIT */
/*
 * L1's CR0, CR4 and CR8. Pure decisions: what a write does, by the SDM's rules for MOV to control
 * registers. CR0.CD and NW are L0's own and only shadowed; NE must stay 1 in VMX operation. CR4
 * bits that L1's CPUID does not offer, and VMXE, are L0's.
 */
#ifndef VMX_CONTROL_REGS_H
#define VMX_CONTROL_REGS_H

#include "hv/msr_index.h"
#include "hv/types.h"

/* CR0 bits that L0 owns: guest writes that change them exit, reads see the shadow. */
#define CR0_L0_OWNED (CR0_NE | CR0_NW | CR0_CD)
/* CR0 bits that exist; the others are ignored on write and read as 0. ET always reads as 1. */
#define CR0_DEFINED                                                                                \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)

/* CR4 bits that stay 1 while L1 sees its own value: without MCE, a machine check in L1 would shut
 * the CPU down instead of exiting. */
#define CR4_L0_ON CR4_MCE

/* The state that decides whether a write is allowed. */
struct cr_state {
	u64 cr0; /* as the guest sees it */
	u64 cr4; /* as the guest sees it */
	u64 efer;
	bool cs_long;   /* CS.L, which counts here before IA-32e mode is on as well */
	bool tss_16bit; /* TR holds a 16-bit TSS */
	u64 cr3;
};

/* Whether MOV to CR0 of this value faults with #GP(0). */
bool cr0_write_faults(const struct cr_state *now, u64 value);
struct cpuid_policy;

/* The CR4 bits whose feature L1's CPUID offers; the others fault. */
u64 cr4_offered(const struct cpuid_policy *policy);

/* Whether MOV to CR4 of this value faults; allowed = the CR4 bits that L1 may set. */
bool cr4_write_faults(const struct cr_state *now, u64 value, u64 allowed);
/* EFER after paging is switched on or off by this CR0: LMA follows LME and PG. */
u64 efer_after_cr0(u64 efer, u64 cr0);
/* Whether the CPU uses PAE paging with this state. */
bool is_pae_paging(u64 cr0, u64 cr4, u64 efer);
/* Whether a write loads the PDPTEs anew (SDM "PDPTE Registers"). */
bool cr_write_loads_pdptes(const struct cr_state *before, const struct cr_state *after);
/* Whether this PDPTE has reserved bits set; maxphyaddr in bits. */
bool pdpte_is_invalid(u64 pdpte, u32 maxphyaddr);
/* Whether one of the four has: none may be loaded then. */
bool pdptes_are_invalid(const u64 pdptes[4], u32 maxphyaddr);
/* Whether XSETBV may set XCR0 to this, of the supported
 * components (SDM "XSETBV", "Extended Control Registers"). */
bool xcr0_is_valid(u64 value, u64 supported);

#endif
