/* SPDX-License-Identifier: MIT */
/* What linear_translate() needs, from the current VMCS and, by the vCPU's walk cache, the VM's
 * memory. */
#ifndef VMX_LINEAR_NOW_H
#define VMX_LINEAR_NOW_H

#include "vmx/guest_linear.h"
#include "vmx/vcpu.h"

/* How L1 translates at this exit. */
struct paging_mode linear_mode_now(const struct vcpu *v);
struct linear_source linear_source_of(struct vcpu *v);

#endif
