/* SPDX-License-Identifier: MIT */
/* vmcs01: the VMCS that runs L1. What it asks of the CPU comes from controls.def. */
#ifndef VMX_VMCS01_H
#define VMX_VMCS01_H

#include "vmx/vcpu.h"

/* The registers that a loader wants L1 to start with:
 * flat 32-bit protected mode, paging off, interrupts off. */
struct start_state {
	u64 rip;
	u64 rax;
	u64 rbx;
};

/* VPIDs: 0 is L0's own. */
#define VPID_L1 1

/* Build vmcs01 for this vCPU on this CPU, where it becomes current. 0 or -ENOMEM. */
int vmcs01_create(struct vcpu *v, const struct start_state *start);

/* CR bits as hardware must hold them for what the guest sees (fixed bits of VMX operation). */
u64 vmcs01_hardware_cr0(u64 cr0);
u64 vmcs01_hardware_cr4(u64 cr4);

/* Forget L1's cached linear translations on this CPU. */
void vcpu_flush_linear(const struct vcpu *v);

#endif
