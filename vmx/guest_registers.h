/* SPDX-License-Identifier: MIT */
/*
 * The registers of a guest that no VMCS holds and L0 does not use: FPU and vectors, debug
 * addresses, CR2, XCR0 and the MSRs of system calls. They stay in the CPU from a vCPU's first entry
 * until another vCPU takes the CPU over, and only then are they stored here.
 */
#ifndef VMX_GUEST_REGISTERS_H
#define VMX_GUEST_REGISTERS_H

#include "hv/types.h"

#define GUEST_MSRS 6

struct vcpu;

struct guest_registers {
	void *fpu; /* XSAVE area; FXSAVE area where the CPU has no XSAVE */
	u64 dr[4];
	u64 dr6;
	u64 cr2;
	u64 msrs[GUEST_MSRS];
};

/* As a reset leaves them (SDM "Processor State After Reset"); the FPU as FNINIT leaves it.
 * 0 or -ENOMEM. On a CPU whose CR4 is as L0 wants it. */
int guest_registers_create(struct vcpu *v);

/* Store the CPU's into the vCPU, or load the vCPU's into the CPU. */
void guest_registers_store(struct vcpu *v);
void guest_registers_load(const struct vcpu *v);

#endif
