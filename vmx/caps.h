/* SPDX-License-Identifier: MIT */
/*
 * What this machine's CPUs can do with VMX, read once by the boot CPU and constant afterwards.
 * Only MSRs that the CPU says it has are read: reading an absent one raises #GP.
 */
#ifndef VMX_CAPS_H
#define VMX_CAPS_H

#include "vmx/controls.h"

enum ept_cap {
#define EPT_CAP(bit, name, text) EPT_CAP_BIT_##name = (bit),
#include "vmx/ept_caps.def"
#undef EPT_CAP
};

#define EPT_CAP_MASK(name)           BIT(EPT_CAP_BIT_##name)

#define VMX_BASIC_REVISION(basic)    ((u32)(basic)&0x7fffffffu)
#define VMX_BASIC_SIZE(basic)        ((u32)((basic) >> 32) & 0x1fffu)
#define VMX_BASIC_MEMORY_TYPE(basic) ((u32)((basic) >> 50) & 0xfu)
#define VMX_BASIC_IO_INFO            BIT(54) /* INS and OUTS exits give instruction information */
#define VMX_BASIC_TRUE_CONTROLS      BIT(55)
#define VMX_BASIC_ANY_ERROR_CODE     BIT(56) /* any exception may be injected with or without one */

#define VMX_MISC_TIMER_SHIFT(misc)   ((u32)(misc)&0x1fu)
#define VMX_MISC_SAVES_LMA           BIT(5) /* exits store EFER.LMA into "IA-32e mode guest" */
#define VMX_MISC_HLT                 BIT(6)
#define VMX_MISC_SHUTDOWN            BIT(7)
#define VMX_MISC_WAIT_FOR_SIPI       BIT(8)
#define VMX_MISC_CR3_TARGETS(misc)   ((u32)((misc) >> 16) & 0x1ffu)
#define VMX_MISC_MSR_LIST_MAX(misc)  (512u * (((u32)((misc) >> 25) & 7u) + 1u))
#define VMX_MISC_VMWRITE_ANY         BIT(29) /* VMWRITE to exit information */
#define VMX_MISC_ZERO_LENGTH         BIT(30) /* injection with instruction length 0 */

struct vmx_caps {
	bool nx;             /* CPUID offers execute-disable pages */
	bool vmx;            /* CPUID offers VMX; if not, the rest is 0 */
	u64 feature_control; /* IA32_FEATURE_CONTROL as found at the start */
	u64 basic;
	u64 misc;
	u64 cr0_fixed0, cr0_fixed1;
	u64 cr4_fixed0, cr4_fixed1;
	u64 vmcs_enum;
	u64 ept_vpid;               /* 0 without EPT and VPID */
	u64 vmfunc;                 /* 0 without VM functions */
	u32 allowed0[CONTROL_SETS]; /* bits that must be 1 */
	u32 allowed1[CONTROL_SETS]; /* bits that may be 1 */
	u32 physical_bits;          /* MAXPHYADDR */
};

/* Read the CPU's capabilities; everything below answers from what this call found. */
void vmx_caps_read(void);

const struct vmx_caps *vmx_caps(void);

/* May all these bits of the set be 1? */
bool vmx_has_controls(enum control_set set, u32 mask);

/* Are all these EPT_CAP_MASK() bits there? */
bool vmx_has_ept_caps(u64 mask);

/* The types of INVEPT and INVVPID for one context, or for all where the CPU has only that. */
enum invalidation { INVALIDATE_SINGLE = 1, INVALIDATE_ALL = 2 };
extern enum invalidation vmx_invept_best, vmx_invvpid_best; /* set by vmx_caps_read */
static inline enum invalidation vmx_invept_type(void)
{
	return vmx_invept_best;
}

static inline enum invalidation vmx_invvpid_type(void)
{
	return vmx_invvpid_best;
}

/* The set's value for vmcs01: what it needs, what it wants and the CPU has, and what the CPU
 * demands. No VPID where it could not be flushed. */
u32 vmx_controls_for(enum control_set set);

/* NULL, or why Nestor cannot run here: "<what is missing>; <what to do>". */
const char *vmx_refusal(void);

#endif
