/* SPDX-License-Identifier: MIT */
/* A hypercall (hv/abi.h), whichever of its two ways it came in. */
#ifndef VMX_HYPERCALL_H
#define VMX_HYPERCALL_H

#include "vmx/vcpu.h"

/* Its arguments by the registers that VMCALL has them in; rbx is its result as well. */
struct hypercall {
	struct vcpu *v;
	u64 rbx, rcx, rdx;
};

/* An IN from NESTOR_CALL_PORT by L1: make the call whose number RAX holds. False: the port is not
 * there. */
bool hypercall_by_port(struct vcpu *v);

#endif
