/* SPDX-License-Identifier: MIT */
/* L2's physical memory as L1 gave it: through EPT12, where L1 uses EPT. */
#ifndef VMX_NESTED_L2_MEMORY_H
#define VMX_NESTED_L2_MEMORY_H

#include "vmx/nested/ept12.h"
#include "vmx/nested/nested.h"

/* EPT12 of the L2 that runs: read and marked through the vCPU's walk cache. */
struct ept12 l2_ept12(struct vcpu *v);

/* Read bytes that lie in one page. 0, or negative: EPT12 does not lead to memory of L1's. */
int l2_read(struct vcpu *v, l2_gpa_t gpa, void *dst, size_t bytes);

/* Whether a page of L1's is the APIC-access page of the L2 that runs: no access reaches memory. */
bool l2_is_apic_access(const struct vcpu *v, l1_gpa_t gpa);

#endif
