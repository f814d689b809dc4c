/* SPDX-License-Identifier: MIT */
/* What linear_translate() needs, from the current VMCS and, by the vCPU's walk cache, the VM's
 * memory. */
#ifndef VMX_LINEAR_NOW_H
#define VMX_LINEAR_NOW_H

#include "vmx/guest_linear.h"
#include "vmx/vcpu.h"

/* How the guest translates at this exit. */
struct paging_mode linear_mode_now(const struct vcpu *v);
/* L1's memory, for walks of L1's own. */
struct linear_source linear_source_of(struct vcpu *v);

/*
 * linear_translate() for the guest of this exit; the address is L1's also where the guest is an L2.
 * Where EPT12 forbids the access, or one to L2's paging structures, the result is refused: L1 has
 * the exit, and there is nothing left to do.
 */
struct linear_result linear_now(struct vcpu *v, const struct paging_mode *mode, u64 linear,
				enum linear_access access);

#endif
