/* SPDX-License-Identifier: MIT */
/*
 * The values of host_state.def that are more than a copy. In a header, so that an exit's loading is
 * one straight run of VMWRITEs.
 */
#ifndef VMX_NESTED_HOST_STATE_VALUES_H
#define VMX_NESTED_HOST_STATE_VALUES_H

#include "hv/msr_index.h"
#include "vmx/access_rights.h"
#include "vmx/control_regs.h"
#include "vmx/nested/host_state.h"

#define HOST_LIMIT_FLAT     0xffffffffu
#define HOST_LIMIT_TABLE    0xffffu
#define HOST_LIMIT_TSS      0x67u
/* CR0's bits that a VM exit does not change (SDM "Loading Host Control Registers, Debug Registers,
 * MSRs"): 63:32, 28:19, 17, 15:6, ET, CD, NW. CD and NW are L0's in hardware. */
#define HOST_CR0_NOT_LOADED (BITS(28, 19) | BIT(17) | BITS(15, 6) | CR0_ET | CR0_CD | CR0_NW)

static inline bool host_is_64bit(const struct host_state_inputs *in)
{
	return in->v12->EXIT_CONTROLS & EXIT_CTL_HOST_64BIT;
}

/* As L1 sees it: what CR0's shadow gets. */
static inline u64 host_cr0(const struct host_state_inputs *in)
{
	return (in->v12->HOST_CR0 & ~HOST_CR0_NOT_LOADED) | (in->l2_cr0 & HOST_CR0_NOT_LOADED);
}

static inline u64 host_hardware_cr0(const struct host_state_inputs *in)
{
	return (host_cr0(in) & ~(u64)(CR0_CD | CR0_NW)) | in->cr0_fixed0;
}

/* "Host address-space size" sets PAE, and clears PCIDE where it is 0. */
static inline u64 host_cr4(const struct host_state_inputs *in)
{
	return host_is_64bit(in) ? in->v12->HOST_CR4 | CR4_PAE
				 : in->v12->HOST_CR4 & ~(u64)CR4_PCIDE;
}

static inline u64 host_hardware_cr4(const struct host_state_inputs *in)
{
	return host_cr4(in) | CR4_L0_ON | in->cr4_fixed0;
}

static inline u64 host_efer(const struct host_state_inputs *in)
{
	u64 mode = EFER_LMA | EFER_LME;

	if (in->v12->EXIT_CONTROLS & EXIT_CTL_LOAD_EFER)
		return in->v12->HOST_EFER;
	return host_is_64bit(in) ? in->l2_efer | mode : in->l2_efer & ~mode;
}

static inline u64 host_pat(const struct host_state_inputs *in)
{
	return in->v12->EXIT_CONTROLS & EXIT_CTL_LOAD_PAT ? in->v12->HOST_PAT : in->l2_pat;
}

static inline u64 host_rights_of_cs(const struct host_state_inputs *in)
{
	return host_is_64bit(in) ? (AR_FLAT_CODE & ~(u64)AR_DB) | AR_L : AR_FLAT_CODE;
}

/* A null selector leaves the register unusable; the rest of its rights is then undefined. */
static inline u64 host_rights_of(u64 selector)
{
	return selector ? AR_FLAT_DATA : AR_UNUSABLE;
}

#endif
