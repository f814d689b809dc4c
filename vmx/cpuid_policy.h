/* SPDX-License-Identifier: MIT */
/*
 * What CPUID tells L1. The table is built once from the host's CPUID and constant afterwards; what
 * depends on the vCPU's registers is put in at the answer. A feature is offered only if Nestor
 * keeps or passes its state and its MSRs: unknown bits and leaves read as 0.
 */
#ifndef VMX_CPUID_POLICY_H
#define VMX_CPUID_POLICY_H

#include "hv/cpuid.h"

#define CPUID_BASIC_ROWS   0x17u /* to the clocks of 15h and 16h, whatever the host's highest */
#define CPUID_EXT_ROWS     9u
#define CPUID_HYPER_CLOCKS 0x10u /* the leaf of Nestor's that other hypervisors have there, too */
#define CPUID_HYPER_ROWS   (CPUID_HYPER_CLOCKS + 1)
#define CPUID_SUBLEAVES    32u

/* How an answer depends on the vCPU. */
enum cpuid_patch {
	CPUID_PATCH_NONE,
	CPUID_PATCH_FEATURES,  /* leaf 1: APIC id, OSXSAVE */
	CPUID_PATCH_FEATURES7, /* leaf 7: OSPKE */
	CPUID_PATCH_TOPOLOGY,  /* leaf 0Bh: APIC id, in every subleaf */
	CPUID_PATCH_XSTATE,    /* leaf 0Dh: size of the enabled state */
};

struct cpuid_row {
	struct cpuid_regs regs; /* of subleaf 0 */
	u8 first;     /* its subleaves stand in policy.subleaves[first .. first + count - 1] */
	u8 count;     /* 0: the leaf ignores ECX */
	u8 patch;     /* enum cpuid_patch */
	bool special; /* regs alone are not the answer */
};

struct cpuid_policy {
	u32 ext_count; /* extended leaves */
	struct cpuid_row basic[CPUID_BASIC_ROWS];
	struct cpuid_row ext[CPUID_EXT_ROWS];
	struct cpuid_row hyper[CPUID_HYPER_ROWS];
	struct cpuid_regs subleaves[CPUID_SUBLEAVES];
	u32 subleaf_count;
	u64 xcr0; /* the bits that L1 may set in XCR0; 0 without XSAVE */
};

struct cpuid_setup {
	u32 vcpus;
	u32 cpu2_controls;   /* vmcs01's secondary controls: some enable instructions */
	bool nested;         /* VMX is offered to L1 */
	bool xsave_compacts; /* the compacted form of XSAVE areas can be offered */
	u64 tsc_hz;
	u32 tsc_per_tick; /* of the APIC timer's clock; tsc_hz / tsc_per_tick fits 32 bits */
};

/* The registers of the vCPU that an answer depends on. */
struct cpuid_context {
	u64 cr4;
	u64 xcr0;
	u64 xss;
	u32 apic_id;
	bool has_apic; /* IA32_APIC_BASE.EN */
};

void cpuid_policy_build(struct cpuid_policy *policy, const struct cpuid_setup *setup);

/* As the CPU: a leaf above the highest one gets the data of the highest basic leaf. */
struct cpuid_regs cpuid_policy_answer(const struct cpuid_policy *policy,
				      const struct cpuid_context *context, u32 leaf, u32 subleaf);

/* Bytes that the XSAVE area takes in its standard form for these bits of XCR0. */
u32 cpuid_xsave_size(const struct cpuid_policy *policy, u64 xcr0);

#endif
