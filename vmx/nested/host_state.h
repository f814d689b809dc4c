/* SPDX-License-Identifier: MIT */
/*
 * What a VM exit loads into L1 (SDM "Loading Host State"): for each guest field of vmcs01 that the
 * exit defines, host_state.def has its value, made of these inputs.
 */
#ifndef VMX_NESTED_HOST_STATE_H
#define VMX_NESTED_HOST_STATE_H

#include "vmx/nested/vmcs12.h"

/* Beside vmcs12: what hardware demands of vmcs01, and what L1 had where the exit loads nothing. */
struct host_state_inputs {
	const struct vmcs12 *v12;
	u64 cr0_fixed0; /* as vmcs01 holds it: without PE and PG */
	u64 cr4_fixed0;
	u64 l2_cr0;  /* CR0's bits that no exit changes come from L2: ET, CD, NW, reserved ones */
	u64 l2_efer; /* bits of EFER that the exit leaves alone */
	u64 l2_pat;
	u64 blocked; /* blocking by NMI, which is the CPU's where L2 has no virtual NMIs; or 0 */
};

/* How many fields are written at each exit. */
enum {
	HOST_STATE_LOADED = 0
#define LOAD(field, value) +1
#define KEEP(field, value)
#include "vmx/nested/host_state.def"
#undef LOAD
#undef KEEP
};

#endif
