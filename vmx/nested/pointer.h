/* SPDX-License-Identifier: MIT */
/* Pointers to VMXON and VMCS regions, as VMX instructions take them. */
#ifndef VMX_NESTED_POINTER_H
#define VMX_NESTED_POINTER_H

#include "vmx/vcpu.h"

/* Aligned, and no wider than a physical address. */
bool pointer_is_valid(const struct vcpu *v, l1_gpa_t pointer);
/* The revision identifier there; a page that is not there has none of ours. */
u32 pointer_revision(struct vcpu *v, l1_gpa_t pointer);

#endif
